"""The fields of tar headers as bytes, read and written. Must not know what they mean."""

from __future__ import annotations

from wherry.snapshots.tar.entry import DamagedArchive

XATTR = "SCHILY.xattr."
"""What precedes the name of an extended attribute in a pax record."""

_MOST_DIGITS = 20


def parse_number(field: bytes, at: int, base: int = 8) -> int:
    """Digits between spaces and NULs, nothing being 0; or, with the first bit set, a binary number (GNU's base 256)."""
    if field[:1] >= b"\x80" and base == 8:
        value = int.from_bytes(field, "big") & ~(1 << (8 * len(field) - 1))
        return value - (1 << (8 * len(field) - 1)) if field[0] & 0x40 else value
    digits = field.partition(b"\0")[0].strip(b" ")
    if not digits:
        return 0
    try:
        if digits.isdigit() and len(digits) <= _MOST_DIGITS:
            return int(digits, base)
    except ValueError:
        pass
    raise DamagedArchive(at, f"{field!r} where a number must be")


def parse_time(value: bytes, at: int) -> int:
    """A decimal fraction of seconds in ns."""
    sign = -1 if value[:1] == b"-" else 1
    seconds, _, fraction = value.lstrip(b"-").partition(b".")
    nanoseconds = parse_number(fraction[:9].ljust(9, b"0"), at, 10)
    return sign * (parse_number(seconds, at, 10) * 1_000_000_000 + nanoseconds)


def parse_pax(data: bytes, records: dict[str, bytes], at: int) -> None:
    """Add the records `<length> <key>=<value>\\n` of an extended header; one without value takes the key back.

    The pairs of GNU's first sparse format repeat their keys; they come out as "GNU.sparse.map", the second format.
    """
    position = 0
    pairs = []
    while position < len(data):
        space = data.find(b" ", position, position + _MOST_DIGITS)
        length = parse_number(data[position:space], at, 10) if space > position else 0
        if length == 0:
            raise DamagedArchive(at, "malformed extended header")
        record = data[space + 1 : position + length]
        key, equals, value = record[:-1].partition(b"=")
        if not key or not equals or record[-1:] != b"\n" or position + length > len(data):
            raise DamagedArchive(at, "malformed extended header")
        position += length
        name = key.decode("utf-8", "surrogateescape")
        if name in ("GNU.sparse.offset", "GNU.sparse.numbytes"):
            pairs.append(value)
        elif value or name.startswith(XATTR):
            records[name] = value
        else:
            records.pop(name, None)
    if pairs:
        records["GNU.sparse.map"] = b",".join(pairs)


def format_number(value: int, width: int) -> bytes | None:
    """Octal digits and a NUL, or None if the field is too small or the number negative."""
    if value < 0:
        return None
    field = b"%0*o\0" % (width - 1, value)
    return field if len(field) == width else None


def format_pax(records: dict[str, bytes]) -> bytes:
    """Records whose lengths count themselves."""
    out = []
    for key, value in records.items():
        rest = b" " + key.encode("utf-8", "surrogateescape") + b"=" + value + b"\n"
        length = len(rest)
        while len(str(length)) + len(rest) != length:
            length = len(str(length)) + len(rest)
        out.append(str(length).encode() + rest)
    return b"".join(out)


def format_time(nanoseconds: int) -> bytes:
    sign = "-" if nanoseconds < 0 else ""
    seconds, fraction = divmod(abs(nanoseconds), 1_000_000_000)
    return f"{sign}{seconds}.{fraction:09d}".rstrip("0").rstrip(".").encode()
