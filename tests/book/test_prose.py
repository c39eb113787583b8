"""Numbers in a chapter's prose come from somewhere: from a cell of the page, from `elp`, or from a
publication that is named here.

What counts as a number: one with decimals, of three digits or more, or in per cent. Smaller whole
numbers are mostly no measurements ("two nods").
"""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from tests.test_book import BOOK, NOTEBOOKS, ROOT, read

NUMBER = re.compile(
    r"(?<![\w.,\-–/(#])(\d{1,3}(?:,\d{3})+|\d+\.\d+|\d{3,}|\d+(?=\s?%))(?![\w.]*\d)"
)
ANY = re.compile(r"\d{1,3}(?:,\d{3})+|\d*\.?\d+(?:e[-+]?\d+)?")
NO_PROSE = (
    r"\[[^\]]*\d{4}\)?\]\([^)]*\)",  # citations
    r"(?s)\$\$.*?\$\$|\$[^$]*\$|`[^`]*`|\]\([^)]*\)|```.*?\n|\{[\w:]+\}",
    r"Eqs?\. [P\d.]+(?: to [P\d.]+)?|(?i:sections?|licence) [\d.]+|Tables? \d+|Figures? \d+",
)
# what the page does not show: {page: {number as it is written: where it is from}}
GIVEN: dict[str, dict[str, str]] = {
    "01-extraction": {
        "936": "sum 468 * 2",
        "468": "elp.face.landmarks POINTS",
        "106": "sum 100 + 6",
        "0.08": "elp/extraction/fit.py",
        "0.15": "elp/extraction/fit.py",
        "0.16": "cite soukupova2016ear",
        "0.26": "cite soukupova2016ear",
    },
    "02-style": {
        "128": "elp/model/encoders.py",
        "334": "sum 128 + 100 + 100 + 6",
        "0.48": "sum 12 / 25",
    },
    "04-corpus": {
        "110": "cite ward2000backchannel",
        "700": "cite ward2000backchannel",
        "0.7": "cite ward2000backchannel",
        "1.8": "cite hadar1985listening",
        "483": "elp.simulator.cast PRESETS vico clips",
        "240": "elp.simulator.cast PRESETS_2 talks clips",
    },
    "05a-loss": {"2000": "results training_ablations"},
    "05c-following": {"2000": "results training_ablations"},
    "05d-speed": {
        "4.9": "results stream",
        "7.8": "results stream",
        "4.0": "results stream",
        "4.2": "results stream",
    },
    "06-renderer": {
        "1.8": "elp/render/limits.py",
    },
    "07-metrics": {"4.27": "results paper_tables", "0.56": "cite nakano2010blink"},
    "10-add-a-method": {"95": "sum 100 - 5", "0.05": "elp.evaluation.bootstrap LEVEL"},
    "11-real-conversations": {
        "800": "results calls",
        "3000": "experiments/calls.py",
        "176": "cite burkhardt2005emodb",
    },
    "12-live": {"39539": "elp/live/network.py", "107": "sum 100 + 6 + 1"},
    "13-your-own-study": {"176": "sum 22 * 8"},
    "map": {"5.1": "book/05b-standing-still.py", "478": "elp.face.landmarks TRACKED"},
    "notation": {
        "100": "elp/model/config.py",
        "128": "elp/model/encoders.py",
        "440": "elp/model/ase.py",
        "468": "elp.face.landmarks POINTS",
    },
    "talk": {
        "0.001": "tests/book/test_hearing.py",
        "478": "elp.face.landmarks TRACKED",
        "0.1": "tests/browser/test_tracker.py",
        "0.0001": "tests/book/test_watching.py",
        "0.02": "tests/book/test_watching.py",
        "0.4": "results page",
        "1.5": "results page",
        "3.4": "results page",
        "3.5": "results page",
        "24.8": "results page",
        "18.6": "results page",
        "2.3": "results page",
        "24.2": "results page",
        "5.3": "results page",
        "24.6": "results page",
        "3.7": "results step",
        "3.54": "results step",
        "512": "elp/cli.py",
        "256": "elp/cli.py",
        "120": "benchmarks/page.py",
        "7.1": "results page_memory",
        "9.07": "results page_memory",
        "333.3": "results page_memory",
        "427.16": "results page_memory",
        "410.93": "results page_memory",
    },
    "your-own-video": {
        "3.11": "./pyproject.toml",
        "512": "elp/cli.py",
        "100": "elp/model/config.py",
        "25.0": "elp.motion FPS",
        "45,000": "tests/hostile/report.json",
        "0.016": "tests/hostile/report.json",
        "640": "sum 16000 / 25",
        "90": "elp.extraction.pipeline SHARE",
        "0.5": "elp.extraction.pipeline SURE",
    },
}


def prose(page: str) -> str:
    """Markdown without formulas, code, citations and numbers of equations or tables."""
    for pattern in NO_PROSE:
        page = re.sub(pattern, " ", page)
    return page


def numbers(text: str) -> set[float]:
    """All the numbers of a text."""
    return {float(n.replace(",", "")) for n in ANY.findall(text)}


def shown(cells: list[Any]) -> set[float]:
    """Numbers that a page's code cells hold or put out as text; a figure's own data are no text."""
    text = []
    for cell in cells:
        text.append(cell.source)
        for output in cell.outputs:
            data = output.get("data", {})
            page = re.sub(
                r"(?s)<(script|svg|style).*?</\1>|<[^>]*>", " ", data.get("text/html", "")
            )
            text += [output.get("text", ""), data.get("text/plain", ""), page]
    return numbers(" ".join(text))


def told(number: str, per_cent: bool, known: set[float]) -> bool:
    """Whether one of the known numbers, rounded, is this one; 60 % may be 0.6."""
    plain = number.replace(",", "")
    digits = len(plain.partition(".")[2])
    values = [(float(plain), digits)] + [(float(plain) / 100, digits + 2)] * per_cent
    return any(abs(k - v) <= 0.5001 * 10.0**-d for v, d in values for k in known)


def unknown(page: str, known: set[float], given: dict[str, str]) -> list[tuple[str, str]]:
    """Numbers of a page's prose that nothing explains, with the words around them."""
    found, page = [], prose(page)
    for match in NUMBER.finditer(page):
        per_cent = page[match.end() :].lstrip().startswith("%")
        if match[1] not in given and not told(match[1], per_cent, known):
            words = page[max(match.start() - 40, 0) : match.end() + 20]
            found.append((match[1], " ".join(words.split())))
    return found


PAGES = [p for p in sorted(BOOK.glob("*.md")) if "{code-cell}" not in p.read_text("utf-8")]


@pytest.mark.parametrize("path", PAGES, ids=lambda p: p.stem)
def test_numbers_of_pages_without_cells_come_from_somewhere(path: Path) -> None:
    assert not unknown(path.read_text("utf-8"), set(), GIVEN.get(path.stem, {}))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_numbers_in_prose_come_from_somewhere(path: Path) -> None:
    page = "\n".join(
        c.source for c in read(path.with_suffix(".py")).cells if c.cell_type == "markdown"
    )
    known = shown([c for c in read(path).cells if c.cell_type == "code"])
    assert not unknown(page, known, GIVEN.get(path.stem, {}))


def test_a_number_from_nowhere_is_found() -> None:
    """The six that had no source in an earlier book, and gaze statistics typed in."""
    page = (
        "A head weighs 4.5 kg. In Eq. P3 and Table 3, $x = 1.55$ and `0.06`, 12 % of 17,717 "
        "fixations take 0.21 s ([A, 2001](references.bib#a2001)), three times; 60 % is 0.6, and "
        "1,500 is said."
    )
    found = unknown(page, {0.6, 1500.0, 0.2}, {})
    assert [number for number, _ in found] == ["4.5", "12", "17,717", "0.21"]


@pytest.mark.parametrize(
    ("number", "source"), [(n, s) for given in GIVEN.values() for n, s in given.items()]
)
def test_sources_say_what_is_claimed(number: str, source: str) -> None:
    kind, _, rest = source.partition(" ")
    if kind == "cite":
        bib = (ROOT / "book" / "references.bib").read_text(encoding="utf-8")
        assert f"{{{rest}," in bib
        return
    if kind == "sum":
        known = {float(eval(rest))}
    elif kind == "results":
        known = numbers((ROOT / "book" / "results" / f"{rest}.json").read_text("utf-8"))
    elif "/" in kind:
        known = numbers((ROOT / kind).read_text("utf-8"))
    else:
        value: Any = import_module(kind)
        for name in rest.split():
            value = value[name] if isinstance(value, dict) else getattr(value, name)
        known = {float(value), 100 * float(value)}
    assert told(number, False, known)
