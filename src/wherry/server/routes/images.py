"""Images: list, look at, name, remove, and carry in and out as archives."""

from __future__ import annotations

from collections.abc import AsyncIterator

from wherry import errors
from wherry.api.versions import Version
from wherry.http.message import Query, Response
from wherry.images.progress import Progress, Report
from wherry.server import progress, query, responses
from wherry.server.call import Call
from wherry.server.render import image as render
from wherry.server.routing import Route

_V1_51 = Version(1, 51)
_TAR = "application/x-tar"
_STDIN = "-"


class CannotPull(errors.Unsupported):
    def __init__(self, reference: str) -> None:
        super().__init__(
            f"cannot pull {reference}: pulling from registries is not implemented by wherry yet",
            hint="load an archive made with `docker save` or `skopeo copy … docker-archive:FILE` instead",
        )


class NothingToCreateFrom(errors.InvalidArgument):
    def __init__(self) -> None:
        super().__init__("either fromImage or fromSrc must be given")


class CannotFetch(errors.Unsupported):
    def __init__(self, source: str) -> None:
        super().__init__(
            f"cannot import {source}: fetching a URL is not implemented by wherry yet",
            hint="fetch it first and import the file",
        )


async def list_(call: Call) -> Response:
    found = await call.engine.images.list(query.filters(call.query))
    shared = {}
    if query.flag(call.query, "shared-size"):
        usage = await call.engine.images.df()
        shared = {each.image.id: each.shared for each in usage.images}
    users: dict[str, int] = {}
    for record in call.engine.containers.records():
        users[record.image_id] = users.get(record.image_id, 0) + 1
    return responses.json(
        [
            render.summary(
                image,
                call.version,
                containers=users.get(image.id, 0) if call.version >= _V1_51 else -1,
                shared=shared.get(image.id, -1),
            )
            for image in found
        ]
    )


async def inspect(call: Call) -> Response:
    image = call.engine.images.resolve(call.name)
    return responses.json(render.inspect(image, call.version, driver=call.engine.storage_driver))


async def history(call: Call) -> Response:
    return responses.json(render.history(await call.engine.images.history(call.name)))


async def tag(call: Call) -> Response:
    repository, name = call.query.get("repo"), call.query.get("tag")
    await call.engine.images.tag(call.name, f"{repository}:{name}" if name else repository)
    return responses.empty(201)


async def delete(call: Call) -> Response:
    removed = await call.engine.images.remove(call.name, force=query.flag(call.query, "force"))
    return responses.json([render.removed(each) for each in removed])


async def prune(call: Call) -> Response:
    pruned = await call.engine.images.prune(query.filters(call.query))
    deleted = [render.removed(each) for each in pruned.removed]
    return responses.json({"ImagesDeleted": deleted or None, "SpaceReclaimed": pruned.space})


async def create(call: Call) -> Response:
    """Pull (`fromImage`) or import (`fromSrc`)."""
    image, source = call.query.get("fromImage"), call.query.get("fromSrc")
    if image:
        name = call.query.get("tag")
        separator = "@" if name.startswith("sha256:") else ":"
        raise CannotPull(f"{image}{separator}{name}" if name else image)
    if not source:
        raise NothingToCreateFrom
    if source != _STDIN:
        raise CannotFetch(source)
    target = _import_target(call.query)

    async def work(report: Report) -> None:
        identifier = await call.engine.images.import_(
            call.request.body,
            reference=target,
            changes=call.query.all("changes"),
            message=call.query.get("message"),
            platform=call.query.get("platform"),
        )
        report(Progress(status=identifier))

    return await progress.told(work)


def _import_target(parameters: Query) -> str:
    repository, name = parameters.get("repo"), parameters.get("tag")
    return f"{repository}:{name}" if repository and name else repository


async def load(call: Call) -> Response:
    async def work(report: Report) -> None:
        await call.engine.images.load(call.request.body, report, query.platform(call.query))

    return await progress.told(work, always_in_stream=True)


async def save(call: Call) -> Response:
    return responses.stream(_TAR, await _archive(call, [call.name]))


async def save_several(call: Call) -> Response:
    names = [name for given in call.query.all("names") for name in given.split(",") if name]
    return responses.stream(_TAR, await _archive(call, names))


async def _archive(call: Call, names: list[str]) -> AsyncIterator[bytes]:
    """The archive; names that mean nothing are an error before its first byte."""
    for name in names:
        call.engine.images.resolve(name)
    return call.engine.images.save(names)


ROUTES = (
    Route("GET", "/images/json", list_),
    Route("GET", "/images/get", save_several),
    Route("POST", "/images/create", create),
    Route("POST", "/images/load", load),
    Route("POST", "/images/prune", prune),
    Route("GET", "/images/{name}/json", inspect),
    Route("GET", "/images/{name}/history", history),
    Route("GET", "/images/{name}/get", save),
    Route("POST", "/images/{name}/tag", tag),
    Route("DELETE", "/images/{name}", delete),
)
