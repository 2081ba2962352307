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


def target(reference: str) -> tuple[str, str]:
    """Full name and tag of what is to be named so. Raises Failure for what cannot be a name."""
    from wherry import errors
    from wherry.cli.failure import Failure
    from wherry.oci import reference as grammar

    try:
        grammar.parse(reference)
    except errors.InvalidArgument as error:
        raise Failure(f'Error parsing reference: "{reference}" is not a valid repository/tag: {error}') from None
    name, tag = with_tag(reference)
    return full_name(name), tag
