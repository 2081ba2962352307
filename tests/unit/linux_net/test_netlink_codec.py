"""Netlink messages as bytes, against the layouts of netlink(7)."""

from __future__ import annotations

import errno
import ipaddress
import struct

from hypothesis import given
from hypothesis import strategies as st

from wherry.linux.netlink import codec, route


@given(st.dictionaries(st.integers(0, 0x3FFF), st.binary(max_size=40), max_size=8))
def test_attributes_are_read_back(fields: dict[int, bytes]) -> None:
    data = b"".join(codec.attribute(kind, value) for kind, value in fields.items())
    assert len(data) % 4 == 0
    assert codec.attributes(data) == fields


@given(st.binary(max_size=200))
def test_bytes_of_any_kind_are_read_without_failing(data: bytes) -> None:
    codec.attributes(data)
    list(codec.answers(data))


def test_a_nested_attribute_is_found_by_its_plain_kind() -> None:
    data = codec.nested(18, codec.text(1, "veth"))
    assert data[:4] == struct.pack("=HH", 4 + 12, 18 | 0x8000)
    assert codec.attributes(codec.attributes(data)[18]) == {1: b"veth\0"}


def test_answers_are_split_at_their_padded_ends() -> None:
    first = codec.message(16, 0, 7, b"abc")
    second = codec.message(2, 0, 8, b"defg")
    answers = list(codec.answers(first + b"\0" + second))
    assert [(each.kind, each.sequence, each.body) for each in answers] == [(16, 7, b"abc"), (2, 8, b"defg")]


def test_success_is_no_error() -> None:
    assert codec.error(0, struct.pack("=i", 0), "add link x") is None


def test_an_error_has_the_kernels_own_words() -> None:
    request = codec.message(16, 0, 7, b"1234")
    words = codec.text(1, "Cannot do that")
    whole = codec.error(codec.NLM_F_ACK_TLVS, struct.pack("=i", -errno.EINVAL) + request + words, "add link x")
    assert str(whole) == "[Errno 22] add link x: Invalid argument (Cannot do that)"
    capped = codec.error(
        codec.NLM_F_ACK_TLVS | codec.NLM_F_CAPPED, struct.pack("=i", -errno.EINVAL) + request[:16] + words, "add link x"
    )
    assert str(capped) == str(whole)
    silent = codec.error(0, struct.pack("=i", -errno.EEXIST) + request, "add link x")
    assert silent
    assert (silent.errno, str(silent)) == (errno.EEXIST, "[Errno 17] add link x: File exists")


def test_a_veth_with_its_peer_elsewhere_is_one_message() -> None:
    peer = route.veth_peer("eth0", mac="02:00:00:00:00:01", netns_fd=9)
    request = route.link_add("veth1", "veth", master=5, peer=peer)
    header = struct.unpack_from("=BxHiII", request.body)
    assert header == (0, 0, 0, 1, 1)
    fields = codec.attributes(request.body[16:])
    assert (fields[3], fields[10]) == (b"veth1\0", struct.pack("=I", 5))
    info = codec.attributes(fields[18])
    assert info[1] == b"veth\0"
    inner = codec.attributes(info[2])[1]
    assert struct.unpack_from("=BxHiII", inner) == (0, 0, 0, 0, 0)
    assert codec.attributes(inner[16:]) == {
        3: b"eth0\0",
        1: bytes.fromhex("020000000001"),
        28: struct.pack("=I", 9),
    }


def test_an_address_has_a_broadcast_address_where_there_is_one() -> None:
    request = route.address_add(3, ipaddress.ip_interface("10.1.2.3/24"))
    assert struct.unpack_from("=BBBBI", request.body) == (2, 24, 0, 0, 3)
    own, broadcast = bytes([10, 1, 2, 3]), bytes([10, 1, 2, 255])
    assert codec.attributes(request.body[8:]) == {2: own, 1: own, 4: broadcast}
    assert 4 not in codec.attributes(route.address_add(3, ipaddress.ip_interface("10.1.2.3/31")).body[8:])
    assert 4 not in codec.attributes(route.address_add(3, ipaddress.ip_interface("fd00::1/64")).body[8:])


def test_a_default_route_has_no_destination() -> None:
    request = route.route_add(ipaddress.ip_address("10.0.0.1"), replace=True)
    assert request.flags == codec.NLM_F_CREATE | codec.NLM_F_REPLACE
    assert struct.unpack_from("=BBBBBBBBI", request.body) == (2, 0, 0, 0, 254, 3, 0, 1, 0)
    assert codec.attributes(request.body[12:]) == {5: bytes([10, 0, 0, 1])}
