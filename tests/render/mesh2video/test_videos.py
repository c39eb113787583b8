"""A folder of videos as what a renderer learns from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from skimage import data

from elp.face.model import FaceModel
from elp.media.write import write_video
from elp.render.mesh2video import checkpoint, run, videos
from elp.render.mesh2video.recipes import tiny


@pytest.mark.slow
def test_a_renderer_learns_from_a_folder_of_videos(tmp_path: Path) -> None:
    folder = tmp_path / "videos"
    folder.mkdir()
    face = data.astronaut()
    moving = [face[:400, k : k + 400] for k in range(0, 80, 4)]  # the head crosses the picture
    write_video(folder / "her.mp4", moving)
    write_video(folder / "nobody.mp4", [np.full((64, 64, 3), 90, np.uint8)] * 10)
    recipe = replace(tiny(), steps=2, batch=2, features=1, side=64, adversarial=0.5)
    with pytest.warns(UserWarning, match=r"left out: .*nobody\.mp4"):
        card = run.train(recipe, tmp_path / "run", videos=folder, device="cpu")
    assert card["people"] == 1 and card["corpus"] == "videos"
    assert checkpoint.load(tmp_path / "run/model.safetensors")[0].config == recipe.network


def test_the_mesh_lies_on_the_face_of_a_video(tmp_path: Path) -> None:
    face = data.astronaut()
    pictures = [face[:400, k : k + 400] for k in range(0, 48, 8)]  # 40 pixels to the left
    write_video(tmp_path / "her.mp4", pictures)
    clip = videos.clip(tmp_path / "her.mp4", 2, 64)
    off = clip["at"][..., :2] - clip["truth"]
    assert off.norm(dim=-1).mean() < 1  # pixels of 64
    moved = clip["truth"][1] - clip["truth"][0]
    assert moved[:, 0].mean() < -4 and abs(moved[:, 1].mean()) < 1
    on_face = clip["seen"] < len(FaceModel.default().triangles)
    assert 0.05 < on_face.float().mean() < 0.4
    assert clip["matte"][:, 0][on_face].float().mean() > 240
    assert clip["photo"].shape == (2, 3, 64, 64) and clip["photo"].float().std() > 30
