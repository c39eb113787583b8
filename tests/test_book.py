"""The book keeps its promises: twins agree, cells ran in order, outputs are small, figures speak,
and nbval can fail.
"""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from elp.book import figures

ROOT = Path(__file__).parents[1]
BOOK = ROOT / "book"
NOTEBOOKS = sorted(BOOK.glob("*.ipynb"))
TAG = "nbval-check-output"
COLUMNS = 76  # of code that the page shows without scrolling
every_chapter = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)


def read(path: Path) -> Any:
    """A notebook, or a page of Markdown or Python as one."""
    if path.suffix == ".ipynb":
        import nbformat  # here: it takes seconds to load, in every worker

        return nbformat.read(path, 4)
    import jupytext

    return jupytext.read(path)


def code(path: Path) -> list[Any]:
    return [c for c in read(path).cells if c.cell_type == "code" and c.source.strip()]


def html(path: Path) -> list[str]:
    """The HTML outputs of a notebook, in order."""
    return [
        o.data["text/html"]
        for c in code(path)
        for o in c.outputs
        if "text/html" in o.get("data", {})
    ]


def said(nb: Any) -> list[tuple[str, str, list[str]]]:
    return [(c.cell_type, c.source.strip(), sorted(c.metadata.get("tags", []))) for c in nb.cells]


def test_every_twin_has_a_notebook_and_a_place_in_the_contents() -> None:
    twins = {p.stem for p in BOOK.glob("[0-9][0-9]*-*.py")}
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text())
    listed = {Path(c["file"]).name for part in toc["parts"] for c in part["chapters"]}
    assert twins == {p.stem for p in NOTEBOOKS}
    assert twins <= listed


@every_chapter
def test_twins_say_the_same(path: Path) -> None:
    assert said(read(path.with_suffix(".py"))) == said(read(path)), (
        f"run: make pairs ONLY=book/{path.stem}.py"
    )


@every_chapter
def test_all_cells_ran_in_order(path: Path) -> None:
    assert [c.execution_count for c in code(path)] == list(range(1, len(code(path)) + 1))


@every_chapter
def test_no_errors_and_nothing_on_stderr(path: Path) -> None:
    bad = [
        o
        for c in code(path)
        for o in c.outputs
        if o.output_type == "error" or o.get("name") == "stderr"
    ]
    assert not bad


@every_chapter
def test_cells_are_short(path: Path) -> None:
    long = [
        c.source.splitlines()[0] for c in code(path) if len(c.source.strip().splitlines()) >= 15
    ]
    assert not long


@every_chapter
def test_code_fits_the_page(path: Path) -> None:
    """No cell's line is so long that the page would scroll sideways."""
    wide = [
        line
        for c in read(path.with_suffix(".py")).cells
        if c.cell_type == "code"
        for line in c.source.splitlines()
        if len(line) > COLUMNS
    ]
    assert not wide


@pytest.mark.parametrize(
    "path",
    [*BOOK.glob("*.md"), *(p.with_suffix(".py") for p in NOTEBOOKS), *ROOT.glob("*.md")],
    ids=lambda p: p.stem,
)
def test_code_in_prose_fits_the_page(path: Path) -> None:
    cells = [c.source for c in read(path).cells if c.cell_type == "markdown"]
    text = path.read_text(encoding="utf-8") if path.suffix == ".md" else "\n".join(cells)
    fences = re.findall(
        r"^```(?:\{code-cell\} )?(?:python|bash|diff)\n(.*?)^```", text, re.M | re.S
    )
    assert not [line for code in fences for line in code.splitlines() if len(line) > COLUMNS]


def shown(twin: Path) -> list[Any]:
    """The objects whose source a chapter lists, in order: the arguments of `figures.source`."""
    cells = [c.source for c in read(twin).cells if c.cell_type == "code"]
    nodes = [node for source in cells for node in ast.walk(ast.parse(source))]
    names: dict[str, Any] = {}
    for node in nodes:
        if isinstance(node, ast.Import | ast.ImportFrom):
            exec(ast.unparse(node), names)
    return [
        eval(ast.unparse(node.args[0]), names)
        for node in nodes
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "figures.source"
    ]


@every_chapter
def test_listings_fit_the_page(path: Path) -> None:
    wide = [
        (obj.__module__, line)
        for obj in shown(path.with_suffix(".py"))
        for line in figures.code_of(obj).splitlines()
        if len(line) > COLUMNS
    ]
    assert not wide


@every_chapter
def test_listings_are_the_present_source(path: Path) -> None:
    """What a page shows of `elp` is what `elp` is now."""
    listed = [page for page in html(path) if page.startswith('<p class="elp-where">')]
    present = [figures.listing(obj) for obj in shown(path.with_suffix(".py"))]
    assert listed == present, f"run: make pairs ONLY=book/{path.stem}.py"


@every_chapter
def test_outputs_are_small(path: Path) -> None:
    assert sum(len(json.dumps(c.outputs)) for c in code(path)) < 500_000


@every_chapter
def test_no_function_lives_in_a_notebook(path: Path) -> None:
    defined = [
        n.name
        for c in code(path)
        for n in ast.walk(ast.parse(c.source))
        if isinstance(n, (ast.FunctionDef, ast.ClassDef))
    ]
    assert not defined


@every_chapter
def test_figures_have_captions_and_text_alternatives(path: Path) -> None:
    names: list[str] = []
    for cell in code(path):
        outputs = [o.get("data", {}) for o in cell.outputs]
        # a cell may show nothing
        for here, after in zip(outputs, [*outputs[1:], {}], strict=False):
            page = here.get("text/html", "")
            picture = any(
                k.startswith(("image/", "application/vnd.plotly")) for k in here
            ) or re.search("<(img|video|audio|canvas)", page)
            if not picture:
                continue
            name = re.search(r'aria-labelledby="cap-([^"]+)"', page)
            assert name, f"show it with elp.book.figures: {cell.source[:80]}"
            assert re.search(r'(aria-label|alt)="[^"]{12,}"', page), (
                f"no text alternative: {cell.source[:80]}"
            )
            caption = after.get("text/html", "")
            assert f'id="cap-{name[1]}"' in caption, f"no caption: {cell.source[:80]}"
            names.append(name[1])
    assert len(names) == len(set(names)), "two figures of one name"
    assert names, "a chapter without a picture"


@every_chapter
def test_something_is_compared(path: Path) -> None:
    tagged = [c for c in code(path) if TAG in c.metadata.get("tags", [])]
    assert tagged
    for cell in tagged:
        text = [
            o
            for o in cell.outputs
            if o.output_type == "stream" or "text/plain" in o.get("data", {})
        ]
        assert text, f"tagged {TAG}, but nothing printed: {cell.source[:80]}"
        assert not re.search(r"\b0x[0-9a-f]{6,}|(?<!\w)/(work|home|tmp|root)/", json.dumps(text)), (
            "a path or an address of this machine"
        )


@every_chapter
def test_the_headline_number_is_asserted(path: Path) -> None:
    assert any(isinstance(n, ast.Assert) for c in code(path) for n in ast.walk(ast.parse(c.source)))


@every_chapter
def test_a_chapter_has_all_its_parts(path: Path) -> None:
    text = "\n".join(c.source for c in read(path).cells if c.cell_type == "markdown")
    for part, why in (
        (r"^# ", "a title"),
        (r"^\*\*Question\.\*\*", "a question"),
        (r"^After this (?:chapter|page) you ", "what its reader will be able to do"),
        (r"^## Summary$", "a summary"),
        (r"^## Exercises$", "exercises"),
        (r"^## Further reading$", "further reading"),
        (r"\{exercise", "an exercise"),
        (r"\{solution", "its solution"),
        (r"references\.bib#", "a reference"),
    ):
        assert re.search(part, text, re.M), f"{path.stem} lacks {why}"


def test_every_exercise_has_a_solution_with_its_outputs_inside() -> None:
    """A solution that runs code opens its fold before the code and closes it after."""
    asked = []
    for path in NOTEBOOKS:
        cells = [c for c in read(path.with_suffix(".py")).cells if c.source.strip()]
        prose = "\n".join(c.source for c in cells if c.cell_type == "markdown")
        labels = re.findall(r"\{exercise\}\n:label: (\S+)", prose)
        solved = re.findall(r"\{solution(?:-start)?\} (\S+)", prose)
        assert sorted(solved) == sorted(labels), path.stem
        asked += labels
        folded, after = False, False
        for cell in cells:
            if cell.cell_type == "code":
                assert folded or not after, f"{path.stem}: code after a solution's fold"
            elif marks := re.findall(r"\{solution-(start|end)\}", cell.source):
                folded = marks[-1] == "start"
            after |= "\n## Exercises" in f"\n{cell.source}"
    assert len(asked) == len(set(asked)) >= 30


def titles() -> set[str]:
    """Titles and headings of the book's pages."""
    texts = [p.read_text(encoding="utf-8") for p in BOOK.glob("*.md")]
    texts += [
        "\n".join(c.source for c in read(p).cells if c.cell_type == "markdown") for p in NOTEBOOKS
    ]
    return {m.strip() for t in texts for m in re.findall(r"^#+ (.+)$", t, re.M)}


def docstrings() -> list[tuple[str, str]]:
    found = []
    for path in sorted((ROOT / "elp").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and (
                doc := ast.get_docstring(node)
            ):
                found.append((f"{path.relative_to(ROOT)}:{getattr(node, 'name', 'module')}", doc))
    return found


def test_chapters_named_in_docstrings_exist() -> None:
    known = titles()
    named = [
        (where, name)
        for where, doc in docstrings()
        for name in re.findall(r'[Cc]hapters? "([^"]+)"', " ".join(doc.split()))
    ]
    assert named
    assert not [(where, name) for where, name in named if name not in known]


def test_cited_keys_exist_once() -> None:
    keys = re.findall(r"^@\w+\{(\S+),", (BOOK / "references.bib").read_text(encoding="utf-8"), re.M)
    assert len(keys) == len(set(keys))


# one constant, broken in the kernel's process as soon as its module is there
BREAK = """
import importlib.abc, importlib.util, os, sys
module, name, value = os.environ["ELP_BREAK"].split(":")
class Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, fullname, path=None, target=None):
        if fullname != module:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        run = spec.loader.exec_module
        def exec_module(loaded):
            run(loaded)
            assert hasattr(loaded, name)
            setattr(loaded, name, type(getattr(loaded, name))(float(value)))
        spec.loader.exec_module = exec_module
        return spec
sys.meta_path.insert(0, Finder())
"""


def nbval(path: Path, tmp_path: Path, broken: str = "") -> subprocess.CompletedProcess[str]:
    env = dict(os.environ)
    env.pop("PYTEST_XDIST_WORKER", None)
    if broken:
        (tmp_path / "sitecustomize.py").write_text(BREAK)
        env |= {
            "ELP_BREAK": broken,
            "PYTHONPATH": os.pathsep.join([str(tmp_path), env.get("PYTHONPATH", "")]),
        }
    options = [
        "-p",
        "nbval.plugin",
        "--nbval-lax",
        f"--nbval-sanitize-with={ROOT / 'tests' / 'nbval.cfg'}",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:xdist",
        "-q",
        "-x",
    ]
    return subprocess.run(
        [sys.executable, "-m", "pytest", *options, str(path)],
        capture_output=True,
        text=True,
        env=env,
        timeout=900,
    )


@pytest.mark.slow
def test_nbval_fails_when_a_constant_of_elp_is_broken(tmp_path: Path) -> None:
    """The canary: `make test` compares every chapter with nbval; here is the proof that this
    comparison can fail.
    """
    chapter = BOOK / "07-metrics.ipynb"
    run = nbval(chapter, tmp_path, broken="elp.metrics.entropy:POSE_CLUSTERS:10")
    assert run.returncode == 1, run.stdout[-2000:] + run.stderr[-2000:]
    assert "bits of at most 3.32" in run.stdout  # the broken constant is what it complains about
    assert re.search(r"1 failed, \d+ passed", run.stdout), "what came before is as it was"
