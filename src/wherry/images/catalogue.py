"""The records of images: which there are, what they are called, and which layers and blobs they need.

Knows three tables. Must not know files. A name is the normalized text of a reference, with a tag
(`docker.io/library/x:1`) or with the digest under which a registry knows the image; `target` is the manifest or index
that the name stands for.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from wherry.images.image import Layer
from wherry.oci import reference as references
from wherry.oci.digest import Digest
from wherry.oci.reference import Reference
from wherry.state.database import Connection, Schema

TABLES = Schema(
    "images",
    (
        """
        CREATE TABLE images (id TEXT PRIMARY KEY, manifest TEXT NOT NULL, created INTEGER NOT NULL) WITHOUT ROWID;
        CREATE TABLE image_names (
            reference TEXT PRIMARY KEY,
            image TEXT NOT NULL REFERENCES images(id),
            target TEXT NOT NULL,
            tagged INTEGER NOT NULL
        ) WITHOUT ROWID;
        CREATE INDEX image_names_image ON image_names(image);
        CREATE TABLE image_layers (
            image TEXT NOT NULL REFERENCES images(id) ON DELETE CASCADE,
            position INTEGER NOT NULL,
            chain TEXT NOT NULL,
            blob TEXT NOT NULL,
            size INTEGER NOT NULL,
            PRIMARY KEY (image, position)
        ) WITHOUT ROWID;
        CREATE INDEX image_layers_chain ON image_layers(chain);
        CREATE INDEX image_layers_blob ON image_layers(blob)
        """,
    ),
)


class Name(msgspec.Struct, frozen=True):
    """One name of an image; `tagged` in nanoseconds since 1970, 0 for a digest."""

    reference: Reference
    target: Digest
    tagged: int


class Row(msgspec.Struct, frozen=True):
    """One image. `created` in nanoseconds since 1970, `size` in bytes of all layers."""

    id: Digest
    manifest: Digest
    created: int
    size: int
    names: tuple[Name, ...]


_ROWS = """
    SELECT id, manifest, created, (SELECT COALESCE(SUM(size), 0) FROM image_layers WHERE image = id) FROM images
"""


def _row(columns: tuple[Digest, Digest, int, int], called: tuple[Name, ...]) -> Row:
    image, manifest, created, size = columns
    return Row(image, manifest, created, size, called)


def find(connection: Connection, image: Digest) -> Row | None:
    row = connection.execute(_ROWS + " WHERE id = ?", (image,)).fetchone()
    return _row(row, names(connection, image)) if row else None


def every(connection: Connection) -> list[Row]:
    """All images, newest first."""
    called: dict[str, list[Name]] = {}
    for text, image, target, tagged in connection.execute(
        "SELECT reference, image, target, tagged FROM image_names ORDER BY reference"
    ):
        called.setdefault(image, []).append(Name(references.parse(text), target, tagged))
    rows = connection.execute(_ROWS + " ORDER BY created DESC, id").fetchall()
    return [_row(row, tuple(called.get(row[0], ()))) for row in rows]


def names(connection: Connection, image: Digest) -> tuple[Name, ...]:
    """What an image is called, in the order of the text."""
    rows = connection.execute(
        "SELECT reference, target, tagged FROM image_names WHERE image = ? ORDER BY reference", (image,)
    )
    return tuple(Name(references.parse(text), target, tagged) for text, target, tagged in rows)


def named(connection: Connection, reference: Reference) -> Digest | None:
    """The image with exactly this name."""
    row = connection.execute("SELECT image FROM image_names WHERE reference = ?", (str(reference),)).fetchone()
    return row[0] if row else None


def in_repository(connection: Connection, repository: str) -> list[tuple[Reference, Digest]]:
    """The names with a tag in the repository `domain/path`, and their images."""
    rows = connection.execute(
        "SELECT reference, image FROM image_names WHERE reference > ? AND reference < ? ORDER BY reference",
        (f"{repository}:", f"{repository};"),
    )
    return [(references.parse(text), image) for text, image in rows]


def starting_with(connection: Connection, prefix: str, limit: int = 2) -> list[Digest]:
    """Some images whose ID begins with `prefix`, which includes `sha256:`."""
    rows = connection.execute(
        "SELECT id FROM images WHERE id >= ? AND id < ? ORDER BY id LIMIT ?", (prefix, f"{prefix}g", limit)
    )
    return [row[0] for row in rows]


def add(connection: Connection, image: Digest, manifest: Digest, created: int, layers: Sequence[Layer]) -> None:
    """Record an image; one that is there keeps its manifest, since that one's blobs are there too."""
    if connection.execute("SELECT 1 FROM images WHERE id = ?", (image,)).fetchone():
        return
    connection.execute("INSERT INTO images VALUES (?, ?, ?)", (image, manifest, created))
    connection.executemany(
        "INSERT INTO image_layers VALUES (?, ?, ?, ?, ?)",
        [(image, position, layer.chain_id, layer.blob.digest, layer.size) for position, layer in enumerate(layers)],
    )


def give_name(connection: Connection, reference: Reference, image: Digest, target: Digest, now: int) -> Digest | None:
    """Call an image `reference`; the other image that was called so, if there was one."""
    before = named(connection, reference)
    connection.execute(
        "INSERT INTO image_names VALUES (?, ?, ?, ?) ON CONFLICT(reference) DO UPDATE "
        "SET image = excluded.image, target = excluded.target, tagged = excluded.tagged",
        (str(reference), image, target, 0 if reference.digest else now),
    )
    return before if before != image else None


def drop_names(connection: Connection, dropped: Iterable[Reference]) -> None:
    connection.executemany("DELETE FROM image_names WHERE reference = ?", [(str(name),) for name in dropped])


def delete(connection: Connection, image: Digest) -> None:
    """Forget an image, which must have no names any more."""
    connection.execute("DELETE FROM images WHERE id = ?", (image,))


def layers(connection: Connection, image: Digest) -> list[tuple[Digest, Digest, int]]:
    """Chain ID, blob and size in bytes of each layer, lowest first."""
    return connection.execute(
        "SELECT chain, blob, size FROM image_layers WHERE image = ? ORDER BY position", (image,)
    ).fetchall()


def live_chains(connection: Connection) -> set[Digest]:
    """The chain IDs that some image needs."""
    return {row[0] for row in connection.execute("SELECT DISTINCT chain FROM image_layers")}


def live_blobs(connection: Connection) -> set[Digest]:
    """The configs, manifests, indexes and layers that some image needs."""
    rows = connection.execute(
        "SELECT id FROM images UNION SELECT manifest FROM images UNION SELECT target FROM image_names "
        "UNION SELECT blob FROM image_layers"
    )
    return {row[0] for row in rows}


def layer_use(connection: Connection) -> list[tuple[Digest, int, int]]:
    """For each chain ID its layer's size in bytes and the number of images that need it."""
    return connection.execute(
        "SELECT chain, MAX(size), COUNT(DISTINCT image) FROM image_layers GROUP BY chain"
    ).fetchall()


def shared_sizes(connection: Connection) -> dict[Digest, int]:
    """For each image that shares layers with others, the bytes of those layers."""
    return dict(
        connection.execute(
            "SELECT image, SUM(size) FROM image_layers WHERE chain IN "
            "(SELECT chain FROM image_layers GROUP BY chain HAVING COUNT(DISTINCT image) > 1) GROUP BY image"
        ).fetchall()
    )
