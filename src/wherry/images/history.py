"""How an image was made, and what the images take on disk, as Docker tells it.

Knows the order and the fields. Must not know where images are kept.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from wherry.images import times
from wherry.images.image import Image, Layer

UNKNOWN = "<missing>"


class Step(msgspec.Struct, frozen=True):
    """One step of the making; `id` is known for the last one only. Time in ns since 1970, size in bytes."""

    id: str
    created: int
    created_by: str
    tags: tuple[str, ...]
    size: int
    comment: str


class ImageUsage(msgspec.Struct, frozen=True):
    """What an image takes on disk in bytes; `shared` is the part in layers that other images need too."""

    image: Image
    shared: int


class Usage(msgspec.Struct, frozen=True):
    """What all images take; every layer counts once in `layers_size`."""

    layers_size: int
    images: tuple[ImageUsage, ...]


def steps(image: Image, layers: Sequence[Layer]) -> list[Step]:
    """The history of an image, last step first."""
    sizes = iter(layer.size for layer in layers)
    made = [
        Step(
            id=UNKNOWN,
            created=times.or_zero(step.created),
            created_by=step.created_by,
            tags=(),
            size=0 if step.empty_layer else next(sizes, 0),
            comment=step.comment,
        )
        for step in image.config.history or ()
    ]
    if made:
        made[-1] = msgspec.structs.replace(made[-1], id=image.id, tags=image.references)
    return made[::-1]
