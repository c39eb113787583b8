"""JupyterLab in a real browser: a chapter's cells run, the emotion moves, the listener answers, and
the kernel knows of it; a rating study asks.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from elp.book.widgets import runtime
from tests.browser.conftest import ROOT, cut

READY = """async () => {
  const widget = jupyterapp.shell.currentWidget;
  await widget.context.ready;
  await widget.sessionContext.ready;
  await widget.sessionContext.session.kernel.info;
}"""
PAINTED = """() => {
  const canvas = document.querySelector('.elp-live canvas');
  return canvas ? canvas.toDataURL().length : 0;
}"""
CODES = "() => document.querySelector('.elp-live .elp-codes canvas').toDataURL()"
SAID = "() => document.querySelector('.elp-listener-status')?.textContent?.includes('%')"

TALK = """from elp.book.widgets import LiveListener
from elp.book.widgets.live import speakers

listener = LiveListener(speakers())
listener"""

KERNEL = """() => new Promise((resolve) => {
  const future = jupyterapp.shell.currentWidget.sessionContext.session.kernel
    .requestExecute({ code: 'print(listener.emotion)' });
  future.onIOPub = ({ content }) => { if (content.text) resolve(content.text); };
})"""

CELL = """async (code) => {
  await jupyterapp.commands.execute('notebook:insert-cell-below');
  jupyterapp.shell.currentWidget.content.activeCell.model.sharedModel.setSource(code);
  await jupyterapp.commands.execute('notebook:run-cell');
}"""
STUDY = """
import numpy as np
from elp.book import encode, study
from elp.book.widgets import rating

mine = study.Study(methods=("a", "b"), speakers=("anna",), pairs=1, repeats=1, checks=1)
film = encode.video(list(np.zeros((3, 32, 64, 3), np.uint8)), 25.0)
rating.questionnaire(mine, dict.fromkeys(mine.clips.values(), film))
"""


def chapter() -> Path:
    """The first chapter with the listener widget."""
    found = [
        p
        for p in sorted((ROOT / "book").glob("*.ipynb"))
        if "widgets.Listener(" in p.read_text(encoding="utf-8")
    ]
    assert found, "no chapter shows the listener widget"
    return found[0]


@pytest.fixture(scope="module")
def lab(chromium: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a JupyterLab server on a copy of the book."""
    root = tmp_path_factory.mktemp("lab")
    shutil.copytree(
        ROOT / "book", root / "book", ignore=shutil.ignore_patterns("_build", "_vendor", "_runtime")
    )
    (root / "talk.ipynb").write_text(notebook(TALK))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = (
        f"--no-browser --allow-root --ip=127.0.0.1 --port={port} --ServerApp.port_retries=0 "
        f"--IdentityProvider.token= --ServerApp.password= --ServerApp.root_dir={root} "
        "--LabApp.extension_manager=readonly --LabApp.expose_app_in_browser=True "
        f"--LabApp.app_settings_dir={root} --LabApp.news_url= "
        f"--LabApp.workspaces_dir={root}/workspaces"
    ).split()
    env = dict(
        os.environ,
        PYTHONPATH=str(ROOT),
        JUPYTER_CONFIG_DIR=str(root / "config"),
        JUPYTER_PREFER_ENV_PATH="1",
    )
    with (root / "lab.log").open("w") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *options],
            env=env,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            for _ in range(240):
                try:
                    urllib.request.urlopen(f"http://127.0.0.1:{port}/api", timeout=1).close()
                    break
                except OSError:
                    assert server.poll() is None, (root / "lab.log").read_text()[-2000:]
                    time.sleep(0.25)
            yield f"http://127.0.0.1:{port}/"
        finally:
            server.terminate()
            server.wait(20)


def notebook(code: str) -> str:
    """The text of a notebook of one cell."""
    cell = {"cell_type": "code", "source": code, "metadata": {}, "outputs": []}
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    whole = {"cells": [{**cell, "execution_count": None}], "metadata": {"kernelspec": kernel}}
    return json.dumps({**whole, "nbformat": 4, "nbformat_minor": 4})


def test_a_chapter_shows_code_equations_and_citations(browser: Any, lab: str) -> None:
    """Nothing that only Sphinx understands stands on the page that one runs."""
    page = browser.new_page(viewport={"width": 1400, "height": 12_000})  # all cells are drawn
    left = cut(page, lab, lab.replace("http", "ws"))
    page.goto(f"{lab}lab/workspaces/read/tree/book/{chapter().name}")
    page.wait_for_selector(".jp-Notebook .elp-where", timeout=60_000)
    page.wait_for_selector(".jp-MarkdownCell .katex, .jp-MarkdownCell mjx-container")
    page.wait_for_timeout(2_000)
    text = page.evaluate(
        "() => [...document.querySelectorAll('.jp-MarkdownCell')]"
        ".map(cell => cell.innerText).join('\\n')"
    )
    colours = page.evaluate(
        "() => new Set([...document.querySelectorAll('.jp-OutputArea .highlight span')]"
        ".map(s => getComputedStyle(s).color)).size"
    )
    page.close()
    assert "Song et al., 2023" in text
    assert "P2" in text, "the equation has the paper's number"
    for role in ("{cite", "{eq}", "{doc}", "{term}", "literalinclude", "```{"):
        assert role not in text
    assert colours > 3, "the listings are coloured"
    assert not left


def test_the_emotion_moves_and_the_kernel_knows(browser: Any, lab: str) -> None:
    page = browser.new_page(viewport={"width": 1400, "height": 1000})
    left = cut(page, lab, lab.replace("http", "ws"))
    page.goto(f"{lab}lab/workspaces/test/tree/book/{chapter().name}")
    page.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=60_000)
    page.wait_for_function(
        "() => window.jupyterapp?.shell.currentWidget?.sessionContext", timeout=60_000
    )
    page.evaluate(READY)  # else running the cells opens a dialog that asks for a kernel
    page.evaluate("() => { jupyterapp.commands.execute('notebook:run-all-cells') }")
    page.wait_for_function(SAID, timeout=120_000)
    page.locator(".elp-live").scroll_into_view_if_needed()
    assert page.evaluate(PAINTED) > 5_000, "the face is not drawn"
    status, handle = page.locator(".elp-listener-status"), page.locator(".elp-triangle-handle")
    before = status.inner_text(), page.evaluate(CODES)
    handle.press("Home")  # all negative
    page.wait_for_function(
        "(before) => document.querySelector('.elp-listener-status').textContent !== before",
        arg=before[0],
        timeout=60_000,
    )
    # the whole answer follows the shown frame, and the map of codes with it
    page.wait_for_function(f"(before) => ({CODES})() !== before", arg=before[1], timeout=60_000)
    after = status.inner_text(), page.evaluate(CODES)
    emotion = page.evaluate(KERNEL)
    page.evaluate(CELL, STUDY)  # the widget of chapter "Your own study", in the kernel at hand
    study = page.locator(".elp-rating")
    study.get_by_role("button", name="I agree").click(timeout=60_000)
    study.locator("video[src^='data:video']").first.wait_for()  # the kernel has sent it
    assert study.locator("fieldset").count(), "no question is asked"
    errors = page.locator(
        '.jp-OutputArea-output[data-mime-type="application/vnd.jupyter.error"]'
    ).count()
    stderr = page.locator(
        '.jp-OutputArea-output[data-mime-type="application/vnd.jupyter.stderr"]'
    ).count()
    page.close()
    assert before[0] != after[0]
    assert before[1] != after[1]
    assert "[1.0, 0.0, 0.0]" in emotion
    assert (errors, stderr) == (0, 0)
    assert not left


def test_one_can_talk_in_a_notebook(launch: Callable[..., Any], lab: str) -> None:
    """A recording is answered in a cell, the kernel's traits reach the page, and what finds faces
    comes from the kernel when the camera is asked for.
    """
    runtime.fetch()
    browser = launch("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
    page = browser.new_page(viewport={"width": 1400, "height": 1000})
    left = cut(page, lab, lab.replace("http", "ws"))
    page.goto(f"{lab}lab/workspaces/talk/tree/talk.ipynb")
    page.wait_for_function(
        "() => window.jupyterapp?.shell.currentWidget?.sessionContext", timeout=60_000
    )
    page.evaluate(READY)
    page.evaluate("() => { jupyterapp.commands.execute('notebook:run-all-cells') }")
    page.wait_for_selector(".elp-talking[data-state=ready]", timeout=120_000)
    page.locator(".elp-recording").click()
    ask = "() => document.querySelector('.elp-talking').dataset.frames >= 25"
    page.wait_for_function(ask, timeout=60_000)
    page.locator(".elp-triangle-handle").press("Home")
    assert "[1, 0, 0]" in page.evaluate(KERNEL)
    page.locator(".elp-camera").click()
    looked = "() => document.querySelector('.elp-talking').dataset.looked >= 3"
    page.wait_for_function(looked, timeout=60_000)
    assert page.locator(".elp-talking").get_attribute("data-state") == "looking"  # at no face
    page.locator(".elp-stop").click()
    browser.close()
    assert not left
