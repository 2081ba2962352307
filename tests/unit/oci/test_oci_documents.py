from __future__ import annotations

import json
from typing import Any

import pytest

from wherry.oci import chain, descriptor, image_config, manifest, platform
from wherry.oci import digest as digests
from wherry.oci.descriptor import Descriptor
from wherry.oci.digest import Digest
from wherry.oci.image_config import Execution, ImageConfig, InvalidImageConfig, RootFs
from wherry.oci.manifest import Index, InvalidManifest, Manifest
from wherry.oci.platform import InvalidPlatform, Platform

A, B, C = (digests.of(letter) for letter in (b"a", b"b", b"c"))


def document(**members: Any) -> bytes:
    return json.dumps(members).encode()


def entry(media_type: str = descriptor.OCI_MANIFEST, digest: Digest = A, **members: Any) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": digest, "size": 1, **members}


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("linux/x86_64", "linux/amd64"),
        ("linux/arm64/v8", "linux/arm64"),
        ("linux/aarch64", "linux/arm64"),
        ("linux/arm", "linux/arm/v7"),
        ("linux/arm/7", "linux/arm/v7"),
        ("linux/armhf", "linux/arm/v7"),
        ("linux/armel", "linux/arm/v6"),
        ("Linux/AMD64/v1", "linux/amd64"),
        ("linux/amd64/v3", "linux/amd64/v3"),
        ("macos/arm64", "darwin/arm64"),
        ("linux/i686", "linux/386"),
    ],
)
def test_a_platform_has_one_normal_spelling(text: str, normal: str) -> None:
    assert str(platform.parse(text)) == normal
    assert platform.parse(normal) == platform.parse(text)


def test_half_a_platform_is_completed_with_the_host_s() -> None:
    here = platform.host()
    assert platform.parse("linux").architecture == here.architecture
    assert platform.parse("s390x") == Platform("s390x", here.os)


@pytest.mark.parametrize("text", ["", "a/b/c/d", "linux/", "li nux/amd64", "linux//v8"])
def test_a_malformed_platform_is_refused(text: str) -> None:
    with pytest.raises(InvalidPlatform):
        platform.parse(text)


@pytest.mark.parametrize(
    ("wanted", "offered", "serves"),
    [
        ("linux/amd64", "linux/x86_64", True),
        ("linux/arm/v7", "linux/arm/v6", True),
        ("linux/arm/v6", "linux/arm/v7", False),
        ("linux/arm64", "linux/arm", False),
        ("linux/amd64", "linux/amd64/v2", False),
        ("linux/amd64", "windows/amd64", False),
    ],
)
def test_an_older_variant_serves_a_newer_processor_only(wanted: str, offered: str, serves: bool) -> None:
    assert platform.matches(platform.parse(wanted), platform.parse(offered)) is serves


def test_chain_ids_follow_the_specification() -> None:
    ids = chain.chain_ids([A, B, C])
    assert ids[0] == A
    assert ids[1] == digests.of(f"{A} {B}".encode())
    assert ids[2] == digests.of(f"{ids[1]} {C}".encode())
    assert chain.chain_ids([]) == ()


def test_a_manifest_and_an_index_are_told_apart_by_their_members() -> None:
    config = entry(descriptor.OCI_CONFIG)
    image = manifest.decode(document(schemaVersion=2, config=config, layers=[entry("x", B)]))
    index = manifest.decode(document(schemaVersion=2, manifests=[entry()]))
    assert isinstance(image, Manifest) and image.layers[0].digest == B
    assert isinstance(index, Index) and index.manifests[0].digest == A


def test_null_layers_are_no_layers() -> None:
    image = manifest.decode(document(schemaVersion=2, config=entry(descriptor.OCI_CONFIG), layers=None))
    assert isinstance(image, Manifest) and image.layers == ()


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"schemaVersion": 2, "manifests": [], "layers": []}, "both manifests and layers"),
        ({"schemaVersion": 2, "manifests": [], "config": entry()}, "both manifests and layers"),
        ({"schemaVersion": 1, "fsLayers": []}, "schema 1 is not supported"),
        ({"schemaVersion": 2, "fsLayers": []}, "schema 1 is not supported"),
        ({"schemaVersion": 3, "manifests": []}, "schemaVersion is 3"),
        ({}, "schemaVersion is 0"),
        ({"schemaVersion": 2}, "config"),
        ({"schemaVersion": 2, "mediaType": descriptor.OCI_MANIFEST, "manifests": []}, "contradicts"),
        ({"schemaVersion": 2, "mediaType": descriptor.OCI_INDEX, "config": entry(), "layers": []}, "contradicts"),
        ({"schemaVersion": 2, "manifests": [{**entry(), "size": -1}]}, "negative"),
        ({"schemaVersion": 2, "manifests": [{**entry(), "size": "1"}]}, "size"),
    ],
)
def test_a_dangerous_or_unknown_document_is_refused(members: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidManifest, match=reason):
        manifest.decode(document(**members))


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"null", b"\xff", b'{"schemaVersion":2,"manifests":[{}]}', b"[" * 100_000]
)
def test_what_is_no_manifest_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidManifest):
        manifest.decode(data)


def test_a_digest_that_is_a_path_is_refused() -> None:
    with pytest.raises(digests.InvalidDigest):
        manifest.decode(document(schemaVersion=2, manifests=[entry(digest=Digest("sha256:../../etc/passwd"))]))


def test_a_giant_document_is_refused_unread() -> None:
    with pytest.raises(InvalidManifest, match="more than"):
        manifest.decode(b" " * (9 << 20))


def test_an_encoded_manifest_reads_back_the_same() -> None:
    made = manifest.of_image(
        Descriptor(descriptor.OCI_CONFIG, A, 2), (Descriptor(descriptor.OCI_LAYER_GZIP, B, 3, annotations={"k": "v"}),)
    )
    assert manifest.decode(manifest.encode(made)) == made


def test_choosing_skips_attestations_and_other_platforms_and_prefers_the_closest() -> None:
    def image(digest: Digest, words: str, **members: Any) -> dict[str, Any]:
        system, architecture, variant = words.split("/")
        return entry(
            digest=digest, platform={"os": system, "architecture": architecture, "variant": variant}, **members
        )

    index = manifest.decode(
        document(
            schemaVersion=2,
            manifests=[
                image(A, "unknown/unknown/"),
                image(A, "linux/arm/v7", annotations={descriptor.REFERENCE_TYPE: "attestation-manifest"}),
                image(A, "linux/amd64/"),
                image(B, "linux/arm/v6"),
                image(C, "linux/arm/v7"),
            ],
        )
    )
    assert isinstance(index, Index)
    assert [found.digest for found in manifest.choose(index, platform.parse("linux/arm/v7"))] == [C, B]
    assert manifest.choose(index, platform.parse("linux/s390x")) == ()


def test_a_config_keeps_null_apart_from_empty() -> None:
    config = image_config.decode(
        document(config={"Cmd": None, "Entrypoint": [], "Env": ["A=b"]}, rootfs={"diff_ids": None})
    )
    assert config.execution == Execution(cmd=None, entrypoint=[], env=["A=b"])
    assert config.rootfs == RootFs()


def test_an_encoded_config_reads_back_the_same_and_always_has_a_rootfs() -> None:
    made = ImageConfig(
        architecture="amd64", os="linux", os_version="1", config=Execution(cmd=["sh"], labels={"a": "b"})
    )
    encoded = image_config.encode(made)
    assert image_config.decode(encoded) == made
    assert json.loads(encoded)["rootfs"] == {"type": "layers", "diff_ids": []}
    assert json.loads(encoded)["os.version"] == "1"


@pytest.mark.parametrize(
    "members",
    [
        {"rootfs": {"type": "windows"}},
        {"rootfs": {"diff_ids": ["sha256:../x"]}},
        {"rootfs": {"diff_ids": [A]}, "history": [{}, {}]},
        {"config": {"Cmd": "sh"}},
    ],
)
def test_a_config_that_cannot_be_run_is_refused(members: dict[str, Any]) -> None:
    with pytest.raises(InvalidImageConfig):
        image_config.decode(document(**members))
