from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wherry import errors
from wherry.network import ports
from wherry.network.ports import Wanted, parse_binding, parse_port, parse_ports


@pytest.mark.parametrize(
    ("text", "expected"),
    [("80", (80, "tcp")), ("80/tcp", (80, "tcp")), ("53/UDP", (53, "udp")), ("65535/sctp", (65535, "sctp"))],
)
def test_a_port_is_a_number_and_a_protocol(text: str, expected: tuple[int, str]) -> None:
    assert parse_port(text) == expected


@pytest.mark.parametrize(
    "text", ["", "0", "65536", "80/", "80/icmp", "tcp/80", "-1", "80-81", " 80", "80\n", "٣", "8٣", "99999999"]
)
def test_what_is_no_port_is_refused_with_dockers_text(text: str) -> None:
    with pytest.raises(ports.InvalidPort) as failure:
        parse_port(text)
    assert failure.value.message == f'Invalid port specification: "{text}"'


def test_a_range_is_all_its_ports() -> None:
    assert parse_ports("8000-8002/udp") == [(8000, "udp"), (8001, "udp"), (8002, "udp")]
    with pytest.raises(ports.InvalidPort):
        parse_ports("8002-8000")


@given(st.integers(1, 65535), st.sampled_from(["tcp", "udp", "sctp"]))
def test_every_port_is_parsed_back(number: int, protocol: str) -> None:
    assert parse_port(f"{number}/{protocol}") == (number, protocol)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("80/tcp", "", ""), Wanted("tcp", 80)),
        (("80/tcp", "", "8080"), Wanted("tcp", 80, "", 8080, 8080)),
        (("53/udp", "127.0.0.1", "8000-8010"), Wanted("udp", 53, "127.0.0.1", 8000, 8010)),
        (("80", "0.0.0.0", "0"), Wanted("tcp", 80, "0.0.0.0")),
    ],
)
def test_a_binding_names_what_is_wanted(arguments: tuple[str, str, str], expected: Wanted) -> None:
    assert parse_binding(*arguments) == expected


@pytest.mark.parametrize("host_port", ["x", "-1", "70000", "9-8", "0-9", "80-", "80-81-82", " 80", "-"])
def test_what_is_no_host_port_is_refused(host_port: str) -> None:
    with pytest.raises(ports.InvalidHostPort):
        parse_binding("80/tcp", "", host_port)


@pytest.mark.parametrize("address", ["localhost", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4"])
def test_what_is_no_host_address_is_refused(address: str) -> None:
    with pytest.raises(ports.InvalidHostAddress):
        parse_binding("80/tcp", address, "")


@pytest.mark.parametrize("address", ["::", "[::1]", "fd00::1"])
def test_an_ipv6_address_is_honestly_not_supported(address: str) -> None:
    with pytest.raises(errors.Unsupported):
        parse_binding("80/tcp", address, "")


def test_sctp_is_honestly_not_supported() -> None:
    with pytest.raises(errors.Unsupported):
        parse_binding("80/sctp", "", "")
