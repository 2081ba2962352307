"""RFC 6455: frames in any pieces, violations, and a whole conversation."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.http_serving import run, serving, statuses
from wherry.http.message import Request
from wherry.http.websocket import Code, Decoder, Message, Opcode, Violation, accept, accept_key, encode, mask

KEY = b"\x37\xfa\x21\x3d"


def frame(opcode: int, data: bytes, *, final: bool = True) -> bytes:
    """A frame as clients send it: `encode` with the mask added."""
    plain = bytearray(encode(Opcode.BINARY, data))
    header = len(plain) - len(data)
    plain[0] = opcode | (0x80 if final else 0)
    plain[1] |= 0x80
    return bytes(plain[:header]) + KEY + mask(data, KEY)


def test_the_examples_of_the_rfc() -> None:
    assert accept_key("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
    masked = bytes.fromhex("818537fa213d7f9f4d5158")
    assert Decoder().feed(masked) == [Message(Opcode.TEXT, b"Hello")]
    assert encode(Opcode.TEXT, b"Hello") == bytes.fromhex("810548656c6c6f")
    assert encode(Opcode.BINARY, bytes(256))[:4] == bytes.fromhex("827e0100")
    assert encode(Opcode.BINARY, bytes(65536))[:10] == bytes.fromhex("827f0000000000010000")


@given(
    st.lists(st.tuples(st.lists(st.binary(max_size=300), min_size=1, max_size=3), st.booleans()), max_size=4),
    st.lists(st.integers(0, 3000), max_size=8),
)
def test_messages_come_out_whole_however_fragments_and_pieces_fall(
    messages: list[tuple[list[bytes], bool]], places: list[int]
) -> None:
    data = b""
    expected = []
    for fragments, ping in messages:
        for number, fragment in enumerate(fragments):
            opcode = Opcode.CONTINUATION if number else Opcode.BINARY
            data += frame(opcode, fragment, final=number == len(fragments) - 1)
            if ping and number < len(fragments) - 1:
                data += frame(Opcode.PING, b"p")
                expected.append(Message(Opcode.PING, b"p"))
        expected.append(Message(Opcode.BINARY, b"".join(fragments)))
    ends = sorted({place % (len(data) + 1) for place in places} | {len(data)})
    decoder = Decoder()
    received = [
        message for start, end in zip([0, *ends], ends, strict=False) for message in decoder.feed(data[start:end])
    ]
    assert received == expected


@given(st.binary(max_size=1000), st.binary(min_size=4, max_size=4))
def test_masking_twice_gives_the_data_again(data: bytes, key: bytes) -> None:
    assert mask(mask(data, key), key) == data
    assert mask(data, key) == bytes(byte ^ key[index % 4] for index, byte in enumerate(data))


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (bytes.fromhex("810548656c6c6f"), Code.PROTOCOL_ERROR),
        (b"\xc2\x80", Code.PROTOCOL_ERROR),
        (b"\x83\x80", Code.PROTOCOL_ERROR),
        (b"\x09\x80", Code.PROTOCOL_ERROR),
        (b"\x89\xfe", Code.PROTOCOL_ERROR),
        (frame(Opcode.CONTINUATION, b"x"), Code.PROTOCOL_ERROR),
        (frame(Opcode.BINARY, b"x", final=False) + frame(Opcode.TEXT, b"y"), Code.PROTOCOL_ERROR),
        (frame(Opcode.TEXT, b"\xff"), Code.INVALID_TEXT),
        (b"\x82\xff" + struct.pack("!Q", 1 << 62), Code.TOO_LARGE),
        (frame(Opcode.BINARY, bytes(600), final=False) + frame(Opcode.CONTINUATION, bytes(600)), Code.TOO_LARGE),
    ],
)
def test_violations_are_noticed_before_their_data_is_awaited(data: bytes, code: Code) -> None:
    with pytest.raises(Violation) as caught:
        Decoder(limit=1000).feed(data)
    assert caught.value.code == code


HANDSHAKE = (
    b"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


async def shout(request: Request) -> None:
    websocket = await accept(request, limit=1000)
    while (data := await websocket.receive()) is not None:
        await websocket.send(data.upper())
    await websocket.close()


def test_a_conversation_from_handshake_to_goodbye() -> None:
    async def body() -> None:
        async with serving(shout) as running:
            said = (
                frame(1, b"he", final=False)
                + frame(9, b"ping")
                + frame(0, b"llo")
                + frame(2, b"raw")
                + frame(8, b"\x03\xe8bye")
            )
            answer = await running.talk(HANDSHAKE + said, eof=False)
            head, _, frames = answer.partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 101 ")
            assert b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in head
            expected = [
                (Opcode.PONG, b"ping"),
                (Opcode.BINARY, b"HELLO"),
                (Opcode.BINARY, b"RAW"),
                (Opcode.CLOSE, b"\x03\xe8"),
            ]
            assert frames == b"".join(encode(opcode, data) for opcode, data in expected)

    run(body())


def test_a_violation_is_answered_with_its_code() -> None:
    async def body() -> None:
        async with serving(shout) as running:
            answer = await running.talk(HANDSHAKE + frame(2, bytes(2000)), eof=False)
            closing = answer.partition(b"\r\n\r\n")[2]
            assert closing[0] == 0x80 | Opcode.CLOSE
            assert closing[2:4] == struct.pack("!H", Code.TOO_LARGE)

    run(body())


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"Upgrade: websocket", b"Upgrade: tcp"),
        (b"keep-alive, Upgrade", b"keep-alive"),
        (b"Version: 13", b"Version: 8"),
        (b"dGhlIHNhbXBsZSBub25jZQ==", b"short"),
        (b"GET", b"POST"),
    ],
)
def test_what_is_no_websocket_request_gets_an_ordinary_answer(old: bytes, new: bytes) -> None:
    async def body() -> None:
        async with serving(shout) as running:
            answer = await running.talk(HANDSHAKE.replace(old, new))
            assert statuses(answer) == [400]
            assert b"X-Error: NotWebSocket" in answer

    run(body())
