"""Names of images as users write them.

Knows where a tag starts. Must not know registries; wherry.oci.reference has the whole grammar.
"""

from __future__ import annotations


def name_and_tag(reference: str) -> tuple[str, str]:
    """`repository` and `tag` ("" without one); a digest counts as a tag."""
    if "@" in reference:
        name, _, digest = reference.partition("@")
        return name, digest
    name, colon, tag = reference.rpartition(":")
    return (name, tag) if colon and "/" not in tag else (reference, "")


def with_tag(reference: str) -> tuple[str, str]:
    """The same, `latest` where neither a tag nor a digest is given."""
    name, tag = name_and_tag(reference)
    return name, tag or "latest"


def full_name(name: str) -> str:
    """The name with its registry: `busybox` is docker.io/library/busybox."""
    first, slash, _ = name.partition("/")
    if not slash:
        return f"docker.io/library/{name}"
    if "." in first or ":" in first or first == "localhost" or first != first.lower():
        return name
    return f"docker.io/{name}"
