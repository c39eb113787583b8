"""Executions of chapters are kept until something changes that they use."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn
from nbformat import v4

sys.path.insert(0, str(Path(__file__).parents[2] / "book" / "_tools"))  # the tools are no package

import elp_pages
import executions
import vendor


@pytest.fixture
def root(tmp_path, monkeypatch) -> Path:
    """A project of one module and one result."""
    for name, text in (("elp/face/model.py", "A = 1"), ("book/results/speed.json", "{}")):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.setattr(executions, "ROOT", tmp_path)
    return tmp_path


def chapter() -> CacheBundleIn:
    cell = v4.new_code_cell("1 + 1", execution_count=1)
    cell.outputs = [v4.new_output("execute_result", {"text/plain": "2"}, execution_count=1)]
    notebook = v4.new_notebook(cells=[cell])
    notebook.metadata["kernelspec"] = {"name": "python3"}
    return CacheBundleIn(notebook, "chapter.ipynb", data={"execution_seconds": 1.0})


def known(root: Path) -> bool:
    """Whether a build would take the chapter from what is kept."""
    try:
        get_cache(executions.folder(root / "kept")).match_cache_notebook(chapter().nb)
    except KeyError:
        return False
    return True


@pytest.mark.parametrize("changed", ["elp/face/model.py", "book/results/speed.json", "elp/new.js"])
def test_a_chapter_is_executed_again_when_what_it_uses_changes(root, changed):
    assert not known(root)
    kept = get_cache(executions.folder(root / "kept"))
    kept.cache_notebook_bundle(chapter(), check_validity=False)
    assert known(root), "nothing changed, and it would be executed again"
    (root / "elp/__pycache__").mkdir()
    (root / "elp/__pycache__/model.pyc").write_text("compiled", encoding="utf-8")
    assert known(root), "what Python compiles is no source"
    (root / changed).write_text("A = 2", encoding="utf-8")
    assert not known(root), "a stale output"


@pytest.mark.parametrize("changed", ["elp/face/model.py", "book/results/speed.json", "_config.yml"])
def test_every_page_is_made_again_when_what_makes_pages_changes(root, changed):
    (root / "_config.yml").write_text("title: a", encoding="utf-8")
    app, env = SimpleNamespace(outdir=root), SimpleNamespace(found_docs=["intro", "chapter"])
    assert elp_pages.outdated(app, env, set(), set(), set()) == {"intro", "chapter"}
    elp_pages.finished(app, None)
    assert not elp_pages.outdated(app, env, set(), set(), set())
    (root / changed).write_text("title: b", encoding="utf-8")
    elp_pages.finished(app, KeyboardInterrupt())
    assert elp_pages.outdated(app, env, set(), set(), set()) == {"intro", "chapter"}


def test_what_was_made_with_other_sources_is_deleted(root):
    first = executions.folder(root / "kept")
    first.mkdir(parents=True)
    (root / "kept/notes.txt").write_text("mine", encoding="utf-8")
    (root / "elp/face/model.py").write_text("A = 2", encoding="utf-8")
    executions.folder(root / "kept")
    assert [path.name for path in (root / "kept").iterdir()] == ["notes.txt"]


def test_the_build_looks_there(root, monkeypatch):
    monkeypatch.delenv("ELP_EXECUTED", raising=False)
    app = SimpleNamespace(outdir=str(root / "_build/html"))
    config = SimpleNamespace(nb_execution_mode="cache", nb_execution_cache_path="")
    elp_pages.executed(app, config)
    assert Path(config.nb_execution_cache_path) == executions.folder(root / "_build/executed")


def test_pages_do_without_the_state_of_widgets():
    state = SimpleNamespace(attributes={"type": elp_pages.WIDGETS, "body": "{}"})
    other = SimpleNamespace(attributes={"type": "text/x-mathjax-config"})
    context = {"script_files": ["_static/elp.js", state, other]}
    elp_pages.stateless(None, "book/a", "page.html", context, None)
    assert context["script_files"] == ["_static/elp.js", other]


def test_scripts_are_made_again_when_their_sources_change(root, monkeypatch):
    made = []

    def write(*paths: Path) -> None:
        made.extend(path.name for path in paths)
        for path in paths:
            path.write_text("", encoding="utf-8")

    for name in ("VENDOR", "RUNTIME"):
        monkeypatch.setattr(vendor, name, root / name.lower())
    vendor.VENDOR.mkdir()
    monkeypatch.setattr(vendor.runtime, "fetch", dict)
    monkeypatch.setattr(vendor, "listener", write)
    monkeypatch.setattr(vendor, "tracker", write)
    vendor.own()
    assert made == ["listener.js", "talk.js", "portrait.js", "tracker.js"]
    vendor.own()
    assert len(made) == 4, "nothing changed"
    (root / "vendor/talk.js").unlink()
    vendor.own()
    assert len(made) == 8, "a script was missing"
    (root / "elp/face/model.py").write_text("A = 2", encoding="utf-8")
    vendor.own()
    assert len(made) == 12, "stale scripts"
