"""Text in columns, as Go's text/tabwriter lays it out.

Knows cells that end with a tab, and blocks of lines that share a column. Must not know what is in them.
See https://pkg.go.dev/text/tabwriter.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def aligned(text: str, *, minimum: int = 10, padding: int = 3) -> str:
    """Replace the tabs of `text` by spaces. A column reaches over neighbouring lines that have a tab in it."""
    lines = [line.split("\t") for line in text.split("\n")]
    return "\n".join(_align(lines, minimum, padding))


def table(rows: Sequence[Sequence[str]], *, minimum: int = 10, padding: int = 3) -> str:
    """Rows of equally many cells, one line each; the last cell is not padded."""
    if any("\t" in cell or "\n" in cell for row in rows for cell in row):
        return "".join(line + "\n" for line in _align([_cells(row) for row in rows], minimum, padding))
    widths = [max(minimum, max(map(len, column)) + padding) for column in zip(*rows, strict=True)][:-1]
    return "".join(
        "".join(cell.ljust(width) for cell, width in zip(row, widths, strict=False)) + row[-1] + "\n" for row in rows
    )


def _cells(row: Sequence[str]) -> list[str]:
    return "\t".join(row).replace("\n", " ").split("\t")


def _align(lines: list[list[str]], minimum: int, padding: int) -> list[str]:
    widths: list[list[int]] = [[0] * (len(cells) - 1) for cells in lines]
    depth = max((len(cells) for cells in lines), default=0)
    for column in range(depth - 1):
        start = 0
        while start < len(lines):
            if len(lines[start]) <= column + 1:
                start += 1
                continue
            end = start
            while end < len(lines) and len(lines[end]) > column + 1:
                end += 1
            width = max(minimum, max(len(cells[column]) for cells in lines[start:end]) + padding)
            for line in range(start, end):
                widths[line][column] = width
            start = end
    return [
        "".join(cell.ljust(width) for cell, width in zip(cells, sizes, strict=False)) + cells[-1]
        for cells, sizes in zip(lines, widths, strict=True)
    ]
