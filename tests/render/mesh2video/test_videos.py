"""A folder of videos as what a renderer learns from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from skimage import data

from elp.media.write import write_video
from elp.render.mesh2video import checkpoint, run
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
