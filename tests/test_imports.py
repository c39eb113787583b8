"""Rooms import one way, files never in a circle, and nothing heavy loads before it is used.

Every import counts: those inside functions and under TYPE_CHECKING too.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ELP = Path(__file__).parents[1] / "elp"
# from signals to figures; a file imports from its own room and those before it only
ROOMS = (
    "errors files records bounded motion metrics face media extraction model corpus listener "
    "training simulator baselines evaluation render exports book respond live cli"
).split()
# not on the training machine, or slow to load: inside the function that needs it
HEAVY = set(
    "ai_edge_litert platformdirs librosa soxr soundfile av plotly umap numba IPython anywidget "
    "ipywidgets skimage matplotlib PIL onnx onnxruntime pythonosc pylsl websockets pyvirtualcam "
    "sounddevice".split()
)
NO_TRAINING = {
    "media",
    "extraction",
    "respond",
    "render",
    "exports",
    "book",
}  # rooms that need extras
FILES = sorted(ELP.rglob("*.py"))


def module(path: Path) -> str:
    parts = ("elp", *path.relative_to(ELP).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def room(name: str) -> str:
    """`elp.face.model` -> `face`."""
    return [*name.split("."), ""][1]


def imports(path: Path, *, top: bool = False) -> set[str]:
    """Full names that a file imports: everywhere, or (top) what runs when the module loads."""
    found: set[str] = set()

    def visit(node: ast.AST) -> None:
        if top and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            return
        if top and isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            return
        if isinstance(node, ast.Import):
            found.update(a.name for a in node.names)
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found.update(f"{node.module}.{a.name}" for a in node.names)
        for child in ast.iter_child_nodes(node):
            visit(child)

    visit(ast.parse(path.read_text(encoding="utf-8")))
    return found


def target(name: str) -> str | None:
    """The module that `from elp.a import b` runs: elp.a.b if that is a file, else elp.a."""
    if name.split(".")[0] != "elp":
        return None
    path = ELP.parent.joinpath(*name.split("."))
    if path.with_suffix(".py").exists() or (path / "__init__.py").exists():
        return name
    return name.rpartition(".")[0]


def graph() -> dict[str, set[str]]:
    """Which module imports which, lazily or not."""
    return {module(p): {t for n in imports(p) if (t := target(n))} - {module(p)} for p in FILES}


def circle(arrows: dict[str, set[str]]) -> list[str]:
    """The modules in circles: what is left when all that import nothing, or that nobody imports,
    are gone.
    """
    left = {a: set(b) for a, b in arrows.items()}
    while free := [
        a for a, b in left.items() if not b & left.keys() or all(a not in c for c in left.values())
    ]:
        for a in free:
            del left[a]
    return sorted(left)


def test_every_file_has_a_room() -> None:
    names = {p.relative_to(ELP).parts[0].removesuffix(".py") for p in FILES} - {"__init__"}
    assert names == set(ROOMS)


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ELP)))
def test_imports_point_one_way(path: Path) -> None:
    own = room(module(path))
    if not own:  # elp/__init__.py: the front door
        return
    allowed = ROOMS[: ROOMS.index(own) + 1]
    assert not [n for n in imports(path) if (t := target(n)) and room(t) not in allowed]


def test_no_circles() -> None:
    assert not circle(graph())


def test_a_circle_would_be_seen() -> None:
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": set()}) == ["b", "c"]


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ELP)))
def test_nothing_heavy_at_module_level(path: Path) -> None:
    assert not {n for n in imports(path, top=True) if n.split(".")[0] in HEAVY}


def test_the_training_side_loads_without_media_and_figures() -> None:
    names = [n for n in ROOMS if n not in NO_TRAINING]
    block = f"import sys; sys.modules.update(dict.fromkeys({sorted(HEAVY)!r}))\n"
    code = block + "\n".join(f"import elp.{n}" for n in names)
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr
