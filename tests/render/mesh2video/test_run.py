"""Training a renderer: seeds, resume, two processes."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from elp.errors import ElpError
from elp.files.stops import Stopped
from elp.render.mesh2video import checkpoint, run
from elp.render.mesh2video.recipes import RECIPES, RendererRecipe, from_dict, tiny

SHORT = replace(tiny(), steps=2, batch=2, people=1, features=1, side=32, adversarial=0.5)


@pytest.mark.parametrize("name", RECIPES)
def test_recipes_survive_being_stored(name: str) -> None:
    recipe = RECIPES[name]()
    assert recipe.name == name and from_dict(recipe.to_dict()) == recipe


@pytest.mark.slow
def test_a_run_that_was_stopped_goes_on_bit_for_bit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = SHORT
    card = run.train(recipe, tmp_path / "whole", device="cpu")
    assert card["pictures"] == 2 and card["corpus"] == "simulated"

    class Asked(list):
        """True from the second step on, as after Ctrl-C."""

        def __bool__(self) -> bool:
            self.append(2)
            return len(self) > 2

    with monkeypatch.context() as patch:
        patch.setattr(run, "noticed", lambda: _given(Asked()))
        with pytest.raises(Stopped):
            run.train(recipe, tmp_path / "halved", device="cpu")
    assert not (tmp_path / "halved/model.safetensors").exists()
    run.train(recipe, tmp_path / "halved", device="cpu", resume=True)
    nets = [checkpoint.load(tmp_path / f"{k}/model.safetensors")[0] for k in ("whole", "halved")]
    for a, b in zip(*(net.state_dict().values() for net in nets), strict=True):
        assert torch.equal(a, b)
    with pytest.raises(ElpError, match="holds a run already"):
        run.train(recipe, tmp_path / "whole", device="cpu")
    with pytest.raises(ElpError, match="another recipe"):
        run.train(replace(recipe, seed=9), tmp_path / "whole", device="cpu", resume=True)


def _given(value: list) -> object:
    from contextlib import nullcontext

    return nullcontext(value)


def test_an_uneven_batch_is_refused() -> None:
    from elp.render.mesh2video.landmarks import LandmarkNet
    from elp.render.mesh2video.studio import Studio
    from elp.render.mesh2video.trainer import RendererTrainer
    from elp.training.distributed import Group

    people = Studio(0).film(1, 2, 32)
    with pytest.raises(ElpError, match="3 cannot be shared by 2"):
        RendererTrainer(replace(SHORT, batch=3), people, LandmarkNet(8), Group(0, 2))


def test_a_folder_without_videos_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ElpError, match="no usable video"):
        run.train(SHORT, tmp_path / "run", videos=tmp_path, device="cpu")


SCRIPT = """
import sys
from dataclasses import replace
from elp.render.mesh2video import run
from elp.render.mesh2video.recipes import tiny
recipe = replace(tiny(), steps=2, batch=2, people=2, features=1, side=32, adversarial=0.5)
run.train(recipe, sys.argv[1], device="cpu")
"""


@pytest.mark.slow
def test_two_processes_share_a_run(tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text(SCRIPT)
    environment = os.environ | {"PYTHONPATH": os.getcwd(), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    done = subprocess.run(
        [*command, str(script), str(tmp_path / "run")],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    _, card = checkpoint.load(tmp_path / "run/model.safetensors")
    assert card["processes"] == 2 and isinstance(from_dict(card["recipe"]), RendererRecipe)
