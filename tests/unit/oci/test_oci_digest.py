from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wherry.oci import digest


@given(st.binary(max_size=100))
def test_a_computed_digest_parses_to_itself(data: bytes) -> None:
    computed = digest.of(data)
    assert digest.parse(computed) == computed
    assert digest.from_hex(digest.encoded(computed)) == computed
    assert digest.encoded(computed) == hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sha256:",
        "a" * 64,
        "sha256:" + "A" * 64,
        "sha256:" + "a" * 63,
        "sha256:" + "a" * 64 + "\n",
        "sha512:" + "a" * 128,
        "sha256:" + "a" * 60 + "/../",
    ],
)
def test_what_is_not_a_sha256_digest_is_refused_by_name(text: str) -> None:
    with pytest.raises(digest.InvalidDigest) as caught:
        digest.parse(text)
    assert caught.value.text == text
