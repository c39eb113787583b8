"""The network that ships draws people whom it has not seen."""

from __future__ import annotations

import pytest
import torch

from elp.render.mesh2video import checkpoint
from elp.render.mesh2video.recipes import slim
from elp.render.mesh2video.studio import Studio


def test_the_shipped_network_is_the_slim_recipe_s() -> None:
    path = checkpoint.PACKAGED["flow"]
    net, card = checkpoint.load(path)
    assert net.config == slim().network and card["recipe"]["name"] == "slim-flow"
    assert path.stat().st_size < 1.1e6


@pytest.mark.slow
@torch.no_grad()
def test_it_follows_people_whom_it_has_not_seen() -> None:
    net, _ = checkpoint.load(checkpoint.PACKAGED["flow"])
    person = torch.arange(2)
    pair = Studio(77).film(2, 2).pair(person, 0 * person, 0 * person + 1)
    drawn = net(pair.source, pair.driving).image
    still, moved = ((x - pair.truth).abs() for x in (pair.source.photo, drawn))
    assert moved.mean() < 0.6 * still.mean()
    face = (pair.driving.seen < len(net.motion.triangles))[:, None].expand_as(still)
    assert moved[face].mean() < 0.4 * still[face].mean()
