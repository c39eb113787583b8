"""A portrait in the page moves as Python's does, and its file is whole or not at all."""

from __future__ import annotations

import base64

import numpy as np
import pytest

from elp.errors import ElpError
from elp.face import FaceModel
from elp.render import Portrait, WarpRenderer
from elp.render.mesh2video.studio import Studio
from elp.render.mouth import RIM
from elp.render.page import packed, write_portrait
from tests.book.nodes import ask_node


@pytest.fixture(scope="module")
def renderer() -> WarpRenderer:
    return WarpRenderer(Portrait.load(Studio(8).portrait(384)), 128)


def motions(model: FaceModel) -> list[tuple[np.ndarray, np.ndarray]]:
    """At rest, in motion, shut, winking, and far beyond what a portrait can show."""
    rng = np.random.default_rng(0)
    found = [(np.zeros(len(model.expression)), np.zeros(6))]
    for scale in (0.3, 1.0, 4.0):
        beta = rng.normal(size=len(model.expression)) * model.deviation * scale
        pose = rng.normal(size=6) * ([0.1] * 3 + [1.0] * 3) * scale
        found.append((beta, pose))
    for shut in (("blink_l", "blink_r"), ("blink_l",)):
        beta = found[1][0].copy()
        for name in shut:
            beta[model.index(name)] = model.full[model.index(name)]
        found.append((beta, found[1][1]))
    return found


def test_vertices_are_pythons(renderer: WarpRenderer) -> None:
    given = motions(renderer.portrait.model)
    frames = [{"beta": beta.tolist(), "pose": pose.tolist()} for beta, pose in given]
    file = base64.b64encode(packed(renderer)).decode()
    found = ask_node("portrait.mjs", {"file": file, "frames": frames})
    for mine, asked in zip(found, given, strict=True):
        moved, depth, rigid, closure, gaze = renderer.vertices(*asked)
        np.testing.assert_allclose(np.reshape(mine["moved"], (-1, 2)), moved, atol=1e-4)
        np.testing.assert_allclose(mine["depth"], depth, atol=1e-4)
        np.testing.assert_allclose(np.reshape(mine["skull"], (-1, 2)), rigid[RIM], atol=1e-4)
        np.testing.assert_allclose(mine["closure"], closure, atol=1e-6)
        np.testing.assert_allclose(mine["gaze"], gaze, atol=1e-4)


def test_only_a_bin_is_written(renderer: WarpRenderer, tmp_path) -> None:
    with pytest.raises(ElpError, match=r"\.bin"):
        write_portrait(tmp_path / "portrait.png", renderer.portrait)
    with pytest.raises(ElpError, match="size 63"):
        write_portrait(tmp_path / "portrait.bin", tmp_path / "none.png", 63)
    with pytest.raises(ElpError, match="no such image"):
        write_portrait(tmp_path / "portrait.bin", tmp_path / "none.png")
    assert not list(tmp_path.iterdir())
    write_portrait(tmp_path / "portrait.bin", renderer.portrait, 64)
    assert (tmp_path / "portrait.bin").stat().st_size < 2_000_000
