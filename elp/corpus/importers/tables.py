"""Tables as people write them: a csv as text, within bounds, and rows that do not fit told."""

from __future__ import annotations

import csv
import os
import re
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import pandas as pd

from elp.corpus.importers.common import Skipped
from elp.errors import ElpError

# bytes, columns and cells of the largest table that is read: a hundred thousand pairs
BYTES, COLUMNS, CELLS = 8_000_000, 200, 1_000_000
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
SEPARATORS = (",", ";", "\t")  # a spreadsheet's, by its language


def table(path: Path, columns: Iterable[str], skipped: Skipped) -> pd.DataFrame:
    """A csv as text, by its lines.

    Columns are called as in the first line, in small letters. Separated by commas, semicolons or
    tabs; UTF-8, with or without a byte order mark. A row with more cells than columns, or with a
    control character, goes to `skipped`; empty cells too many at its end are told by a warning.
    What a row lacks is "".

    Args:
        path: the file.
        columns: names that it must have.
        skipped: gets the rows that are left out.

    Returns:
        A row of stripped text for each that is not empty; the index holds their lines.

    Raises:
        ElpError: no regular file, larger than is read, not a csv, or a column is missing or twice.
    """
    lines = _rows(path)
    head = [name.casefold() for name in next(lines, (0, []))[1]]
    names = head[: max((k + 1 for k, name in enumerate(head) if name), default=0)]
    _check_names(path, names, columns)
    rows, spare = {}, []
    for count, (line, cells) in enumerate(lines, start=1):
        if count * len(names) > CELLS:
            raise ElpError(f"{path}: more than {CELLS} cells: give a table of pairs, in parts")
        if reason := _fault(cells, len(names)):
            skipped.add(f"{path.name} line {line}", reason)
            continue
        if len(cells) > len(head):
            spare.append(line)
        rows[line] = [*cells, *[""] * len(names)][: len(names)]
    if spare:
        warnings.warn(
            f"{path}: a separator too many at the end of line {spare[0]}"
            + (f" and of {len(spare) - 1} more" if len(spare) > 1 else "")
            + ": read without it",
            stacklevel=2,
        )
    if not rows and not skipped.rows:
        raise ElpError(f"{path}: no row in it: write one line for each pair")
    return pd.DataFrame(list(rows.values()), index=list(rows), columns=names, dtype=object)


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """The line and the stripped cells of each row that is not empty."""
    if not os.path.lexists(path):
        raise ElpError(f"{path}: no such file: the corpus's table belongs there")
    if not path.is_file():
        raise ElpError(f"{path}: not a regular file: give the corpus's table, a csv")
    if path.stat().st_size > BYTES:
        raise ElpError(f"{path}: larger than {BYTES // 1_000_000} MB: give a table of pairs")
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            head = file.readline()
            file.seek(0)
            reader = csv.reader(
                file, delimiter=max(SEPARATORS, key=head.count), strict=True, skipinitialspace=True
            )
            for cells in reader:
                if any(cell.strip() for cell in cells):
                    yield reader.line_num, [cell.strip() for cell in cells]
    except (OSError, ValueError, csv.Error) as error:
        raise ElpError(
            f"{path}: not a readable csv ({error}): save it as comma-separated UTF-8"
        ) from error


def _check_names(path: Path, names: list[str], columns: Iterable[str]) -> None:
    if not names:
        raise ElpError(f"{path}: empty: its first line names the columns {', '.join(columns)}")
    if len(names) > COLUMNS:
        raise ElpError(f"{path}: {len(names)} columns, at most {COLUMNS} are read: give a table")
    if "" in names:
        raise ElpError(f"{path}: column {names.index('') + 1} has no name: give it one")
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise ElpError(f"{path}: two columns are called {twice[0]!r}: rename or delete one")
    for name in columns:
        if name not in names:
            has = ", ".join(name[:40] for name in names[:20])
            raise ElpError(f"{path}: no column {name!r}, it has: {has}")


def _fault(cells: list[str], width: int) -> str:
    """Why a row cannot be read, or ""."""
    if any(cells[width:]):
        return (
            f"{len(cells)} cells under {width} columns: "
            "take out a separator, or put quotes around a name that holds one"
        )
    if CONTROL.search("".join(cells)):
        return "holds a control character, such as NUL: write it again"
    return ""
