"""Trainings of renderers by name (chapter "The renderer")."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from elp.render.mesh2video.network import NetworkConfig


@dataclass(frozen=True, kw_only=True)
class RendererRecipe:
    """Everything that decides a training, a folder of videos aside.

    Attributes:
        name: what the run is called.
        network: its design and sizes.
        steps, batch: iterations, and pairs an iteration (over all processes).
        lr: of Adam, constant for the first half, then falling to nothing.
        people, states: that are simulated. side: of their pictures in pixels.
        features: steps of the landmark network whose features the loss compares.
        adversarial: the last share of the steps in which a critic joins.
        seed: of everything.
    """

    name: str
    network: NetworkConfig = field(default_factory=NetworkConfig)
    steps: int = 40_000
    batch: int = 32
    lr: float = 4e-4
    people: int = 4000
    states: int = 6
    side: int = 256
    features: int = 1500
    adversarial: float = 0.3
    seed: int = 0

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def flow() -> RendererRecipe:
    """The mesh's own displacements: what follows a motion best."""
    return RendererRecipe(name="flow")


def fomm() -> RendererRecipe:
    """The paper's design: keypoints found in mesh pictures."""
    return RendererRecipe(name="fomm", network=NetworkConfig(motion="fomm"))


def slim() -> RendererRecipe:
    """A mesh flow of less than half a million parameters."""
    return RendererRecipe(name="slim-flow", network=NetworkConfig(width=24, blocks=4, mixer=14))


def tiny() -> RendererRecipe:
    """A minute on a CPU, for tests: draws nothing worth seeing."""
    small = NetworkConfig(width=8, blocks=1, mixer=8)
    return RendererRecipe(
        name="tiny-flow", network=small, steps=20, batch=4, people=4, states=2, side=64, features=4
    )


RECIPES = {"flow": flow, "fomm": fomm, "slim-flow": slim, "tiny-flow": tiny}


def from_dict(values: dict[str, Any]) -> RendererRecipe:
    """The inverse of `RendererRecipe.to_dict`."""
    return RendererRecipe(**values | {"network": NetworkConfig(**values["network"])})
