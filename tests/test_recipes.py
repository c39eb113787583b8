"""The map's recipes work: each is followed to the letter, in a copy of the package."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.conftest import ROOT

PAGES = (ROOT / "book" / "map.md", ROOT / "CONTRIBUTING.md")
FENCE = re.compile(r"^```(text|python|diff)\n# ([^\n]+)\n(.*?)^```$", re.M | re.S)


class Block(NamedTuple):
    """A fenced block: its language, the file that its first line names, the rest."""

    kind: str
    file: str
    text: str


def recipes() -> dict[str, list[Block]]:
    """Title -> blocks, of the page's section with the recipes."""
    text = PAGES[0].read_text(encoding="utf-8").partition("\n## Five recipes\n")[2]
    parts = re.split(r"^### (.+)$", text, flags=re.M)[1:]
    titles, bodies = parts[::2], parts[1::2]
    return {t: [Block(*b) for b in FENCE.findall(body)] for t, body in zip(titles, bodies)}


def changed(source: str, diff: str) -> str:
    """The source with each hunk of a diff applied; "@@" stands between hunks."""
    for hunk in diff.split("@@\n"):
        lines = hunk.splitlines(keepends=True)
        assert all(line[0] in " +-" for line in lines), hunk
        old = "".join(line[1:] for line in lines if line[0] in " -")
        assert source.count(old) == 1, f"the page's context is not in the file once:\n{old}"
        source = source.replace(old, "".join(line[1:] for line in lines if line[0] in " +"))
    return source


def follow(blocks: list[Block], folder: Path) -> str:
    """Write and change the files that the recipe says; returns the code that tries it."""
    shutil.copytree(ROOT / "elp", folder / "elp", ignore=shutil.ignore_patterns("__pycache__"))
    tried = "import elp\n"
    for block in blocks:
        path = folder / block.file
        if block.file == "try it":
            tried += block.text
        elif block.kind == "diff":
            path.write_text(changed(path.read_text(encoding="utf-8"), block.text))
        else:
            assert not path.exists(), f"{block.file} is there already"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text)
    return f"{tried}\nprint(elp.__file__)\n"


def run(code: str, folder: Path) -> None:
    env = dict(os.environ, PYTHONPATH=str(folder))
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.splitlines()[-1]).parent == folder / "elp", "the copy was not used"


def lint(blocks: list[Block], folder: Path) -> None:
    """What a recipe writes has the form that the house asks for."""
    shutil.copy(ROOT / "pyproject.toml", folder)
    files = [block.file for block in blocks if block.file != "try it"]
    for command in (["check"], ["format", "--check"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--no-cache", *files],
            cwd=folder,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout


def test_there_are_five() -> None:
    named = ["emotion", "importer", "renderer", "metric", "loss"]
    assert [title.split()[-1] for title in recipes()] == named
    assert all("try it" in [block.file for block in blocks] for blocks in recipes().values())


@pytest.mark.parametrize("title", [t for t in recipes() if "emotion" not in t])
def test_a_recipe_does_what_it_says(title: str, tmp_path: Path) -> None:
    blocks = recipes()[title]
    code = follow(blocks, tmp_path)
    lint(blocks, tmp_path)
    run(code, tmp_path)


@pytest.mark.slow
def test_an_emotion_is_added(tmp_path: Path, film: Path) -> None:
    (tmp_path / "videos").mkdir()
    # equal bytes would be one person twice: an empty box at the end makes another file
    for name, end in (("anna", b""), ("ben", b"\x00\x00\x00\x08free")):
        (tmp_path / "videos" / f"{name}.mp4").write_bytes(film.read_bytes() + end)
    run(follow(recipes()["Add an emotion"], tmp_path), tmp_path)


@pytest.fixture
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A second and a half of a face that nods, with a tone."""
    import numpy as np
    from skimage import data

    from elp.media.write import write_video
    from elp.motion import Motion
    from elp.render import Portrait, render

    t = np.arange(38) / 25
    pose = np.zeros((len(t), 6), np.float32)
    pose[:, 0] = 0.1 * np.sin(2 * np.pi * t)
    motion = Motion(beta=np.zeros((len(t), 100)), pose=pose, blink=np.zeros(len(t)))
    tone = 0.1 * np.sin(2 * np.pi * 220 * np.arange(24320) / 16000).astype(np.float32)
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    write_video(path, render(Portrait.load(data.astronaut()), motion), audio=(tone, 16000))
    return path


def found(name: str) -> Any:
    """The object of a full name such as `elp.motion.Clip`; raises if there is none."""
    parts = name.split(".")
    for n in range(len(parts), 0, -1):
        try:
            value = import_module(".".join(parts[:n]))
        except ModuleNotFoundError:
            continue
        for part in parts[n:]:
            value = getattr(value, part)
        return value
    raise AssertionError(name)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.stem)
def test_what_a_walk_names_is_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for name in set(re.findall(r"`(elp(?:\.\w+)+)`", text)):
        found(name)
    for file in set(re.findall(r"`((?:elp|book|tests|experiments|benchmarks)/[\w/.-]*)`", text)):
        assert (ROOT / file).exists(), file


def test_a_diff_that_does_not_fit_is_seen() -> None:
    assert changed("a\nb\nc\n", " a\n+x\n b\n@@\n-c\n+d\n") == "a\nx\nb\nd\n"
    with pytest.raises(AssertionError, match="not in the file once"):
        changed("a\nb\n", " a\n+x\n c\n")
