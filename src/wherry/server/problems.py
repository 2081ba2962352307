"""Errors as HTTP answers: the one place that maps kinds to statuses.

Knows the kinds and Docker's JSON form of an error. Must not know leaves. An exception that is not ours is a bug: it
is logged with its traceback, and the client learns no more than that.
"""

from __future__ import annotations

import logging

import msgspec

from wherry import errors
from wherry.http.message import Response
from wherry.http.refusals import Refused

_log = logging.getLogger(__name__)

_STATUSES: tuple[tuple[type[errors.WherryError], int], ...] = (
    (errors.InvalidArgument, 400),
    (errors.Unauthorized, 401),
    (errors.PermissionDenied, 403),
    (errors.NotFound, 404),
    (errors.Conflict, 409),
    (errors.FailedPrecondition, 409),
    (errors.Unsupported, 501),
    (errors.Unavailable, 503),
)


class PageNotFound(errors.NotFound):
    """No route has this path and method; Docker says so for both."""

    def __init__(self) -> None:
        super().__init__("page not found")


class NotImplementedYet(errors.Unsupported):
    def __init__(self, operation: str, path: str) -> None:
        super().__init__(
            f"{operation} ({path}) is not implemented by wherry yet",
            hint="docs/reference/operations.md lists what is there",
        )


class NoSwarm(errors.Unavailable):
    def __init__(self) -> None:
        super().__init__(
            'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node '
            "to swarm and try again."
        )


class InternalError(errors.Internal):
    """Stands for an exception that is not ours."""

    def __init__(self, error: Exception) -> None:
        super().__init__(f"internal error: {type(error).__name__}", hint="the daemon's log has the details")


def status_of(error: errors.WherryError) -> int:
    if isinstance(error, Refused):
        return error.status
    return next((status for kind, status in _STATUSES if isinstance(error, kind)), 500)


def ours(error: Exception, doing: str) -> errors.WherryError:
    """The error itself if it is ours, else one that gives nothing away; `doing` is for the log."""
    if isinstance(error, errors.WherryError):
        if status_of(error) == 500:
            _log.error("%s: %s", doing, error.message)
        return error
    _log.error("%s failed", doing, exc_info=error)
    return InternalError(error)


def body_of(error: errors.WherryError) -> bytes:
    """`message` is exactly Docker's text, which clients search; our advice travels beside it."""
    fields = {"message": error.message} | ({"hint": error.hint} if error.hint else {})
    return msgspec.json.encode(fields) + b"\n"


def answer(error: errors.WherryError) -> Response:
    return Response(status_of(error), [("Content-Type", "application/json")], body_of(error))
