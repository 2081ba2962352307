"""The generated types say in Python what Docker's description says in YAML."""

from __future__ import annotations

import inspect

import msgspec
import pytest
from msgspec import UNSET

from tools.generate_api import pascal, snake
from wherry.api import types as api
from wherry.api.operations import OPERATIONS
from wherry.api.versions import MAXIMUM, MINIMUM, parse

STRUCTS = [each for _, each in inspect.getmembers(api, inspect.isclass) if issubclass(each, msgspec.Struct)][1:]


@pytest.mark.parametrize(
    ("json_name", "attribute"),
    [
        ("CpusetCpus", "cpuset_cpus"),
        ("IPAMConfig", "ipam_config"),
        ("IPv6Gateway", "ipv6_gateway"),
        ("EnableIPv6", "enable_ipv6"),
        ("SecondaryIPAddresses", "secondary_ip_addresses"),
        ("IOMaximumIOps", "io_maximum_iops"),
        ("UTSMode", "uts_mode"),
        ("OOMKilled", "oom_killed"),
        ("DeviceIDs", "device_ids"),
        ("NanoCPUs", "nano_cpus"),
        ("com.docker.x", "com_docker_x"),
        ("from", "from_"),
    ],
)
def test_attributes_are_what_a_reader_would_guess(json_name: str, attribute: str) -> None:
    assert snake(json_name) == attribute


def test_type_names_have_no_separators() -> None:
    assert pascal("image-history item") == "ImageHistoryItem"


@pytest.mark.parametrize("struct", STRUCTS, ids=lambda struct: struct.__name__)
def test_every_member_may_be_absent_and_keeps_its_name_on_the_wire(struct: type[msgspec.Struct]) -> None:
    empty = struct()
    assert all(getattr(empty, field) is UNSET for field in struct.__struct_fields__)
    assert msgspec.json.encode(empty) == b"{}"
    nothing = dict.fromkeys(struct.__struct_encode_fields__)
    assert msgspec.json.decode(msgspec.json.encode(msgspec.convert(nothing, struct))) == nothing


@pytest.mark.parametrize("struct", STRUCTS, ids=lambda struct: struct.__name__)
def test_no_two_members_differ_only_in_case(struct: type[msgspec.Struct]) -> None:
    names = {name.lower() for name in struct.__struct_encode_fields__}
    assert len(names) == len(struct.__struct_encode_fields__), "decode could not tell them apart"


def test_a_create_request_has_the_members_of_the_config_and_its_own() -> None:
    names = set(api.ContainerCreateRequest.__struct_encode_fields__)
    assert set(api.ContainerConfig.__struct_encode_fields__) < names
    assert names - set(api.ContainerConfig.__struct_encode_fields__) == {"HostConfig", "NetworkingConfig"}


def test_text_is_written_as_it_is() -> None:
    assert msgspec.json.encode(api.ContainerConfig(image="<a>&\u2028ü")) == '{"Image":"<a>&\u2028ü"}'.encode()


def test_operations_have_one_name_each_and_a_version_we_speak() -> None:
    assert len({each.id for each in OPERATIONS}) == len(OPERATIONS)
    assert all(MINIMUM <= parse(each.since) <= MAXIMUM for each in OPERATIONS)
