"""Two simulated people, drawn once: small and quick."""

from __future__ import annotations

import pytest
import torch

from elp.render.mesh2video.footage import Footage, Pair
from elp.render.mesh2video.studio import Studio


@pytest.fixture(scope="session")
def footage() -> Footage:
    return Studio(1).film(2, 2, 64)


@pytest.fixture(scope="session")
def pair(footage: Footage) -> Pair:
    person = torch.arange(2)
    return footage.pair(person, torch.zeros_like(person), torch.ones_like(person))
