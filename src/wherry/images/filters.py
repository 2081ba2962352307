"""Filters of lists and prunes of images.

Knows Docker's filter words and how they combine. Must not know where images are. Values of one word are alternatives,
except for labels and moments, which must all hold.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache

from wherry import errors
from wherry.images import times
from wherry.images.image import Image

Filters = Mapping[str, Sequence[str]]

LIST = frozenset({"dangling", "label", "label!", "before", "since", "until", "reference"})
PRUNE = frozenset({"dangling", "label", "label!", "until"})
_TRUE = frozenset({"1", "t", "T", "true", "TRUE", "True"})
_FALSE = frozenset({"0", "f", "F", "false", "FALSE", "False"})


class InvalidFilter(errors.InvalidArgument):
    """`value` is "" if the word itself is unknown."""

    def __init__(self, word: str, value: str = "") -> None:
        super().__init__(f"invalid filter '{word}={value}'" if value else f"invalid filter '{word}'")
        self.word, self.value = word, value


def check(filters: Filters, allowed: frozenset[str]) -> None:
    for word in filters:
        if word not in allowed:
            raise InvalidFilter(word)


def flag(filters: Filters, word: str) -> bool | None:
    """The value of a word that is yes or no; None if it is not given. Raises InvalidFilter."""
    values = filters.get(word)
    if not values:
        return None
    if len(values) == 1 and values[0] in _TRUE:
        return True
    if len(values) == 1 and values[0] in _FALSE:
        return False
    raise InvalidFilter(word, ",".join(values))


def until(filters: Filters) -> int | None:
    """The earliest moment given for `until`, in nanoseconds since 1970."""
    return min((times.parse(value) for value in filters.get("until", ())), default=None)


def has_labels(filters: Filters, labels: Mapping[str, str]) -> bool:
    """Whether all `label` hold and no `label!` does. A filter is `name` or `name=value`."""

    def holds(wanted: str) -> bool:
        name, equals, value = wanted.partition("=")
        return name in labels and (not equals or labels[name] == value)

    return all(map(holds, filters.get("label", ()))) and not any(map(holds, filters.get("label!", ())))


def is_named(patterns: Iterable[str], familiar: str) -> bool:
    """Whether a familiar name, whole or without tag and digest, matches one of the patterns."""
    name = familiar.partition("@")[0]
    if ":" in name.rpartition("/")[2]:
        name = name.rpartition(":")[0]
    return any(glob(pattern)(familiar) or glob(pattern)(name) for pattern in patterns)


@lru_cache(maxsize=256)
def glob(pattern: str) -> Callable[[str], bool]:
    """Whether a text matches a pattern of Go's path.Match: `*` and `?` stop at slashes. Raises InvalidFilter."""
    first, *others = _between_stars(pattern)
    # What follows a star is looked for once, at its first place (an atomic group): no pattern takes exponential time.
    middle = "".join(f"(?>[^/]*?{segment})" for segment in others[:-1] if segment)
    last = f"[^/]*{others[-1]}" if others else ""
    matches = re.compile(first + middle + last, re.DOTALL).fullmatch
    return lambda text: matches(text) is not None


def _between_stars(pattern: str) -> list[str]:
    """What stands between the stars of a pattern, as regular expressions."""
    segments, at = [""], 0
    while at < len(pattern):
        letter = pattern[at]
        at += 1
        if letter == "*":
            segments.append("")
        elif letter == "?":
            segments[-1] += "[^/]"
        elif letter == "[":
            at, letters = _letters(pattern, at)
            segments[-1] += letters
        else:
            if letter == "\\":
                letter = pattern[at : at + 1]
                at += 1
            if not letter:
                raise InvalidFilter("reference", pattern)
            segments[-1] += re.escape(letter)
    return segments


def _letters(pattern: str, at: int) -> tuple[int, str]:
    """The set of letters whose `[` is before `at`: the place behind it, and the same as a regular expression."""
    found = re.compile(r"(\^?)((?:\\.|[^\\\]])(?:\\.|[^\\\]])*)\]", re.DOTALL).match(pattern, at)
    if not found:
        raise InvalidFilter("reference", pattern)
    items = re.findall(r"\\?(.)(?:-\\?(.))?", found[2], re.DOTALL)
    ranges = [(low, high or low) for low, high in items]
    if any(low > high for low, high in ranges):
        raise InvalidFilter("reference", pattern)
    letters = "".join(f"{re.escape(low)}-{re.escape(high)}" for low, high in ranges)
    return found.end(), f"[{found[1]}{letters}]"


def select(images: Iterable[Image], filters: Filters, moment_of: Callable[[str], int]) -> list[Image]:
    """The images that pass, in their order; a filter by reference also hides the names that do not match.

    `moment_of` tells when the image that `before` or `since` names was created.
    """
    check(filters, LIST)
    dangling, patterns = flag(filters, "dangling"), filters.get("reference", ())
    before = [moment_of(value) for value in filters.get("before", ())]
    limit = until(filters)
    latest = min([*before, *([limit] if limit is not None else [])], default=None)
    earliest = max((moment_of(value) for value in filters.get("since", ())), default=None)
    for pattern in patterns:
        glob(pattern)
    chosen = []
    for image in images:
        if (latest is not None and image.created >= latest) or (earliest is not None and image.created <= earliest):
            continue
        if not has_labels(filters, image.config.execution.labels or {}):
            continue
        shown = image.called(lambda name: is_named(patterns, name)) if patterns else image
        named = bool(shown.references or shown.repo_digests)
        if (patterns or dangling is False) and not named:
            continue
        if not (dangling and shown.references):
            chosen.append(shown)
    return chosen
