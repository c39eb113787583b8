"""Simulated people: skull, hair, neck and shoulders around the linear face model (chapter "The
renderer").
"""

# B person, T state, P face point (468), V vertex of face and body, F triangle
from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from elp.face.camera import rotation
from elp.face.landmarks import OVAL, POINTS
from elp.face.model import SKIN, FaceModel
from elp.render.mesh2video.draws import RandomDraws

NECK = (0.0, 9.0, 7.0)  # from the head's centre to the joint it turns about (cm)
# rings behind the face: radius in that of its outline, share of the way to the back of the head
SKULL = ((1.05, 0.12), (1.1, 0.3), (1.09, 0.5), (0.97, 0.72), (0.7, 0.9), (0.3, 1.0))
BACK = 13.0  # cm behind the face's centre
KINDS = ("face", "eye", "mouth", "skull", "hair", "neck", "cloth", "wall")
KIND = {name: k for k, name in enumerate(KINDS)}
EYES = 28  # triangles that close the eyes; those that close the mouth follow
DISC, BAND, COLLAR, CHEST = (4, 36), (4, 25), (7, 17), (10, 25)  # rows and columns of vertices
FOLLOW = 0.6  # share of a head's travel that its shoulders make, too


@dataclass(frozen=True, kw_only=True)
class Bodies:
    """What surrounds B faces.

    Attributes:
        points: (B, V - 468, 3) in cm, at rest.
        hold: (B, V - 468, 1) in [0, 1], how far each follows the head.
        uv: (B, V, 2) in [-1, 1], places on the textures of skin, hair or cloth.
    """

    points: Tensor
    hold: Tensor
    uv: Tensor


def topology(model: FaceModel) -> tuple[Tensor, Tensor]:
    """Triangles (F, 3) of face and body, and the index in `KINDS` of each (F,)."""
    kind = torch.zeros(len(model.triangles), dtype=torch.long)
    kind[SKIN : SKIN + EYES], kind[SKIN + EYES :] = KIND["eye"], KIND["mouth"]
    triangles, kinds, at = [torch.tensor(np.array(model.triangles)).long()], [kind], POINTS
    for name, (rows, columns), closed in (
        ("skull", (len(SKULL), len(OVAL)), True),
        ("hair", DISC, True),
        ("hair", BAND, False),
        ("neck", COLLAR, False),
        ("cloth", CHEST, False),
    ):
        grid = (at + np.arange(rows * columns).reshape(rows, columns)).tolist()
        at += rows * columns
        if name == "skull":
            grid.insert(0, list(OVAL))
        new = torch.tensor([t for a, b in pairwise(grid) for t in _band(a, b, closed)])
        triangles.append(new)
        kinds.append(torch.full((len(new),), KIND[name]))
    return torch.cat(triangles), torch.cat(kinds)


def _band(a: list[int], b: list[int], closed: bool) -> list[tuple[int, int, int]]:
    """Triangles between two rows of vertices."""
    ends = [(i, (i + 1) % len(a)) for i in range(len(a) - (not closed))]
    return [t for i, j in ends for t in ((a[i], a[j], b[i]), (a[j], b[j], b[i]))]


def bodies(neutral: Tensor, mean: Tensor, draws: RandomDraws) -> Bodies:
    """Random bodies for neutral faces (B, 468, 3); `mean` (468, 3) is the mean face."""
    b, bald = len(neutral), draws.chance(0.12, len(neutral), 1)
    parts = [
        *_skull(neutral, mean),
        *_hair_behind(b, bald, draws),
        *_hair_before(neutral, bald, draws),
        *_neck(b, draws),
        *_chest(b, draws),
    ]
    points, hold, uv = zip(*parts, strict=True)
    face = (mean[None, :, :2] / 10).expand(b, -1, -1)
    grown = [x.expand(b, *x.shape[1:]) for x in hold], [x.expand(b, *x.shape[1:]) for x in uv]
    return Bodies(
        points=torch.cat(points, 1),
        hold=torch.cat(grown[0], 1)[..., None],
        uv=torch.cat([face, *grown[1]], 1),
    )


Rows = list[tuple[Tensor, Tensor, Tensor]]  # points (B, n, 3), hold (B or 1, n), uv (B or 1, n, 2)


def _skull(neutral: Tensor, mean: Tensor) -> Rows:
    outline, device = list(OVAL), neutral.device
    oval = neutral[:, outline]
    centre = oval.mean(1, keepdim=True)
    up = (torch.arange(len(outline), device=device) * (2 * math.pi / len(outline))).cos()
    out: Rows = []
    for k, (radius, share) in enumerate(SKULL):
        p = centre + radius * (oval - centre)
        ear = torch.zeros(len(outline), device=device)
        if k == 0:
            ear[[8, 9]], ear[[27, 28]] = 1.3, -1.3
        z = oval[..., 2] * (1 - share) + BACK * share
        at = torch.stack([p[..., 0] + ear, p[..., 1] - 1.5 * share * (up < 0), z], -1)
        uv = (mean[outline, :2] / 10 * (1 + 0.03 * (k + 1))).clamp(-1, 1)
        out.append((at, torch.ones(1, len(outline), device=device), uv[None]))
    return out


def _hair_behind(b: int, bald: Tensor, draws: RandomDraws) -> Rows:
    """A blobby disc behind the head, which falls to the shoulders of some."""
    angle = torch.arange(DISC[1], device=draws.device) * (2 * math.pi / DISC[1])
    up = angle.cos()
    long = draws.uniform(b, 1) * 14 * draws.chance(0.6, b, 1)
    wave = torch.zeros(b, DISC[1], device=draws.device)
    for k in (1, 2, 3, 5):
        phase = draws.uniform(b, 1, high=2 * math.pi)
        wave = wave + draws.normal(b, 1) * 0.5 / k * torch.cos(k * angle + phase)
    reach = draws.uniform(b, 1, low=9.5, high=12.2) + wave + torch.relu(-up) * (long - 2.2)
    reach = reach + draws.uniform(b, 1, low=-1, high=1.5) * angle.sin() ** 2
    reach = reach * (1 - bald) + 5 * bald
    out: Rows = []
    for share, z in ((0.02, 6.0), (0.5, 6.0), (0.85, 6.5), (1.0, 7.5)):
        y = -reach * up * share - 0.8
        at = torch.stack([reach * angle.sin() * share * 0.82, y, torch.full_like(y, z)], -1)
        uv = torch.stack([share * angle.sin(), -share * up], -1) * 0.9
        out.append((at, 1 - ((y - 5) / 9).clamp(0, 1) * 0.8, uv[None]))
    return out


def _hair_before(neutral: Tensor, bald: Tensor, draws: RandomDraws) -> Rows:
    """A band over forehead and temples with a random hairline; for some, curtains over cheeks."""
    b, device = len(neutral), neutral.device
    half = BAND[1] // 2
    band = torch.arange(-half, half + 1, device=device)
    oval = neutral[:, list(OVAL)]
    centre, top = oval.mean(1, keepdim=True), oval[:, (band % len(OVAL)).tolist()]
    t = band.abs() / half
    part = draws.uniform(b, 1, low=-8, high=8)
    line = draws.uniform(b, 1, low=0.01, high=0.2) * (1 - t**2)
    line = line + 0.05 * draws.noise(b, 1, BAND[1], (4, 8))[:, 0, 0] * (1 - t)
    line = (line + 0.03 * torch.tanh(top[..., 0] - part)).clamp(0.0, 0.3)
    for side in (band < 0, band >= 0):
        line = line + draws.uniform(b, 1, high=0.4) * draws.chance(0.3, b, 1) * side * t
    line = line * (1 - bald)
    side = ((t - 0.75) / 0.25).clamp(0, 1)  # the band thins out towards the ears
    thick = draws.uniform(b, 1, low=0.4, high=1.8)
    w = band * (2 * math.pi / len(OVAL))
    away = torch.tensor([0.0, -2.0, 9.0], device=device)  # inside the skull: nobody sees it
    out: Rows = []
    for k, (radius, depth) in enumerate(((None, -0.75), (1.02, -0.6), (1.12, 1.5), (1.2, 5.0))):
        scale = 1 - line + 0.1 * side if radius is None else radius + 0.02 * k * thick
        p = centre + scale[..., None] * (top - centre)
        z = top[..., 2] + depth * thick.clamp(0, 1) + 1.5 * side
        if radius is None:
            z = z - (4.0 + 14 * t) * line
        at = torch.stack([p[..., 0], p[..., 1] - 0.25 * k * thick, z], -1)
        uv = (0.5 + 0.1 * k) * torch.stack([w.sin(), -w.cos()], -1)
        ones = torch.ones(1, BAND[1], device=device)
        out.append((torch.where(bald[..., None] > 0, away, at), ones, uv[None]))
    return out


def _neck(b: int, draws: RandomDraws) -> Rows:
    rows, columns = COLLAR
    angle = torch.linspace(-1.6, 1.6, columns, device=draws.device)
    wide = draws.uniform(b, 1, low=4.6, high=6.0)
    out: Rows = []
    for k in range(rows):
        r = wide * (1 + 0.3 * (k / 6) ** 3)
        y = torch.full((b, columns), 3.0 + 1.9 * k, device=draws.device)
        z = 6.5 - r * angle.cos() * (0.85 if k else 0.7)
        at = torch.stack([r * angle.sin(), y, z], -1)
        place = 0.45 + 0.1 * angle / 1.6
        uv = torch.stack([place, torch.full_like(place, 0.18 - 0.03 * k)], -1)
        out.append((at, torch.full_like(angle, 1 - (k / 6) ** 1.5)[None], uv[None]))
    return out


def _chest(b: int, draws: RandomDraws) -> Rows:
    rows, columns = CHEST
    u = torch.linspace(-1, 1, columns, device=draws.device)
    broad, drop = draws.uniform(b, 1, low=17, high=24), draws.uniform(b, 1, low=3, high=7)
    shoulder = draws.uniform(b, 1, low=10.0, high=12.5) + drop * u.abs() ** 1.5
    shoulder = shoulder + 80 * torch.relu(u.abs() - 0.85) + draws.uniform(b, 1, low=-1, high=1)
    out: Rows = []
    for k in range(rows):
        z = 7.5 - 4.0 * (1 - u * u) * min(1.0, 0.35 + 0.2 * k)
        at = torch.stack([broad * u, shoulder + 3.2 * k, z.expand(b, -1)], -1)
        uv = torch.stack([u, torch.full_like(u, -1 + 0.2 * k)], -1)
        out.append((at, torch.zeros_like(u)[None], uv[None]))
    return out


def states(b: int, t: int, model: FaceModel, draws: RandomDraws) -> tuple[Tensor, Tensor, Tensor]:
    """What B faces do in T states.

    Sparse random movements, mostly the same on both sides. Heads turn by up to 35 degrees; half of
    the people hardly travel, the others cross a good part of the picture.

    Returns:
        beta (B, T, D); pose (B, T, 6), relative to where the person sits; travel (B, T, 3) in cm,
        the part of the shift that no turn of the neck explains.
    """
    device = draws.device
    full = torch.tensor(model.full, device=device)
    deviation = torch.tensor(model.deviation, device=device)
    named = len(full)
    act = (draws.uniform(b, t, named) ** 1.3) * draws.chance(0.25, b, t, named)
    act = act + 0.06 * draws.normal(b, t, named)
    for k, name in enumerate(model.names):
        if name.endswith("_l"):
            other = model.index(name[:-2] + "_r")
            same = act[..., k] * (1 + 0.1 * draws.normal(b, t))
            act[..., other] = torch.where(draws.uniform(b, t) < 0.93, same, act[..., other])
    lids = [model.index("blink_l"), model.index("blink_r")]
    shut = draws.uniform(b, t, 1, low=0.5, high=1.15).clamp(max=1.0)
    act[..., lids] = torch.where(draws.uniform(b, t, 1) < 0.3, shut, 0.3 * act[..., lids])
    beta = 0.35 * deviation * draws.normal(b, t, len(deviation))
    strength = draws.uniform(b, t, 1, low=0.5, high=1.3)  # real smiles pass a "full" one
    strong = act.clamp(-0.15, 1.0) * strength
    strong[..., lids] = act[..., lids].clamp(-0.15, 1.0)
    beta[..., :named] = strong * full
    turn = draws.normal(b, t, 3, scale=(0.16, 0.24, 0.11)).clamp(-0.6, 0.6)
    far = draws.chance(0.5, b, 1, 1)
    near, wide = (0.5, 0.4, 1.0), (3.2, 1.8, 5.0)
    travel = draws.normal(b, t, 3, scale=near) + far * draws.normal(b, t, 3, scale=wide)
    neck = torch.tensor(NECK, device=device)
    shift = travel + neck - torch.einsum("btij,j->bti", rotation(turn)[0], neck)
    return beta, torch.cat([turn, shift], -1), travel
