"""What is generated is what the generators would write now."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import generate_api, operations_document

OUTPUTS = {**generate_api.outputs(), operations_document.DOCUMENT: operations_document.document()}


@pytest.mark.parametrize("path", OUTPUTS, ids=lambda path: path.name)
def test_generated_files_are_current(path: Path) -> None:
    assert path.read_text() == OUTPUTS[path], "run `make gen`"
