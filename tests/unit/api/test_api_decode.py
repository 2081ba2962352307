"""Bodies are read as leniently as Go reads them, and not more."""

from __future__ import annotations

import contextlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from wherry import errors
from wherry.api import types as api
from wherry.api.decode import ContentAfterJson, InvalidJson, NoJson, decode


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


def test_the_last_of_members_given_twice_counts_however_they_are_written() -> None:
    assert decode(b'{"Image":"a","image":"b"}', api.ContainerCreateRequest).image == "b"
    assert decode(b'{"image":"b","Image":"a"}', api.ContainerCreateRequest).image == "a"


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
        b'{"Volumes":' + b'{"a":' * 200 + b"1" + b"}" * 201,
        b'{"HostConfig":{"Memory":NaN}}',
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


@pytest.mark.parametrize("number", [1 << 63, -(1 << 63) - 1, 10**400])
def test_an_integer_that_go_could_not_hold_is_refused_by_name(number: int) -> None:
    with pytest.raises(InvalidJson, match=r"\$\.HostConfig\.Memory"):
        decode(b'{"HostConfig":{"Memory":%d}}' % number, api.ContainerCreateRequest)


@pytest.mark.parametrize("number", [(1 << 63) - 1, -(1 << 63), 0])
def test_an_integer_that_go_can_hold_is_taken(number: int) -> None:
    request = decode(b'{"HostConfig":{"Memory":%d}}' % number, api.ContainerCreateRequest)
    assert isinstance(request.host_config, api.HostConfig)
    assert request.host_config.memory == number


@pytest.mark.parametrize("data", [b"", b" \r\n\t"])
def test_nothing_is_no_json(data: bytes) -> None:
    with pytest.raises(NoJson, match="invalid JSON: got EOF while reading request body"):
        decode(data, api.ContainerCreateRequest)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.sampled_from(["Cmd", "HOSTCONFIG", "env"]), inner),
    max_leaves=20,
)


@given(JSON)
def test_any_json_is_read_or_refused_as_an_invalid_argument(value: object) -> None:
    with contextlib.suppress(errors.InvalidArgument):
        assert isinstance(decode(msgspec.json.encode(value), api.ContainerCreateRequest), api.ContainerCreateRequest)


@given(st.binary(max_size=100))
def test_any_bytes_are_read_or_refused_as_an_invalid_argument(data: bytes) -> None:
    with contextlib.suppress(errors.InvalidArgument):
        decode(data, api.ContainerCreateRequest)
