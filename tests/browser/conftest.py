"""A real Chromium with the network cut, and the site to open in it."""

from __future__ import annotations

import contextlib
import functools
import http.server
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync"
).split()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(item.path).parent == Path(__file__).parent:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def launch(chromium: Path) -> Iterator[Callable[..., Any]]:
    """Starts a browser with further flags; a process can drive all of them, but only once."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:

        def started(*flags: str) -> Any:
            return playwright.chromium.launch(
                executable_path=str(chromium), headless=True, args=[*FLAGS, *flags]
            )

        yield started


@pytest.fixture(scope="session")
def browser(launch: Callable[..., Any]) -> Iterator[Any]:
    opened = launch()
    yield opened
    opened.close()


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture(scope="session")
def site(chromium: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """(address, folder) of the book's pages: those named by ELP_SITE, else built here from the
    committed outputs.
    """
    folder = (
        Path(os.environ["ELP_SITE"])
        if "ELP_SITE" in os.environ
        else build(tmp_path_factory.mktemp("site"))
    )
    with served(folder) as address:
        yield address, folder


@contextlib.contextmanager
def served(folder: Path) -> Iterator[str]:
    """Address of a folder's files."""
    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder))
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/"
    server.shutdown()
    server.server_close()


def build(target: Path) -> Path:
    """The pages from the notebooks as they are, without running these."""
    subprocess.run(
        [sys.executable, str(ROOT / "book" / "_tools" / "vendor.py")], check=True, timeout=300
    )
    source = target / "source"
    source.mkdir()
    for name in ("_config.yml", "_toc.yml"):
        shutil.copy(ROOT / name, source)
    shutil.copytree(
        ROOT / "book", source / "book", ignore=shutil.ignore_patterns("_build", "_runtime")
    )
    os.symlink(ROOT / "elp", source / "elp")  # the pages show its source
    config = yaml.safe_load((source / "_config.yml").read_text())
    # the first page is a text with a cell in it, and has no outputs of its own
    config["execute"] |= {"execute_notebooks": "force", "exclude_patterns": ["*.ipynb"]}
    (source / "_config.yml").write_text(yaml.safe_dump(config))
    command = [
        str(Path(sys.executable).with_name("jupyter-book")),
        "build",
        str(source),
        "--path-output",
        str(target),
        "--all",
    ]
    run = subprocess.run(command, capture_output=True, text=True, timeout=1200)
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-3000:]
    return target / "_build" / "html"


def cut(page: Any, *allowed: str) -> set[str]:
    """Let nothing leave the machine; returns the set that fills with what tried to."""
    left: set[str] = set()

    def route(request: Any) -> None:
        if request.request.url.startswith((*allowed, "data:", "blob:")):
            request.continue_()
        else:
            left.add(request.request.url)
            request.abort()

    page.route("**/*", route)
    return left
