from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wherry.images import filters, times
from wherry.images.filters import InvalidFilter
from wherry.images.image import Image
from wherry.oci import digest as digests
from wherry.oci.descriptor import OCI_CONFIG, Descriptor
from wherry.oci.image_config import Execution, ImageConfig
from wherry.oci.manifest import of_image


def image(name: str, *tags: str, created: int = 0, labels: dict[str, str] | None = None, known: bool = False) -> Image:
    digest = digests.of(name.encode())
    return Image(
        id=digest,
        manifest_digest=digest,
        manifest=of_image(Descriptor(OCI_CONFIG, digest, 1), ()),
        config=ImageConfig(config=Execution(labels=labels)),
        chain_id=None,
        size=0,
        created=created,
        references=tags,
        repo_digests=(f"{name}@{digest}",) if known else (),
    )


OLD = image("old", "old:1", "app:old", created=10, labels={"a": "1"})
NEW = image("new", "new:1", created=30, labels={"a": "2", "b": ""})
BARE = image("bare", created=20)
PULLED = image("pulled", created=20, known=True)
ALL = [NEW, BARE, PULLED, OLD]


def chosen(**given: list[str]) -> list[Image]:
    words = {word.replace("_not", "!"): values for word, values in given.items()}
    return filters.select(ALL, words, lambda name: {"old:1": 10, "new:1": 30}[name])


def test_labels_must_all_hold_and_negated_ones_must_not() -> None:
    assert chosen(label=["a"]) == [NEW, OLD]
    assert chosen(label=["a=1"]) == [OLD]
    assert chosen(label=["a", "b"]) == [NEW]
    assert chosen(label_not=["a=1"]) == [NEW, BARE, PULLED]
    assert chosen(label=["a"], label_not=["b"]) == [OLD]


def test_dangling_means_without_a_tag() -> None:
    assert chosen(dangling=["true"]) == [BARE, PULLED]
    assert chosen(dangling=["0"]) == [NEW, PULLED, OLD]


def test_before_and_since_exclude_the_image_they_name() -> None:
    assert chosen(before=["new:1"]) == [BARE, PULLED, OLD]
    assert chosen(since=["old:1"]) == [NEW, BARE, PULLED]
    assert chosen(before=["new:1"], since=["old:1"]) == [BARE, PULLED]


def test_until_excludes_what_was_created_later() -> None:
    assert chosen(until=["1970-01-01"]) == []
    assert chosen(until=["24h"]) == ALL


def test_a_filter_by_reference_hides_the_names_that_do_not_match() -> None:
    (found,) = chosen(reference=["app*:*"])
    assert found.id == OLD.id and found.references == ("app:old",)


@pytest.mark.parametrize(
    ("pattern", "name", "matches"),
    [
        ("busy*:1.*", "busybox:1.36", True),
        ("busybox", "busybox:1.36", True),
        ("busy*", "busybox:1.36", True),
        ("*box", "localhost:5000/busybox", False),
        ("localhost:5000/*", "localhost:5000/busybox:1", True),
        ("*/*", "a/b:1", True),
        ("*", "a/b:1", False),
        ("a?c", "abc", True),
        ("a?c", "a/c", False),
        ("[a-c]x", "bx", True),
        ("[^a-c]x", "bx", False),
        (r"a\*", "a*", True),
        ("busybox@sha256*", "busybox@sha256:abc", True),
    ],
)
def test_patterns_match_familiar_names_with_and_without_the_tag(pattern: str, name: str, matches: bool) -> None:
    assert filters.is_named([pattern], name) is matches


@pytest.mark.parametrize("pattern", ["[", "[]", "[a", "a\\", "[b-a]", "[]a]"])
def test_a_malformed_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(InvalidFilter):
        chosen(reference=[pattern])


def test_a_hostile_pattern_takes_no_exponential_time() -> None:
    begin = time.monotonic()
    assert not filters.is_named(["a*" * 60 + "b"], "a" * 380)
    assert time.monotonic() - begin < 1


@given(st.text("ab*/", max_size=8), st.text("ab/", max_size=10))
def test_stars_match_what_a_backtracking_matcher_matches(pattern: str, text: str) -> None:
    def matches(p: str, t: str) -> bool:
        if not p:
            return not t
        if p[0] == "*":
            return matches(p[1:], t) or (bool(t) and t[0] != "/" and matches(p, t[1:]))
        return bool(t) and t[0] == p[0] and matches(p[1:], t[1:])

    assert filters.glob(pattern)(text) is matches(pattern, text)


def test_unknown_words_and_values_are_refused_in_docker_s_words() -> None:
    with pytest.raises(InvalidFilter, match="invalid filter 'nosuch'"):
        chosen(nosuch=["x"])
    with pytest.raises(InvalidFilter, match="invalid filter 'dangling=maybe'"):
        chosen(dangling=["maybe"])
    with pytest.raises(times.InvalidTime):
        chosen(until=["yesterday"])


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("1970-01-01T00:00:01Z", 10**9),
        ("1970-01-01T01:00:00.5+01:00", 5 * 10**8),
        ("1970-01-01T00:00:00.123456789Z", 123456789),
        ("1970-01-02", 86400 * 10**9),
        ("1.000000001", 10**9 + 1),
        ("90", 90 * 10**9),
        ("1h30m", 10**18 - 5400 * 10**9),
        ("1.5s", 10**18 - 15 * 10**8),
    ],
)
def test_moments_have_three_forms(text: str, ns: int) -> None:
    assert times.parse(text, now=10**18) == ns


@given(st.integers(-62135596800 * 10**9, 253402300799 * 10**9))
def test_a_moment_survives_being_written_and_read(ns: int) -> None:
    assert times.from_rfc3339(times.to_rfc3339(ns)) == ns


def test_the_zero_moment_is_go_s() -> None:
    assert times.to_rfc3339(times.from_rfc3339("0001-01-01T00:00:00Z")) == "0001-01-01T00:00:00Z"
