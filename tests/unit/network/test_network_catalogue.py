from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from wherry.network.catalogue import TABLES, Catalogue
from wherry.network.network import AmbiguousNetwork, Network, NoSuchNetwork
from wherry.state.database import Database


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database.open(tmp_path / "state.db", [TABLES])
    yield opened
    opened.close()


@pytest.fixture
def catalogue(database: Database) -> Catalogue:
    return Catalogue(database)


def network(identifier: str, name: str, created: int = 0) -> Network:
    return Network(id=identifier, name=name, driver="bridge", created=created, labels={"a": "b"})


def test_records_survive(database: Database, catalogue: Catalogue) -> None:
    first = network("a1", "one")
    catalogue.put(first)
    catalogue.put(msgspec.structs.replace(first, mtu=9000))
    catalogue.put(network("b1", "two"))
    catalogue.remove(network("b1", "two"))
    again = Catalogue(database)
    again.load()
    assert again.list() == [msgspec.structs.replace(first, mtu=9000)]


def test_an_exact_id_comes_before_a_name_and_a_name_before_the_beginning_of_an_id(catalogue: Catalogue) -> None:
    catalogue.put(network("abc", "one"))
    catalogue.put(network("def", "abc"))
    catalogue.put(network("fff", "de"))
    assert catalogue.find("abc").name == "one"
    assert catalogue.find("de").id == "fff"
    assert catalogue.find("d").id == "def"


def test_what_is_not_there_or_not_unique_is_said_in_dockers_words(catalogue: Catalogue) -> None:
    catalogue.put(network("ab1", "one"))
    catalogue.put(network("ab2", "two"))
    with pytest.raises(AmbiguousNetwork):
        catalogue.find("ab")
    for reference in ("x", ""):
        with pytest.raises(NoSuchNetwork) as failure:
            catalogue.find(reference)
        assert failure.value.message == f"network {reference} not found"


def test_the_newest_is_listed_first(catalogue: Catalogue) -> None:
    for created, name in enumerate(("old", "middle", "new")):
        catalogue.put(network(name, name, created))
    assert [each.name for each in catalogue.list()] == ["new", "middle", "old"]
