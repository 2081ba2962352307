from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wherry.oci import reference
from wherry.oci.digest import Digest
from wherry.oci.reference import InvalidReference, Reference

HEX = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("text", "normalized", "familiar"),
    [
        ("busybox", "docker.io/library/busybox", "busybox"),
        ("busybox:1.36", "docker.io/library/busybox:1.36", "busybox:1.36"),
        ("docker.io/library/busybox", "docker.io/library/busybox", "busybox"),
        ("docker.io/busybox", "docker.io/library/busybox", "busybox"),
        ("index.docker.io/busybox:x", "docker.io/library/busybox:x", "busybox:x"),
        ("index.docker.io/a/b", "docker.io/a/b", "a/b"),
        ("library/busybox", "docker.io/library/busybox", "busybox"),
        ("library/a/b", "docker.io/library/a/b", "library/a/b"),
        ("user/app", "docker.io/user/app", "user/app"),
        ("localhost/app", "localhost/app", "localhost/app"),
        ("localhost:5000/app:tag", "localhost:5000/app:tag", "localhost:5000/app:tag"),
        ("Host/app", "Host/app", "Host/app"),
        ("reg.example.com/a/b/c", "reg.example.com/a/b/c", "reg.example.com/a/b/c"),
        ("[fe80::1]:5000/app", "[fe80::1]:5000/app", "[fe80::1]:5000/app"),
        ("a__b-c--d.e", "docker.io/library/a__b-c--d.e", "a__b-c--d.e"),
        (f"busybox@sha256:{HEX}", f"docker.io/library/busybox@sha256:{HEX}", f"busybox@sha256:{HEX}"),
        (f"busybox:1@sha256:{HEX}", f"docker.io/library/busybox:1@sha256:{HEX}", f"busybox:1@sha256:{HEX}"),
        ("x:" + "t" * 128, "docker.io/library/x:" + "t" * 128, "x:" + "t" * 128),
    ],
)
def test_a_reference_has_docker_s_normalized_and_familiar_form(text: str, normalized: str, familiar: str) -> None:
    parsed = reference.parse(text)
    assert (str(parsed), parsed.familiar) == (normalized, familiar)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "invalid reference format"),
        ("-x", "invalid reference format"),
        ("a//b", "invalid reference format"),
        ("a/", "invalid reference format"),
        ("a:", "invalid reference format"),
        ("a:-t", "invalid reference format"),
        ("a b", "invalid reference format"),
        ("a:é", "invalid reference format"),
        ("a___b", "invalid reference format"),
        ("a/../b", "invalid reference format"),
        ("x:" + "t" * 129, "invalid reference format"),
        ("busybox\n", "invalid reference format"),
        ("localhost:port/app", "invalid reference format"),
        ("Busybox", "invalid reference format: repository name (library/Busybox) must be lowercase"),
        ("user/App:1", "invalid reference format: repository name (user/App) must be lowercase"),
        (HEX, f"invalid repository name ({HEX}), cannot specify 64-byte hexadecimal strings"),
        ("a" * 300, "repository name must not be more than 255 characters"),
        ("x@sha256:" + "a" * 40, "invalid checksum digest length"),
        ("x@sha256:" + "A" * 64, "invalid checksum digest format"),
        ("x@md5x:" + "a" * 32, "unsupported digest algorithm"),
    ],
)
def test_what_is_no_reference_is_refused_in_docker_s_words(text: str, message: str) -> None:
    with pytest.raises(InvalidReference) as caught:
        reference.parse(text)
    assert caught.value.message == message


def test_an_id_is_told_from_a_name() -> None:
    assert reference.parse_any(HEX) == Digest(f"sha256:{HEX}")
    assert reference.parse_any(f"sha256:{HEX}") == Digest(f"sha256:{HEX}")
    assert reference.parse_any("sha256:abc") == Reference("docker.io", "library/sha256", "abc")


def test_only_a_reference_without_tag_and_digest_gets_the_default_tag() -> None:
    assert reference.parse("a").with_default_tag().familiar == "a:latest"
    assert reference.parse("a:1").with_default_tag().familiar == "a:1"
    assert reference.parse(f"a@sha256:{HEX}").with_default_tag().tag == ""


def test_a_digest_identifies_more_than_the_tag_beside_it() -> None:
    assert reference.parse(f"a:1@sha256:{HEX}").canonical() == reference.parse(f"a@sha256:{HEX}")


def test_a_bad_tag_is_refused() -> None:
    with pytest.raises(InvalidReference):
        reference.parse("a").with_tag("no tag")


@given(st.text(max_size=80))
def test_any_text_is_parsed_or_refused_and_the_result_parses_to_itself(text: str) -> None:
    try:
        parsed = reference.parse(text)
    except InvalidReference:
        return
    assert reference.parse(str(parsed)) == parsed
    assert reference.parse(parsed.familiar) == parsed


_component = st.from_regex(r"\A[a-z0-9]{1,8}([._-][a-z0-9]{1,4})?\Z")


@given(
    domain=st.sampled_from(["docker.io", "localhost", "localhost:5000", "r.example.com:443"]),
    path=st.lists(_component, min_size=1, max_size=4),
    tag=st.one_of(st.just(""), st.from_regex(r"\A[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}\Z")),
    digest=st.sampled_from(["", f"sha256:{HEX}"]),
)
def test_every_reference_survives_being_written_and_read(domain: str, path: list[str], tag: str, digest: str) -> None:
    if domain == "docker.io" and len(path) == 1:
        path = ["library", *path]
    made = Reference(domain, "/".join(path), tag, digest)
    assert reference.parse(str(made)) == made
    assert reference.parse(made.familiar) == made
