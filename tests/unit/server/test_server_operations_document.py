"""The document that lists the operations says what the route table says."""

from __future__ import annotations

from tools import operations_document


def test_the_list_of_operations_is_up_to_date() -> None:
    assert operations_document.DOCUMENT.read_text() == operations_document.document(), (
        "run tools/operations_document.py"
    )
