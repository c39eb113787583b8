"""Modules import one way, floor over floor, and nothing heavy loads before it is used."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ELP = Path(__file__).parents[1] / "elp"
# deepest first; a module imports from the floors below its own only
FLOORS = (
    "errors files motion metrics face media style space losses model sampling extract corpus batches distributed recipes checkpoint train "
    "stream generate export baselines render respond evaluate floor control analysis tables figures widgets cli"
).split()
OWN = {"face/build.py": "extract"}  # a script that makes the face model's file: it stands on the tracker
# not on the training machine, or slow to load: inside the function that needs it
HEAVY = {
    "mediapipe",
    "librosa",
    "soundfile",
    "av",
    "plotly",
    "umap",
    "numba",
    "IPython",
    "anywidget",
    "ipywidgets",
    "skimage",
    "matplotlib",
    "PIL",
    "onnx",
    "onnxruntime",
}
FILES = sorted(ELP.rglob("*.py"))


def imports(path: Path, *, top: bool = False) -> set[str]:
    """Full names that a file imports: everywhere, or (top) only what runs when the module loads."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found: set[str] = set()

    def visit(node: ast.AST) -> None:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            return
        if top and isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            return
        if isinstance(node, ast.Import):
            found.update(a.name for a in node.names)
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found.update(f"{node.module}.{a.name}" for a in node.names)
        for child in ast.iter_child_nodes(node):
            visit(child)

    visit(tree)
    return found


def floor(name: str) -> str | None:
    """`elp.face.model.FaceModel` -> `face`."""
    parts = name.split(".")
    return parts[1] if parts[0] == "elp" and len(parts) > 1 and parts[1] in FLOORS else None


def test_every_module_has_a_floor() -> None:
    names = {p.relative_to(ELP).parts[0].removesuffix(".py") for p in FILES} - {"__init__"}
    assert names <= set(FLOORS)


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ELP)))
def test_imports_point_downward(path: Path) -> None:
    own = OWN.get(str(path.relative_to(ELP)), path.relative_to(ELP).parts[0].removesuffix(".py"))
    if own == "__init__":
        return
    above = {n for n in imports(path) if (f := floor(n)) and f != own and FLOORS.index(f) > FLOORS.index(own)}
    assert not above


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ELP)))
def test_nothing_heavy_at_module_level(path: Path) -> None:
    assert not {n for n in imports(path, top=True) if n.split(".")[0] in HEAVY}


def test_no_circles_inside_a_package() -> None:
    graph = {module(p): {target(n) for n in imports(p, top=True)} - {None, module(p)} for p in FILES}
    done: set[str] = set()

    def walk(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, " -> ".join((*path, name))
        if name not in done:
            for other in graph.get(name, ()):
                walk(other, (*path, name))
            done.add(name)

    for name in graph:
        walk(name, ())


def module(path: Path) -> str:
    parts = ("elp", *path.relative_to(ELP).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def target(name: str) -> str | None:
    """The module that `from elp.a import b` runs first: elp.a.b if that is a file, else elp.a."""
    if not name.startswith("elp."):
        return None
    path = ELP.parent.joinpath(*name.split("."))
    if path.with_suffix(".py").exists() or (path / "__init__.py").exists():
        return name
    return name.rpartition(".")[0]


def test_the_training_side_loads_without_media_and_figures() -> None:
    names = [n for n in FLOORS if n not in {"media", "extract", "respond", "figures", "widgets", "render"}]
    names = [n for n in names if (ELP / f"{n}.py").exists() or (ELP / n).exists()]
    code = f"import sys; sys.modules.update(dict.fromkeys({sorted(HEAVY)!r}))\n" + "\n".join(f"import elp.{n}" for n in names)
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr
