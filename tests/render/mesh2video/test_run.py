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
from elp.model import checkpoint as tensors_file
from elp.render.mesh2video import checkpoint, run
from elp.render.mesh2video.footage import Footage
from elp.render.mesh2video.landmarks import MARKS, Critic, LandmarkNet
from elp.render.mesh2video.recipes import RECIPES, RendererRecipe, from_dict, tiny
from elp.render.mesh2video.studio import Studio
from elp.render.mesh2video.trainer import LandmarkTrainer, RendererTrainer
from elp.training.distributed import Group

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
    people = Studio(0).film(1, 2, 32)
    with pytest.raises(ElpError, match="3 cannot be shared by 2"):
        RendererTrainer(replace(SHORT, batch=3), people, LandmarkNet(8), Group(0, 2))


def test_the_rate_holds_then_falls_to_a_fiftieth(footage: Footage) -> None:
    trainer = LandmarkTrainer(
        "short", LandmarkNet(1), footage, Group(), steps=100, batch=2, lr=1e-3, seed=0
    )
    rates = [trainer.rate(done) for done in (0, 25, 50, 75, 99, 100)]
    assert rates == pytest.approx([1e-3, 1e-3, 1e-3, 5e-4, 2e-5, 2e-5])


def test_a_state_of_fewer_processes_is_refused(tmp_path: Path, footage: Footage) -> None:
    state = tmp_path / "state.safetensors"
    alone = {"generator.0": torch.Generator().get_state()}
    tensors_file.write(state, alone, {"recipe": SHORT.to_dict(), "done": 0})
    with pytest.raises(ElpError, match="made by fewer processes"):
        run._trainer(SHORT, footage, state, Group(1, 2))


@torch.no_grad()
def test_landmarks_are_looked_for_in_the_whole_picture() -> None:
    net, photo = LandmarkNet(2).eval(), torch.rand(2, 3, 48, 48)
    found = net(photo)
    assert found.shape == (2, len(MARKS), 2) and found.min() > 0 and found.max() < 48
    for x in net.heat.parameters():
        x.zero_()
    torch.testing.assert_close(net(photo), torch.full_like(found, 24))  # no idea: the middle


@torch.no_grad()
def test_a_critic_s_layers_double_as_their_sides_halve() -> None:
    *layers, score = Critic(4)(torch.rand(1, 3, 48, 48))
    assert [x.shape[1:] for x in layers] == [(4, 24, 24), (8, 12, 12), (16, 6, 6)]
    assert score.shape == (1, 1, 5, 5)


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
