"""What chapters write as plain Markdown, and what the built pages make of it."""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
BOOK = ROOT / "book"
sys.path.insert(0, str(BOOK / "_tools"))  # the tools are no package

import accessible
import elp_pages
import folded
import plain_markdown
import result_cards

TWINS = sorted(BOOK.glob("[0-9][0-9]*.py"))
LINK = re.compile(r"\[([^\]]+)\]\(references\.bib#(\w+)\)")


@pytest.mark.parametrize(
    ("written", "understood"),
    [
        ("x ([A, 2001](references.bib#a2001)).", "x {cite}`a2001`."),
        ("([A, 1](references.bib#a); [B, 2](references.bib#b))", "{cite}`a,b`"),
        ("by [A and B (2001)](references.bib#ab).", "by {cite:t}`ab`."),
        ("$$y = x \\tag{P1}$$", "$$y = x$$ (eq-P1)"),
        ("see Eq. 3.1, and 3.1 again", "see Eq. {eq}`eq-3.1`, and 3.1 again"),
        ("Eqs. P3 to P5", "Eqs. {eq}`eq-P3` to {eq}`eq-P5`"),
        ("the [gain](glossary.md#smile-gain)", "the {term}`gain<smile gain>`"),
        ("[a page](03-space.ipynb) stays", "[a page](03-space.ipynb) stays"),
    ],
)
def test_plain_markdown_becomes_what_sphinx_understands(written: str, understood: str) -> None:
    assert plain_markdown.sphinx(written) == understood


def test_citations_name_their_authors_and_year() -> None:
    from pybtex.database import parse_file

    entries = parse_file(str(BOOK / "references.bib")).entries
    wrong = []
    for path in TWINS:
        for label, key in LINK.findall(path.read_text(encoding="utf-8")):
            people = [
                " ".join(map(str, [*p.rich_prelast_names, *p.rich_last_names]))
                for p in entries[key].persons["author"]
            ]
            who = " and ".join(people) if len(people) < 3 else f"{people[0]} et al."
            year = entries[key].fields["year"]
            if label not in (f"{who}, {year}", f"{who} ({year})"):
                wrong.append((path.name, label, key))
    assert not wrong


def test_every_equation_has_a_number_of_its_own() -> None:
    text = {path.stem: path.read_text(encoding="utf-8") for path in TWINS}
    tags = {name: re.findall(r"\\tag\{([^}]+)\}", page) for name, page in text.items()}
    counted = Counter(tag for found in tags.values() for tag in found)
    assert not [tag for tag, n in counted.items() if n > 1]
    assert {f"P{n}" for n in range(1, 8)} <= set(counted)
    named = {n for page in text.values() for n in re.findall(r"\bEqs?\. (P\d|\d+\.\d+)\b", page)}
    assert named <= set(counted)
    # a chapter's own equations carry its number
    strange = [
        (name, tag)
        for name, found in tags.items()
        for tag in found
        if not tag.startswith("P") and int(tag.split(".")[0]) != int(name[:2])
    ]
    assert not strange


def test_tables_scroll_in_a_box_that_keys_reach() -> None:
    page = accessible.page("<p></p><table><tr><th></th></tr></table><table></table>")
    assert page.count('tabindex="0"') == 2
    assert "table 1 of" in page and "table 2 of" in page
    assert "<th></th>" not in page


def test_a_long_name_in_a_table_breaks_between_its_parts() -> None:
    page = accessible.page("<table><tr><td><code>elp.face.mesh_of</code></td></tr></table>")
    assert "<code>elp.<wbr/>face.<wbr/>mesh_<wbr/>of</code>" in page


def test_a_wide_table_s_values_know_their_columns() -> None:
    head = "<thead><tr><th></th><th>FD ↓</th><th>gain<br>→GT</th><th>n</th></tr></thead>"
    body = "<tbody><tr><th>GT</th><td>1<br><small>0–2</small></td><td>2</td><td>3</td></tr></tbody>"
    page = accessible.page(f"<table>{head}{body}</table>")
    assert 'class="elp-stack"' in page and page.count('role="cell"') == 3
    assert 'data-title="gain →GT" role="cell"><div>2</div>' in page
    assert "elp-stack" not in accessible.page(f"<table>{head.replace('<th>n</th>', '')}</table>")
    named = head.replace("</tr>", "</tr><tr><th>method</th><th></th><th></th><th></th></tr>")
    page = accessible.page(f"<table>{named}{body}</table>")
    assert page.count("<tr") == 2 and 'data-title="method" role="rowheader"' in page


def test_a_cell_knows_the_result_files_behind_its_numbers() -> None:
    cells = [
        'a = results.read("one")["rows"]\nb = 2',
        "print(b)",
        'c = [x + 1 for x in a]\nd = results.read("two")',
        "print(c)",
        "for name in d:\n    shown[name] = c",
        "figures.show(shown)",
    ]
    assert result_cards.sources(cells) == [
        ["one"],
        [],
        ["one", "two"],
        ["one"],
        ["one", "two"],
        ["one", "two"],
    ]


def test_pages_lead_to_the_repository_where_they_know_it(monkeypatch: pytest.MonkeyPatch) -> None:
    config = SimpleNamespace(html_theme_options={"logo": {}})
    monkeypatch.delenv("ELP_REPOSITORY", raising=False)
    elp_pages.addressed(None, config)
    assert config.html_theme_options == {"logo": {}}
    monkeypatch.setenv("ELP_REPOSITORY", "https://example.org/me/elp/")
    elp_pages.addressed(None, config)
    assert config.html_theme_options["repository_url"] == "https://example.org/me/elp"
    assert config.html_theme_options["repository_provider"] == "github"
    assert set(config.html_theme_options["launch_buttons"]) >= {"binderhub_url", "colab_url"}


def test_every_page_says_how_to_cite() -> None:
    page: dict[str, Any] = {"header_buttons": [], "pathto": "../{}.html".format}
    elp_pages.cited(None, "book/talk", "page.html", page, None)
    assert [b["url"] for b in page["header_buttons"]] == ["../book/intro.html#cite"]
    version = re.search(r"^version: (\S+)", (ROOT / "CITATION.cff").read_text("utf-8"), re.M)
    told = (BOOK / "intro.md").read_text("utf-8")
    assert "## Cite\n" in told and version and f"version = {{{version[1]}}}" in told


# made before results were written from committed code alone; none may join them
UNCOMMITTED = set(
    "extract mesh2video metrics_speed respond stream training_lr training_terms "
    "training_variants".split()
)


def test_no_further_result_is_of_code_that_was_not_committed() -> None:
    now = {name for name, card in result_cards.cards().items() if "+" in card.get("commit", "")}
    assert now <= UNCOMMITTED


def test_every_result_file_has_a_card_with_a_command() -> None:
    cards = result_cards.cards()
    assert "paper_tables" in cards
    for name, card in cards.items():
        if name != "paper_tables":
            assert card["command"] and card["commit"], name


def test_of_a_notebook_only_the_prose_changes() -> None:
    code = {"cell_type": "code", "source": ['print(f"Eq. P3: {x}")'], "outputs": []}
    prose = {"cell_type": "markdown", "source": ["See\n", "Eq. P3."]}
    found = json.loads(plain_markdown.sphinx(json.dumps({"cells": [code, prose]})))["cells"]
    assert found == [code, prose | {"source": "See\nEq. {eq}`eq-P3`."}]


def test_code_that_is_folded_in_a_row_becomes_one_fold() -> None:
    from docutils import nodes
    from docutils.utils import new_document
    from myst_nb.sphinx_ import HideCodeCellNode

    def cell(code: str, *shown: nodes.Node) -> nodes.container:
        fold = HideCodeCellNode("", nodes.literal_block(code, code))
        return nodes.container("", fold, *shown, hide_mode="input")

    page = new_document("page")
    page += [cell("a"), cell("b"), cell("c", nodes.paragraph("", "shown")), cell("d")]
    page += [nodes.container("", nodes.literal_block("open", "open")), cell("e"), cell("f")]
    folded.join(None, page, "page")
    inside = [[x.astext() for x in fold] for fold in page.findall(HideCodeCellNode)]
    assert inside == [["a", "b", "c"], ["d"], ["e", "f"]]
    assert len(page) == 4
    assert page[0].astext().endswith("shown")


def test_a_name_that_is_assigned_anew_has_left_its_file() -> None:
    cells = [
        'for x in results.read("a"):\n    print(x)',
        "for x in (1, 2):\n    print(x)",
        'y = results.read("a")\ny = 2\nprint(y)',
        'z = [0]\nz.append(results.read("b"))',
        "figures.show(z)\nz = [1]",
        "print(z)",
    ]
    assert result_cards.sources(["from elp.book import figures", *cells])[1:] == [
        ["a"],
        [],
        ["a"],
        ["b"],
        ["b"],
        [],
    ]


def test_a_comprehension_keeps_its_variables_to_itself() -> None:
    cells = ['x = results.read("a")', "y = [g for g in x]", "g = 2\nprint(g)", "print(y)"]
    assert result_cards.sources(cells) == [["a"], ["a"], [], ["a"]]
