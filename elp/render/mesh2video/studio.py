"""Photographs of simulated people with their meshes (chapter "The renderer")."""

# B person, T state, N = B T picture, V vertex, M = S S pixel, S side of a picture in pixels
from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from elp.face.landmarks import CORNERS_L, CORNERS_R, LIDS, LIPS, POINTS
from elp.face.model import FaceModel
from elp.render.mesh2video import people, raster
from elp.render.mesh2video.draws import RandomDraws
from elp.render.mesh2video.footage import Footage
from elp.render.mesh2video.people import FOLLOW, KIND, KINDS, Bodies
from elp.render.mesh2video.skins import Light, Wardrobe

CHUNK = {"cuda": 32, "cpu": 4}  # pictures that are drawn at a time
FINE = 2  # samples a pixel and axis
SPAN = 15.4  # cm: height of the mean face
RED = (0.92, 0.62, 0.62)  # of lips, in skin colour
IRISES = ((0.25, 0.14, 0.08), (0.3, 0.45, 0.6), (0.3, 0.4, 0.25))
# of a portrait: how far a face strays from the mean one, in parts of how people do; distance (cm);
# sides of the picture in heights of the face; shade of the wall
MILD, AWAY, FRAMED, WALL = 0.4, 60.0, 2.0, (0.6, 0.63, 0.66)


@dataclass(frozen=True, kw_only=True)
class Cast:
    """B people in T states, with everything but the pictures.

    Attributes:
        neutral: (B, 468, 3) faces at rest. shape: (B, T, 468, 3) what they do.
        mesh: (B, T, 468, 3), the same as a fit would know it: roughly.
        pose: (B, T, 6). slip: (B, 6), what the fit gets wrong in the pose. focal: (B,) pixels.
        base: (B, 3) where each sits. sway: (B, T, 3) of the shoulders, cm.
        body, skin, light, wall: see their makers. iris: (B, 3) colour. gaze: (B, 2) cm.
        grade: (B, 3) blur, grain and gamma of the camera. lip: (B, 3), colour in skin colour.
    """

    neutral: Tensor
    shape: Tensor
    mesh: Tensor
    pose: Tensor
    slip: Tensor
    focal: Tensor
    base: Tensor
    sway: Tensor
    body: Bodies
    skin: Tensor
    light: Light
    wall: Tensor
    iris: Tensor
    gaze: Tensor
    grade: Tensor
    lip: Tensor


class Studio:
    """Draws people who never were, and takes their pictures.

    Args:
        seed: of everything; the same seed gives the same pictures on the same device.
    """

    def __init__(self, seed: int = 0, device: str | torch.device = "cpu") -> None:
        model = FaceModel.default()
        self.model, self.draws = model, RandomDraws.seeded(seed, device)
        self.mean, self.identity, self.expression, self.deviation = (
            torch.tensor(x, device=device)
            for x in (model.mean, model.identity, model.expression, model.deviation)
        )
        self.faces = torch.tensor(model.triangles, device=device).long()
        triangles, kinds = people.topology(model)
        self.triangles, self.kinds = triangles.to(device), kinds.to(device)
        self.wardrobe = Wardrobe(model, self.draws)
        self.marks = _marks(device)

    def film(self, clips: int, states: int, side: int = 256, *, group: int = 64) -> Footage:
        """`clips` people in `states` states each."""
        parts = [
            self._shoot(self._cast(min(group, clips - k), states, side), side)
            for k in range(0, clips, group)
        ]
        return Footage({k: torch.cat([p[k] for p in parts]) for k in parts[0]}, self.draws)

    def portrait(self, side: int = 512) -> NDArray[np.uint8]:
        """One person at rest, mouth closed, who faces the camera in even light before a plain wall.

        Returns:
            (side, side, 3) uint8 RGB.
        """
        cast, device = (
            self._cast(1, 1, 8),
            self.draws.device,
        )  # of its walls only the colour is used
        neutral = self.mean + MILD * (cast.neutral - self.mean)
        pose = torch.tensor([[[0.0, 0.0, 0.0, 0.0, 0.5, AWAY]]], device=device)
        tint = 0.4 * (cast.wall.mean((2, 3)) + torch.tensor(WALL, device=device))
        sitting = replace(
            cast,
            neutral=neutral,
            shape=neutral[:, None],
            pose=pose,
            base=pose[:, 0, 3:],
            sway=torch.zeros_like(cast.sway),
            focal=torch.full_like(cast.focal, AWAY * side / (SPAN * FRAMED)),
            body=people.bodies(neutral, self.mean, self.draws),
            light=Light.even(device),
            wall=tint[..., None, None].expand(-1, -1, FINE * side, FINE * side),
            gaze=torch.zeros_like(cast.gaze),
            grade=torch.tensor([[0.3, 0.003, 1.0]], device=device),
        )
        only = torch.zeros(1, dtype=torch.long, device=device)
        points = self._points(sitting, only, only)
        return self._photo(sitting, only, only, points, side)[0][0].permute(1, 2, 0).cpu().numpy()

    def _cast(self, b: int, t: int, side: int) -> Cast:
        draws = self.draws
        alpha = draws.normal(b, len(self.identity))
        neutral = self.mean + torch.einsum("bk,kpc->bpc", alpha, self.identity)
        beta, pose, travel = people.states(b, t, self.model, draws)
        far = draws.uniform(b, low=45, high=80)
        share = draws.uniform(b, low=1.75, high=2.6)  # sides of the picture in heights of the face
        x, y = draws.uniform(b, low=-1.5, high=1.5), draws.uniform(b, low=-1.2, high=1.8)
        base = torch.stack([x, y, far], -1)
        pose = torch.cat([pose[..., :3], pose[..., 3:] + base[:, None]], -1)
        # the mesh knows the person only roughly, as a fit does
        guess = 0.9 * alpha + 0.25 * draws.normal(*alpha.shape)
        rough = self.mean + torch.einsum("bk,kpc->bpc", guess, self.identity)
        seen = beta + 0.04 * self.deviation * draws.normal(*beta.shape)
        slip = draws.normal(b, 6, scale=(0.012, 0.012, 0.012, 0.06, 0.06, 0.3))
        blur, gamma = draws.uniform(b, high=0.8), draws.uniform(b, low=0.75, high=1.3)
        return Cast(
            neutral=neutral,
            shape=neutral[:, None] + torch.einsum("btk,kpc->btpc", beta, self.expression),
            mesh=rough[:, None] + torch.einsum("btk,kpc->btpc", seen, self.expression),
            pose=pose,
            slip=slip,
            focal=far * side / (SPAN * share),
            base=base,
            sway=FOLLOW * travel + draws.normal(b, t, 3, scale=(0.2, 0.12, 0.08)),
            body=people.bodies(neutral, self.mean, draws),
            skin=self.wardrobe.textures(b),
            light=Light.draw(b, draws),
            wall=self.wardrobe.walls(b, FINE * side),
            iris=torch.tensor(IRISES, device=draws.device)[draws.index(len(IRISES), b)],
            gaze=draws.normal(b, 2, scale=0.12),
            grade=torch.stack([blur, draws.uniform(b, high=0.02), gamma], -1),
            lip=torch.tensor(RED, device=draws.device) * (1 + 0.12 * draws.normal(b, 3)),
        )

    def _shoot(self, cast: Cast, side: int) -> dict[str, Tensor]:
        b, t = cast.shape.shape[:2]
        out: dict[str, list[Tensor]] = {}
        chunk = CHUNK[self.draws.device.type]
        for n in torch.arange(b * t, device=self.draws.device).split(chunk):
            i, j = n // t, n % t
            focal, fit = cast.focal[i], cast.pose[i, j] + cast.slip[i]
            points = self._points(cast, i, j)
            photo, cover = self._photo(cast, i, j, points, side)
            mesh_points = raster.camera(cast.mesh[i, j], fit)
            mesh, seen = raster.mesh_picture(mesh_points, focal, self.faces, side)
            values = {
                "photo": photo,
                "matte": cover,
                "mesh": mesh,
                "seen": seen,
                "at": raster.project(mesh_points, focal, side),
                "pose": fit,
                "focal": focal,
                "truth": raster.project(points[:, :POINTS], focal, side)[..., :2],
            }
            for name, value in values.items():
                out.setdefault(name, []).append(value)
        return {k: torch.cat(v).unflatten(0, (b, t)) for k, v in out.items()}

    def _points(self, cast: Cast, i: Tensor, j: Tensor) -> Tensor:
        """(N, V, 3) in camera coordinates: the face turns, the shoulders sway, the neck gives."""
        solid = torch.cat([cast.shape[i, j], cast.body.points[i]], 1)
        hold = F.pad(cast.body.hold[i], (0, 0, POINTS, 0), value=1.0)
        rest = solid + (cast.base[i] + cast.sway[i, j])[:, None]
        return hold * raster.camera(solid, cast.pose[i, j]) + (1 - hold) * rest

    def _photo(
        self, cast: Cast, i: Tensor, j: Tensor, points: Tensor, side: int
    ) -> tuple[Tensor, Tensor]:
        """Pictures (N, 3, S, S) uint8 and who is who in them (N, 1, S, S) uint8."""
        n, s = len(points), FINE * side
        at = raster.project(points, FINE * cast.focal[i], s)
        seen = raster.visible(at[..., :2], at[..., 2], self.triangles, s)
        corner = self.triangles[seen.clamp(max=len(self.triangles) - 1)].view(n, s * s, 3)
        axis = torch.arange(s, device=points.device) + 0.5
        pixel = torch.stack([axis.repeat(s), axis.repeat_interleave(s)], -1)
        corners = raster.gather(at, corner)
        weight = raster.barycentric(corners[..., :2], pixel, corners[..., 2])[..., None]
        solid = torch.cat([cast.shape[i, j], cast.body.points[i]], 1)
        marks = F.pad(self.marks, (0, 0, 0, points.shape[1] - POINTS)).expand(n, -1, -1)
        every = torch.cat([self._normals(points), solid, cast.body.uv[i], marks], -1)
        values = (raster.gather(every, corner) * weight).sum(2)
        kind = F.pad(self.kinds, (0, 1), value=KIND["wall"])[seen].view(n, s * s)
        color = self._colors(cast, i, values, kind, cast.pose[i, j])
        wall = (kind == KIND["wall"])[..., None]
        color = torch.where(wall, cast.wall[i].flatten(2).mT, color)
        cover = F.avg_pool2d((~wall).float().mT.unflatten(2, (s, s)), FINE)
        picture = F.avg_pool2d(color.mT.unflatten(2, (s, s)), FINE)
        return self._develop(picture, cast.grade[i]), (255 * cover).round().byte()

    def _normals(self, points: Tensor) -> Tensor:
        a, b, c = (points[:, self.triangles[:, k]] for k in range(3))
        flat = torch.cross(b - a, c - a, dim=-1)
        normal = torch.zeros_like(points)
        for k in range(3):
            normal.index_add_(1, self.triangles[:, k], flat)
        return normal

    def _colors(self, cast: Cast, i: Tensor, values: Tensor, kind: Tensor, pose: Tensor) -> Tensor:
        """(N, M, 3) of what is seen, the wall aside."""
        normal, place, at = F.normalize(values[..., :3], dim=-1), values[..., 3:6], values[..., 6:8]
        lip, lid = values[..., 8:9], values[..., 9:10]
        is_ = {name: (kind == KIND[name])[..., None] for name in KINDS}
        texture = F.grid_sample(
            cast.skin[i], at[:, None], align_corners=False, padding_mode="border"
        )[:, :, 0].mT
        color = torch.where(is_["cloth"], texture[..., 6:], texture[..., :3])
        color = torch.where(is_["hair"], texture[..., 3:6], color)
        color = color * (1 - torch.sigmoid((lip - 0.62) / 0.08) * (1 - cast.lip[i][:, None]))
        color = color * (1 - 0.75 * ((lid - 0.55) / 0.45).clamp(0, 1) * is_["face"])
        sheet = is_["hair"] | is_["cloth"] | is_["neck"]  # seen from either side
        normal = torch.where(sheet, -torch.sign(normal[..., 2:]), 1.0) * normal
        light = cast.light[i]
        shade, facing = light.shade(normal)
        glint = light.gloss[:, None] * facing.clamp(min=0) ** 12 * (kind <= 3)[..., None]
        color = color * shade * 1.25 + glint
        under_chin = (0.55 + 0.03 * place[..., 1:2]).clamp(0.5, 1)
        color = torch.where(is_["neck"], color * under_chin, color)
        eyes = self._eyes(place, cast.neutral[i], pose, cast.iris[i], cast.gaze[i], shade)
        color = torch.where(is_["eye"], eyes, color)
        return torch.where(is_["mouth"], _mouth(place, cast.neutral[i], shade), color)

    def _eyes(
        self,
        place: Tensor,
        neutral: Tensor,
        pose: Tensor,
        iris: Tensor,
        gaze: Tensor,
        shade: Tensor,
    ) -> Tensor:
        # eyes keep looking where they looked while the head turns
        back = 0.88 * torch.stack([-pose[:, 1], pose[:, 0]], -1).clamp(-0.18, 0.18)
        middle = torch.stack([neutral[:, list(c), :2].mean(1) for c in (CORNERS_R, CORNERS_L)], 1)
        which = (place[..., 0] > 0).long()[..., None].expand(-1, -1, 2)
        off = place[..., :2] - middle.gather(1, which) - (gaze + back)[:, None]
        off = off + torch.tensor([0.0, 0.12], device=place.device)
        r = off.norm(dim=-1, keepdim=True)
        white = torch.tensor([0.88, 0.85, 0.83], device=place.device)
        color = white * (1 - 0.12 * (place[..., :1].abs() - 3.1).abs())
        color = color + _disc(r, 0.6) * (iris[:, None] * (0.9 + 1.2 * r) - color)
        color = color + _disc(r, 0.24) * (0.03 - color)
        glint = (off - torch.tensor([-0.15, -0.18], device=place.device)).norm(dim=-1, keepdim=True)
        return color * (0.35 + 0.65 * shade) + 0.9 * _disc(glint, 0.1)

    def _develop(self, picture: Tensor, grade: Tensor) -> Tensor:
        blur, grain, gamma = (x.view(-1, 1, 1, 1) for x in grade.unbind(-1))
        soft = F.avg_pool2d(F.pad(picture, (1, 1, 1, 1), mode="replicate"), 3, 1)
        picture = (picture + blur * (soft - picture)).clamp(0, 1) ** gamma
        picture = picture + grain * self.draws.normal(*picture.shape)
        return (255 * picture).clamp(0, 255).round().byte()


def _disc(r: Tensor, radius: float) -> Tensor:
    return torch.sigmoid((radius - r) / 0.03)


def _marks(device: str | torch.device) -> Tensor:
    """(468, 2): how red each point is (lips), and how dark (lashes)."""
    lip, lid = torch.zeros(POINTS, device=device), torch.zeros(POINTS, device=device)
    for name, value in (("outer", 0.45), ("middle", 1.0), ("edge", 1.0), ("inner", 1.0)):
        lip[[*LIPS[f"upper_{name}"], *LIPS[f"lower_{name}"]]] = value
    lid[[*LIDS["l"]["upper"], *LIDS["r"]["upper"]]] = 1.0
    return torch.stack([lip, lid], -1)


def _mouth(place: Tensor, neutral: Tensor, shade: Tensor) -> Tensor:
    """Dark and warm, with a tongue and upper teeth that stay with the skull."""
    lip, device = neutral[:, 13], place.device
    x, y = (place[..., k : k + 1] - lip[:, None, k : k + 1] for k in (0, 1))
    color = torch.tensor([0.2, 0.06, 0.06], device=device).expand(*x.shape[:2], 3)
    tongue = torch.sigmoid((1 - (x / 1.5) ** 2 - ((y - 2.6) / 1.3) ** 2) * 4)
    color = color + tongue * (torch.tensor([0.5, 0.22, 0.22], device=device) - color)
    gap = 1 - 0.25 * torch.exp(-((((x / 0.75 + 0.5) % 1 - 0.5) / 0.06) ** 2))
    teeth = torch.sigmoid((0.55 - 0.06 * x**2 - y) / 0.07) * (x.abs() < 2.3)
    enamel = torch.tensor([0.88, 0.84, 0.76], device=device) * (gap - 0.05 * x**2)
    return color + teeth * (enamel - color) * (0.3 + 0.6 * shade.clamp(max=1.1))
