"""People in several states each, as training takes them (chapter "The renderer")."""

# N person, T state, B pair, S side of a picture in pixels
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from elp.render.mesh2video.draws import RandomDraws


@dataclass(frozen=True, kw_only=True)
class View:
    """What is known of B people in one state.

    Attributes:
        mesh: (B, 1, S, S) in [0, 1], the shaded face model (`raster.mesh_picture`).
        seen: (B, S, S) int16, which triangle is seen where, their number where none is.
        at: (B, 468, 3) float32, the mesh's points in pixels and their distance in cm.
        pose: (B, 6), rotation vector and place in camera coordinates, cm.
        focal: (B,) pixels.
    """

    mesh: Tensor
    seen: Tensor
    at: Tensor
    pose: Tensor
    focal: Tensor


@dataclass(frozen=True, kw_only=True)
class Source:
    """The portrait: a photo, who is who in it, and its view.

    Attributes:
        photo: (B, 3, S, S) in [0, 1]. matte: (B, 1, S, S) in [0, 1], 1 on the person.
    """

    photo: Tensor
    matte: Tensor
    view: View


@dataclass(frozen=True, kw_only=True)
class Pair:
    """A portrait, what drives it, and what should come out.

    Attributes:
        truth: (B, 3, S, S) in [0, 1]. cover: (B, 1, S, S), who is who in it.
        points: (B, 468, 2), where the person's own points are in it, in pixels.
    """

    source: Source
    driving: View
    truth: Tensor
    cover: Tensor
    points: Tensor


class Footage:
    """N people in T states each, in memory.

    Args:
        tensors: photo (N, T, 3, S, S), matte and mesh (N, T, 1, S, S) uint8; seen (N, T, S, S)
            int16; at (N, T, 468, 3), pose (N, T, 6), focal (N, T), truth (N, T, 468, 2) float32.
        draws: from which pairs are drawn.
    """

    def __init__(self, tensors: dict[str, Tensor], draws: RandomDraws) -> None:
        self.tensors, self.draws = tensors, draws
        self.people, self.states = tensors["photo"].shape[:2]
        self.side = tensors["photo"].shape[-1]

    def draw(self, b: int) -> Pair:
        """B random pairs, each in colours of its own, with mattes as wrong as real ones."""
        draws, s = self.draws, self.draws.index(self.states, b)
        d = (s + 1 + draws.index(self.states - 1, b)) % self.states
        pair = self.pair(draws.index(self.people, b), s, d)
        gain = draws.uniform(b, 1, 1, low=0.7, high=1.25)
        mix = torch.eye(3, device=draws.device) * gain + 0.07 * draws.normal(b, 3, 3)
        shift = 0.05 * draws.normal(b, 3, 1, 1)
        photo, truth = (
            ((mix[:, :, :, None, None] * x[:, None]).sum(2) + shift).clamp(0, 1)
            for x in (pair.source.photo, pair.truth)
        )
        source = Source(photo=photo, matte=self._rough(pair.source.matte), view=pair.source.view)
        return Pair(
            source=source,
            driving=pair.driving,
            truth=truth,
            cover=pair.cover,
            points=pair.points,
        )

    def _rough(self, matte: Tensor) -> Tensor:
        """Softer or harder at the edge than it is, and a little too wide or too narrow."""
        b, draws = len(matte), self.draws
        soft = F.avg_pool2d(matte, 9, 1, 4, count_include_pad=False)
        gain = draws.uniform(b, 1, 1, 1, low=1.0, high=4.0)
        wrong = draws.uniform(b, 1, 1, 1, low=-0.2, high=0.2)
        return torch.where(
            draws.uniform(b, 1, 1, 1) < 0.3, matte, ((soft - 0.5 + wrong) * gain + 0.5).clamp(0, 1)
        )

    def pair(self, person: Tensor, s: Tensor, d: Tensor) -> Pair:
        """Persons (B,) in states `s` (B,), driven to states `d` (B,)."""

        def picture(name: str, state: Tensor) -> Tensor:
            values = self.tensors[name][person, state].float() / 255
            return values.contiguous(memory_format=torch.channels_last)

        def view(state: Tensor) -> View:
            rest = {k: self.tensors[k][person, state] for k in ("seen", "at", "pose", "focal")}
            return View(mesh=picture("mesh", state), **rest)

        return Pair(
            source=Source(photo=picture("photo", s), matte=picture("matte", s), view=view(s)),
            driving=view(d),
            truth=picture("photo", d),
            cover=picture("matte", d),
            points=self.tensors["truth"][person, d],
        )

    def each(self, b: int) -> Iterator[Pair]:
        """Every person once: the first state is the portrait, the others are driven from it."""
        device = self.draws.device
        person = torch.arange(self.people, device=device).repeat_interleave(self.states - 1)
        d = torch.arange(1, self.states, device=device).repeat(self.people)
        for i, j in zip(person.split(b), d.split(b), strict=True):
            yield self.pair(i, torch.zeros_like(j), j)
