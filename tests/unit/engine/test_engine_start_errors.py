"""What a runtime says when it cannot start something, in the words and with the codes that clients know."""

from __future__ import annotations

import pytest

from wherry import errors
from wherry.engine.launch import start_error


@pytest.mark.parametrize(
    ("reason", "code", "words"),
    [
        ('exec: "x": executable file not found in $PATH', 127, "executable file not found in $PATH"),
        ("executable file `x` not found in $PATH: No such file or directory", 127, "no such file or directory"),
        ('exec: "/etc": is a directory', 126, "permission denied"),
        ("open executable: Permission denied", 126, "permission denied"),
        ("something else", 128, "something else"),
    ],
)
def test_reasons_get_dockers_codes_and_words(reason: str, code: int, words: str) -> None:
    error = start_error(reason)
    assert error.code == code
    assert words in error.message
    assert isinstance(error, errors.InvalidArgument) is (code != 128)
