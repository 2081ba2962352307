"""Requests that are refused before, or instead of, an answer of the handler's own.

Knows the statuses of RFC 9110 section 15 for them. Must not know how an error looks on the wire: `Server`'s `error`
callable turns a refusal into a response.
"""

from __future__ import annotations

from typing import ClassVar

from wherry import errors


class Refused(errors.WherryError):
    """Base of all refusals: `status` is the HTTP status that says it best."""

    status: ClassVar[int] = 400


class Malformed(Refused, errors.InvalidArgument):
    """The bytes are not HTTP/1.1, or could be read in two ways."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"malformed request: {reason}")


class HeadersTooLarge(Refused, errors.InvalidArgument):
    status = 431

    def __init__(self, limit: int) -> None:
        super().__init__(f"request headers are larger than {limit} bytes")
        self.limit = limit


class HeadersTooSlow(Refused, errors.Unavailable):
    status = 408

    def __init__(self, seconds: float) -> None:
        super().__init__(f"request headers did not arrive within {seconds:g} seconds")


class BodyTooLarge(Refused, errors.InvalidArgument):
    status = 413

    def __init__(self, limit: int) -> None:
        super().__init__(f"request body is larger than {limit} bytes")
        self.limit = limit


class TooManyConnections(Refused, errors.Unavailable):
    status = 503

    def __init__(self, limit: int) -> None:
        super().__init__(f"all {limit} connections are in use")


class ClientGone(Refused, errors.Unavailable):
    """The client left before its body was complete; the answer has nobody to go to."""

    def __init__(self) -> None:
        super().__init__("client disconnected before the request was complete")
