"""The kinds of error every component shares.

Knows the kinds only: no HTTP status, no exit code, no other module. A leaf error lives beside the noun it is
about, subclasses one kind, carries fields, and formats its message once, in Docker's words where clients match on
them. The edges (server, registry, cli) map kinds, never leaves, to codes. Anything else that reaches an edge is a bug.

    WherryError
     +- InvalidArgument      the request can never work as written
     +- Unauthorized         who are you?
     +- PermissionDenied     known, and not allowed
     +- NotFound
     +- Conflict             the state of the object forbids it now
     +- FailedPrecondition   something else has to happen first
     +- ResourceExhausted    a limit or a pool is used up
     +- Unsupported          not implemented here
     +- Unavailable          try again later
     +- Internal             we or the kernel failed
     +- DataLoss             stored bytes are missing or damaged
"""

from __future__ import annotations


class WherryError(Exception):
    """Base of all errors that are ours: `message` says what and where, `hint` what to do next ("" if nothing helps)."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class InvalidArgument(WherryError):
    pass


class Unauthorized(WherryError):
    pass


class PermissionDenied(WherryError):
    pass


class NotFound(WherryError):
    pass


class Conflict(WherryError):
    pass


class FailedPrecondition(WherryError):
    pass


class ResourceExhausted(WherryError):
    pass


class Unsupported(WherryError):
    pass


class Unavailable(WherryError):
    pass


class Internal(WherryError):
    pass


class DataLoss(WherryError):
    pass
