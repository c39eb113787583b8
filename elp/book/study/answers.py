"""The file of one rater's answers, and many of them joined (chapter "Your own study").

One line for each answer, UTF-8, no names of methods, nothing about the person:

    study     8 hexadecimal digits: `Study.digest`
    rater     8 hexadecimal digits, drawn at random
    number    the rater's number, which gives the plan: 0, 1, ...
    trial     screen, from 1
    question  "facial", "head", ...; "check-2", which asks for answer 2; "prefer"
    clip      key of the video, of the first one in a pair
    other     key of the second one in a pair, else empty
    answer    1 (disagree) to 5 (agree); in a pair 1 (the first) or 2 (the second)
    seconds   from the screen's appearance to its end
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from elp.book.study.design import CHECK, PREFER, SCALE, Study
from elp.errors import ElpError
from elp.files import atomic

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = tuple("study rater number trial question clip other answer seconds".split())
DIGITS = re.compile(r"[0-9a-f]{8}")
Row = Sequence[Any]  # in the order of COLUMNS


def write(path: str | Path, rows: Iterable[Row]) -> None:
    """Write one rater's answers, whole or not at all."""
    with atomic(path) as partial, partial.open("w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file, lineterminator="\n")
        lines.writerow(COLUMNS)
        lines.writerows(rows)


def read(path: str | Path, study: Study) -> list[Row]:
    """One rater's answers, as they were written; a rater may have stopped before the end.

    Raises:
        ElpError: the file is of another study, is damaged, or holds anything but the beginning of
            the rater's plan; the sentence names the line.
    """
    try:
        with Path(path).open(encoding="utf-8", newline="") as file:
            lines = list(csv.reader(file, strict=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ElpError(f"{path}: cannot be read as a table: give a rater's CSV file") from error
    if not lines or tuple(lines[0]) != COLUMNS:
        raise ElpError(f"{path}: line 1 must be '{','.join(COLUMNS)}': give a rater's CSV file")
    found = [_parsed(path, at, line) for at, line in enumerate(lines[1:], 2)]
    if found:
        _compare(path, found, study)
    return found


def gather(paths: str | Path | Iterable[str | Path], study: Study) -> pd.DataFrame:
    """The answers of many raters, unblinded: one row for each answer.

    Args:
        paths: CSV files, or the folder that holds them.

    Returns:
        rater, number, trial, kind ("likert", "check" or "pair"), question, method, other (the
        second method of a pair, else ""), speaker, answer, seconds, repeat (bool).

    Raises:
        ElpError: as `read`; no file; or two files of one rater.
    """

    if isinstance(paths, str | Path):
        paths = sorted(Path(paths).glob("*.csv"))
    files = {path: read(path, study) for path in paths}
    if not any(files.values()):
        raise ElpError("no answers: give the CSV files of at least one rater")
    seen: dict[str, str | Path] = {}
    for path, lines in files.items():
        for rater in {str(line[1]) for line in lines}:
            if rater in seen:
                raise ElpError(f"{path}: rater {rater} is in {seen[rater]} too: give one of them")
            seen[rater] = path
    return unblinded([line for lines in files.values() for line in lines], study)


def unblinded(lines: Iterable[Row], study: Study) -> pd.DataFrame:
    """The table of `gather` from lines that `read` accepts."""
    import pandas as pd

    lines = list(lines)
    plans = {number: study.plan(number) for number in {line[2] for line in lines}}
    table = []
    for _, rater, number, trial, question, clip, other, answer, seconds in lines:
        method, speaker = study.clips[clip]
        second = study.clips[other][0] if other else ""
        likert = "check" if question.startswith(CHECK) else "likert"
        kind = "pair" if question == PREFER else likert
        known = (rater, number, trial, kind, question, method, second, speaker, answer, seconds)
        table.append((*known, plans[number][trial - 1].repeat))
    names = "rater number trial kind question method other speaker answer seconds repeat"
    return pd.DataFrame(table, columns=names.split())


def _parsed(path: str | Path, at: int, line: list[str]) -> Row:
    """A line with its numbers as numbers."""
    if len(line) != len(COLUMNS):
        raise ElpError(
            f"{path}: line {at} has {len(line)} fields of {len(COLUMNS)}: "
            "ask the rater for the file again"
        )
    study, rater, number, trial, question, clip, other, answer, seconds = line
    try:
        counts, time = [int(number), int(trial), int(answer)], float(seconds)
    except ValueError:
        counts, time = [-1], -1.0
    best = 2 if question == PREFER else len(SCALE)
    if min(counts) < 0 or not math.isfinite(time) or time < 0 or not 1 <= counts[2] <= best:
        raise ElpError(
            f"{path}: line {at}: '{','.join(line)}' has no answer from 1 to {best}, or no whole "
            "number, or no time: ask the rater for the file again"
        )
    return (study, rater, counts[0], counts[1], question, clip, other, counts[2], time)


def _compare(path: str | Path, found: list[Row], study: Study) -> None:
    """Refuse what is not the beginning of the plan of the file's rater."""
    digest, rater, number = found[0][:3]
    if digest != study.digest:
        raise ElpError(f"{path}: answers of study {digest}, this is {study.digest}: give that one")
    if not DIGITS.fullmatch(rater):
        raise ElpError(f"{path}: rater {rater!r} is no random id of 8 hexadecimal digits")
    planned = [
        (digest, rater, number, at, question, *(*trial.clips, "")[:2])
        for at, trial in enumerate(study.plan(number), 1)
        for question in trial.questions
    ]
    for at, line in enumerate(found, 2):
        if at - 2 >= len(planned) or tuple(line[:7]) != planned[at - 2]:
            raise ElpError(
                f"{path}: line {at} is not what rater number {number} was asked there: lines are "
                "missing, changed or of somebody else; ask for the file again"
            )
    if len(found) < len(planned) and planned[len(found)][3] == found[-1][3]:
        raise ElpError(
            f"{path}: ends in the middle of screen {found[-1][3]}: ask the rater for the file again"
        )
