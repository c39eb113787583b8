"""Random skin, hair, cloth, walls and light of simulated people (chapter "The renderer")."""

# B person, S side of a picture or texture in pixels
from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor

from elp.face.model import FaceModel
from elp.render.mesh2video.draws import RandomDraws

TEXTURE = 512  # pixels of a texture's side
WIDE = 10.0  # cm: a texture shows the unrolled face this far to each side
TONES = ((0.95, 0.78, 0.68), (0.85, 0.64, 0.5), (0.62, 0.43, 0.32), (0.36, 0.24, 0.18))
SHADES = (
    (0.08, 0.06, 0.05),
    (0.3, 0.18, 0.1),
    (0.75, 0.6, 0.38),
    (0.6, 0.6, 0.6),
    (0.45, 0.2, 0.1),
)
COMMON = (4.0, 3.0, 2.0, 1.0, 1.0)  # how often each shade of hair is met
# pairs of points along the right brow
BROW = ((70, 46), (63, 53), (105, 52), (66, 65), (107, 55))


@dataclass(frozen=True, kw_only=True)
class Light:
    """Three lamps and what comes from everywhere, for B people.

    Attributes:
        way: (B, 3 lamps, 3) unit vectors towards the lamps. power: (B, 3 lamps, 3 RGB).
        ambient: (B, 3 RGB). gloss: (B, 1).
    """

    way: Tensor
    power: Tensor
    ambient: Tensor
    gloss: Tensor

    @classmethod
    def draw(cls, b: int, draws: RandomDraws) -> Light:
        front = torch.tensor([0.0, -0.4, -0.9], device=draws.device)
        way = F.normalize(draws.normal(b, 3, 3, scale=(0.8, 0.6, 0.5)) + front, dim=-1)
        power = draws.uniform(b, 3, 1, low=0.1, high=0.55) * (1 + 0.1 * draws.normal(b, 3, 3))
        ambient = draws.uniform(b, 1, low=0.2, high=0.5) * (1 + 0.06 * draws.normal(b, 3))
        total = (ambient + 0.55 * power.sum(1)).mean(-1, keepdim=True)
        exposure = draws.uniform(b, 1, low=0.5, high=0.95) / total
        gloss = draws.uniform(b, 1, high=0.25)
        return cls(
            way=way, power=power * exposure[..., None], ambient=ambient * exposure, gloss=gloss
        )

    @classmethod
    def even(cls, device: torch.device) -> Light:
        """A photographer's lamps for one person: from the left, weaker from right and above."""
        way = [[-0.5, -0.5, -0.8], [0.7, -0.2, -0.7], [0.0, -1.0, -0.3]]
        power = torch.tensor([0.4, 0.22, 0.14], device=device)
        return cls(
            way=F.normalize(torch.tensor([way], device=device), dim=-1),
            power=power[None, :, None].expand(1, 3, 3),
            ambient=torch.full((1, 3), 0.35, device=device),
            gloss=torch.full((1, 1), 0.06, device=device),
        )

    def __getitem__(self, people: Tensor) -> Light:
        return Light(
            way=self.way[people],
            power=self.power[people],
            ambient=self.ambient[people],
            gloss=self.gloss[people],
        )

    def shade(self, normal: Tensor) -> tuple[Tensor, Tensor]:
        """What reaches skin with normals (B, M, 3): colours (B, M, 3), and the first lamp's cosine
        (B, M, 1).
        """
        facing = torch.einsum("npc,nlc->npl", normal, self.way)
        soft = (0.35 + facing).clamp(min=0) / 1.35
        return self.ambient[:, None] + soft @ self.power, facing[..., :1]


class Wardrobe:
    """Draws textures; knows where brows, cheeks and jaw lie on the unrolled face."""

    def __init__(self, model: FaceModel, draws: RandomDraws) -> None:
        self.draws = draws
        axis = ((torch.arange(TEXTURE, device=draws.device) + 0.5) / TEXTURE * 2 - 1) * WIDE
        self.x, self.y = axis.expand(TEXTURE, TEXTURE), axis[:, None].expand(TEXTURE, TEXTURE)
        mean = torch.tensor(model.mean, device=draws.device)
        line = torch.stack([mean[list(pair), :2].mean(0) for pair in BROW])
        self.brow = torch.minimum(self._distance(line, 1.0), self._distance(line, -1.0))

    def _distance(self, line: Tensor, sign: float) -> Tensor:
        """(S, S) cm from a line of points (n, 2), mirrored where `sign` is -1."""
        near = torch.full_like(self.x, 99.0)
        for a, b in pairwise(line):
            d, q = b - a, torch.stack([self.x * sign, self.y], -1) - a
            t = ((q * d).sum(-1) / (d * d).sum()).clamp(0, 1)
            near = torch.minimum(near, (q - t[..., None] * d).norm(dim=-1))
        return near

    def _bump(self, x: float, y: float, wide: float, tall: float) -> Tensor:
        """(S, S) a soft spot on both sides of the face."""
        return torch.exp(-((((self.x.abs() - x) / wide) ** 2) + ((self.y - y) / tall) ** 2))

    def textures(self, b: int) -> Tensor:
        """(B, 9, S, S): skin, hair and cloth, RGB each."""
        detail = self.draws.noise(b, 1, TEXTURE, (8, 16, 32, 64, 128, 256), 0.9)
        hair, fur = self._hair(b)
        skin = self._marks(self._tone(b, detail), b)
        draws = self.draws
        thick = draws.uniform(b, 1, 1, 1, low=0.22, high=0.6)
        brow = torch.sigmoid((thick - self.brow + 0.12 * detail) / 0.09)
        brow = brow * draws.uniform(b, 1, 1, 1, low=0.4, high=0.95)
        skin = skin + brow * (0.6 * hair * (1 + 0.2 * detail) - skin)
        cheek = 0.25 * (6.5 - self.x.abs()).clamp(min=0) * (self.x.abs() > 3)
        jaw = torch.sigmoid((self.y - 2.2 - cheek + 0.4 * detail) / 0.4)
        beard = jaw * draws.chance(0.2, b, 1, 1, 1) * torch.sigmoid(detail + 1)
        skin = skin + beard * draws.uniform(b, 1, 1, 1, low=0.2, high=0.9) * (fur * 0.7 - skin)
        return torch.cat([skin, fur, self._cloth(b, skin)], 1).clamp(0.01, 1.2)

    def _tone(self, b: int, detail: Tensor) -> Tensor:
        draws, tone = self.draws, torch.tensor(TONES, device=self.draws.device)
        k = draws.uniform(b, 1) * (len(TONES) - 1.001)
        low = k.floor().long()[:, 0]
        share = k - low[:, None]
        base = (tone[low] * (1 - share) + tone[low + 1] * share) * (1 + 0.05 * draws.normal(b, 3))
        grain = draws.uniform(b, 1, 1, 1, high=0.05) * detail
        patches = 0.05 * draws.noise(b, 3, TEXTURE, (3, 6, 12), 0.7)
        return base[..., None, None] * (1 + patches + grain)

    def _marks(self, skin: Tensor, b: int) -> Tensor:
        """Red cheeks and nose, freckles, lines on the forehead, nostrils, bags under the eyes."""
        draws = self.draws
        red = self._bump(4, 1, 2.45, 2.45) + self._bump(0, 0.7, 1.22, 1.22)
        tint = torch.tensor([0.1, 0.8, 0.7], device=draws.device).view(1, 3, 1, 1)
        skin = skin * (1 - draws.uniform(b, 1, 1, 1, high=0.22) * red * tint)
        freckle = (draws.noise(b, 1, TEXTURE, (96, 160), 1.0) - 1.6).clamp(0, 1)
        skin = skin * (1 - 0.5 * freckle * draws.chance(0.3, b, 1, 1, 1))
        wave = torch.sin(self.y * 4.2 + 0.8 * draws.noise(b, 1, TEXTURE, (4, 8)))
        skin = skin * (1 + draws.uniform(b, 1, 1, 1, high=0.12) * wave * (self.y < -5.2))
        skin = skin * (1 - 0.75 * self._bump(0.75, 1.0, 0.36, 0.22))
        bags = draws.uniform(b, 1, 1, 1, low=-0.05, high=0.2)
        return skin * (1 - bags * self._bump(3.1, -2.1, 1.6, 0.5))

    def _hair(self, b: int) -> tuple[Tensor, Tensor]:
        """A colour (B, 3, 1, 1), and strands of it that run out from the middle (B, 3, S, S)."""
        draws, shade = self.draws, torch.tensor(SHADES, device=self.draws.device)
        often = torch.tensor(COMMON, device=draws.device)
        pick = torch.multinomial(often, b, True, generator=draws.generator)
        hair = (shade[pick] * draws.uniform(b, 1, low=0.7, high=1.3))[..., None, None]
        streak = F.interpolate(draws.normal(b, 1, 12, 128), size=TEXTURE, mode="bicubic")
        streak = streak + 0.5 * draws.noise(b, 1, TEXTURE, (16, 64, 256))
        radius = (self.x**2 + self.y**2).sqrt() / WIDE - 0.5
        turn = torch.stack([torch.atan2(self.x, -self.y) / math.pi, radius], -1)
        streak = F.grid_sample(
            streak, turn.expand(b, -1, -1, -1), align_corners=False, padding_mode="border"
        )
        contrast = draws.uniform(b, 1, 1, 1, low=0.15, high=0.6)
        return hair, hair * (1 + contrast * streak).clamp(min=0.2)

    def _cloth(self, b: int, skin: Tensor) -> Tensor:
        """Plain or striped, with a collar that shows skin."""
        draws = self.draws
        waves = self.x * draws.uniform(b, 1, 1, 1, low=-1) + self.y * draws.uniform(b, 1, 1, 1)
        stripes = torch.sin(waves * draws.uniform(b, 1, 1, 1, low=2, high=14))
        mix = torch.sigmoid(4 * stripes) * draws.chance(0.35, b, 1, 1, 1)
        plain, other = draws.uniform(b, 3, 1, 1, low=0.05, high=0.95), draws.uniform(b, 3, 1, 1)
        cloth = plain * (1 - mix) + mix * other
        cloth = cloth + 0.04 * draws.noise(b, 1, TEXTURE)
        cloth = cloth + 0.07 * draws.noise(b, 1, TEXTURE, (3, 5, 8))
        wide, deep = draws.uniform(b, 1, 1, 1, low=2.0, high=3.6), draws.uniform(b, 1, 1, 1)
        collar = (self.x / wide) ** 2 + ((self.y + WIDE) / (0.4 + 3.1 * deep)) ** 2 < 1
        return torch.where(collar, skin, cloth)

    def walls(self, b: int, side: int) -> Tensor:
        """(B, 3, S, S): ramps, boxes, blobs and stripes, some of them sharp; most are grey."""
        draws = self.draws
        axis = torch.linspace(-1, 1, side, device=draws.device)
        x, y = axis.expand(side, side), axis[:, None].expand(side, side)
        a, c = draws.uniform(b, 3, 1, 1), draws.uniform(b, 3, 1, 1)
        t = draws.uniform(b, 1, 1, 1, high=2 * math.pi)
        ramp = torch.sigmoid(3 * (x * t.cos() + y * t.sin()))
        out = a * ramp + c * (1 - ramp)
        for _ in range(5):
            left, top = draws.uniform(2, b, 1, 1, 1, low=-1)
            wide, tall = draws.uniform(2, b, 1, 1, 1, low=0.1, high=0.8)
            soft = draws.uniform(b, 1, 1, 1, low=0.005, high=0.15)
            box = torch.sigmoid((wide - (x - left).abs()) / soft)
            box = box * torch.sigmoid((tall - (y - top).abs()) / soft)
            blob = torch.sigmoid((wide - ((x - left) ** 2 + (y - top) ** 2).sqrt()) / soft)
            cover = torch.where(draws.uniform(b, 1, 1, 1) < 0.5, box, blob)
            cover = cover * draws.chance(0.6, b, 1, 1, 1)
            out = out + 0.8 * cover * (draws.uniform(b, 3, 1, 1) - out)
        for _ in range(2):
            way = draws.uniform(2, b, 1, 1, 1, low=-1)
            wave = torch.sin((x * way[0] + y * way[1]) * draws.uniform(b, 1, 1, 1, low=4, high=50))
            where = F.interpolate(draws.normal(b, 1, 3, 3), size=side, mode="bicubic")
            where = torch.sigmoid(8 * where) * draws.chance(0.4, b, 1, 1, 1)
            out = out + where * torch.sigmoid(12 * wave) * (draws.uniform(b, 3, 1, 1) - out)
        out = out + draws.uniform(b, 1, 1, 1) * (out.mean(1, keepdim=True) - out)
        grain = draws.uniform(b, 1, 1, 1, high=0.08) * draws.noise(b, 3, side)
        return (out + grain).clamp(0, 1)
