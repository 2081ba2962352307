"""Bodies are read as leniently as Go reads them, and not more."""

from __future__ import annotations

import pytest
from msgspec import UNSET

from wherry import errors
from wherry.api import types as api
from wherry.server.decoding import ContentAfterJson, InvalidJson, decode


def test_names_compare_without_case_at_every_depth() -> None:
    request = decode(
        b'{"image":"a","HOSTCONFIG":{"portbindings":{"80/tcp":[{"hostport":"1"}]}}}', api.ContainerCreateRequest
    )
    assert request.image == "a"
    assert isinstance(request.host_config, api.HostConfig)
    assert request.host_config.port_bindings == {"80/tcp": [api.PortBinding(host_port="1")]}


def test_unknown_members_are_ignored() -> None:
    assert decode(b'{"Image":"a","Nonsense":{"x":[1]}}', api.ContainerCreateRequest).image == "a"


def test_keys_of_maps_are_not_names() -> None:
    request = decode(b'{"Labels":{"image":"x","Image":"y"}}', api.ContainerCreateRequest)
    assert request.labels == {"image": "x", "Image": "y"}
    assert request.image is UNSET


def test_a_command_may_be_one_string() -> None:
    request = decode(b'{"Cmd":"ls","Entrypoint":"/bin/sh","Env":["a=b"]}', api.ContainerCreateRequest)
    assert (request.cmd, request.entrypoint, request.env) == (["ls"], ["/bin/sh"], ["a=b"])


def test_absent_and_null_differ() -> None:
    request = decode(b'{"Cmd":null}', api.ContainerCreateRequest)
    assert request.cmd is None
    assert request.entrypoint is UNSET


@pytest.mark.parametrize(
    "data",
    [
        b"{",
        b"[]",
        b"null",
        b'{"Image":1}',
        b'{"Env":[1]}',
        b"\xff",
        b"[" * 1_000_000,
        b'{"Volumes":' + b'{"a":' * 200 + b"{}",
    ],
)
def test_what_is_no_request_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidJson):
        decode(data, api.ContainerCreateRequest)


def test_something_after_the_json_is_refused_in_dockers_words() -> None:
    with pytest.raises(ContentAfterJson, match="unexpected content after JSON"):
        decode(b"{} {}", api.ContainerCreateRequest)


def test_a_type_error_names_the_member() -> None:
    with pytest.raises(errors.InvalidArgument, match=r"\$\.HostConfig\.Memory"):
        decode(b'{"HostConfig":{"Memory":"1g"}}', api.ContainerCreateRequest)
