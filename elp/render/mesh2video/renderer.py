"""A trained network as a `Renderer` (chapter "The renderer")."""

# T frame, P face point (468), D expression coefficient, S side of a picture in pixels
from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation
from torch import Tensor

from elp.errors import ElpError
from elp.face.landmarks import LIDS, POINTS
from elp.motion import POSE, Motion
from elp.render.blink import blink_control
from elp.render.eyes import MEET, together
from elp.render.limits import Limits
from elp.render.matte import inpaint_background
from elp.render.mesh import check_size
from elp.render.mesh2video import checkpoint, raster
from elp.render.mesh2video.footage import Source, View
from elp.render.mesh2video.layers import resize, warp
from elp.render.mesh2video.network import SIDE, Drawn, Mesh2Video, mixed
from elp.render.portrait import Portrait

Image = NDArray[Any]  # uint8
# how far the rows of a lid follow it
ROWS = {"upper": 1.0, "skin": 0.4, "crease": 0.1, "lower": 1.0, "under": 0.4, "cheek": 0.1}
EDGE = 13  # pixels across which a matte may be wrong
OPENING = 0.9  # grey of the mesh above which it is an eye or the mouth


class NetworkRenderer:
    """A `Renderer`: one portrait, drawn by a network at 256 pixels and composed at any size.

    Gates and flow come from the network, the pixels that they move from the portrait itself. What
    the network misses of the portrait at rest is its *detail*: it is moved along and added, so that
    a motion of zeros shows the portrait as it is.

    Args:
        portrait: whom to show.
        size: side of the pictures in pixels.
        net: from `checkpoint.load`.
        limits: keep motion within what one picture can show (`elp.render.limits`).
        detail: add what the network misses.
    """

    def __init__(
        self,
        portrait: Portrait,
        size: int,
        net: Mesh2Video,
        *,
        limits: bool = True,
        detail: bool = True,
    ) -> None:
        check_size(size)
        self.portrait, self.size, self.net = portrait, size, net
        model = portrait.model
        self._triangles = torch.tensor(model.triangles).long()
        ratio = SIDE / len(portrait.image)
        self._focal = torch.tensor([portrait.focal * ratio], dtype=torch.float32)
        # arrays count from the first pixel's centre, cameras from the picture's edge
        points = (portrait.points[:POINTS] + 0.5) * ratio
        at = np.column_stack([points, portrait.depth]).astype(np.float32)
        self._solid = raster.lift(torch.tensor(at)[None], self._focal, SIDE)[0].numpy()
        self._turn = Rotation.from_rotvec(portrait.rotation)
        self._modes = model.expression[:, model.landmarks].reshape(len(portrait.beta), -1)
        self._lids = [model.index(f"blink_{eye}") for eye in "rl"]
        face = self._turn.inv().apply(self._solid)
        self._limits = Limits.of(portrait.rotation, face, model) if limits else None
        photo, matte = _tensor(portrait.image), _tensor(portrait.matte[..., None])
        view = self._view(self._solid, portrait.rotation, portrait.origin)
        self._source = Source(photo=resize(photo, SIDE), matte=resize(matte, SIDE), view=view)
        self._photo, self._matte = resize(photo, size), resize(matte, size)
        self._wall = self._behind(self._photo, self._matte)
        with torch.no_grad():
            self._known = net.portray(self._source)
            drawn = net(self._source, view, self._known)
            self._detail = self._photo - self._compose(drawn) if detail else None
            self._rest = drawn

    def frames(self, motion: Motion) -> Iterator[Image]:
        """See `Renderer.frames`."""
        modes = len(self.portrait.model.expression)
        if motion.beta.shape[1] != modes:
            raise ElpError(
                f"motion: {motion.beta.shape[1]} expression coefficients, "
                f"the portrait's face model has {modes}: use the same model"
            )
        return self._frames(motion)

    def _frames(self, motion: Motion) -> Iterator[Image]:
        beta = blink_control(motion.beta, motion.blink, self.portrait.model)
        last = np.zeros(beta.shape[1], np.float32), np.zeros(POSE, np.float32)
        for t in range(len(motion)):
            if motion.valid[t]:
                last = beta[t], motion.pose[t]
            yield self.frame(*last)

    def frame(self, beta: NDArray[np.floating], pose: NDArray[np.floating]) -> Image:
        """(size, size, 3) uint8 RGB of the portrait with expression `beta` (D,) added to its own
        and moved by `pose` (6,).
        """
        drawn, view = self.draw(beta, pose)
        image = self._compose(drawn)
        if self._detail is not None:
            # of the wall it stays where it is, of the person it goes along
            away = 1 - F.max_pool2d(self._source.matte, EDGE, 1, EDGE // 2)
            still = away * torch.minimum(drawn.gates[:, :1], self._rest.gates[:, :1])
            still, moved = resize(still, self.size), self._kept(drawn, view)
            detail = self._detail
            image = image + still * detail + (1 - still) * moved * warp(detail, drawn.flow)
        pixels = (255 * image[0].permute(1, 2, 0)).clamp(0, 255).round().byte()
        return np.ascontiguousarray(pixels.numpy())

    @torch.no_grad()
    def draw(self, beta: NDArray[np.floating], pose: NDArray[np.floating]) -> tuple[Drawn, View]:
        """What the network says of a frame, at its own size, and the view that drives it."""
        view = self.view(beta, pose)
        return self.net(self._source, view, self._known), view

    def view(self, beta: NDArray[np.floating], pose: NDArray[np.floating]) -> View:
        """The mesh making a motion: X' = R (X + R₀ ΔS - o) + o + t, as the portrait renderer has
        it; lids close on the portrait's own.
        """
        change: NDArray[Any] = np.array(beta, np.float64)
        pose = np.array(pose, np.float64)
        full = self.portrait.model.full
        closure = together(*(change[k] / full[k] for k in self._lids))
        if self._limits is not None:
            change, pose, lean = self._limits(change, pose)
            pose[3:] += lean
        change[self._lids] = 0
        shift = (change @ self._modes).reshape(-1, 3)
        solid = self._solid + self._turn.apply(shift)
        for eye, share in zip("rl", closure, strict=True):
            _close(solid, eye, share)
        origin = self.portrait.origin
        turn = self._turn * Rotation.from_rotvec(pose[:3]) * self._turn.inv()
        place = origin + pose[3:]
        return self._view(
            turn.apply(solid - origin) + place, (turn * self._turn).as_rotvec(), place
        )

    def _view(self, points: NDArray[Any], rotation: NDArray[Any], place: NDArray[Any]) -> View:
        """Of points (468, 3) in camera coordinates."""
        solid = torch.tensor(points, dtype=torch.float32)[None]
        mesh, seen = raster.mesh_picture(solid, self._focal, self._triangles, SIDE)
        return View(
            mesh=mesh.float() / 255,
            seen=seen,
            at=raster.project(solid, self._focal, SIDE),
            pose=torch.tensor(np.concatenate([rotation, place]), dtype=torch.float32)[None],
            focal=self._focal,
        )

    def _behind(self, photo: Tensor, matte: Tensor) -> Tensor:
        """(1, 3, size, size): the wall, continued behind the person as the portrait renderer does:
        with more texture than the network's own.
        """
        around = 2 * (self.size // 50) + 1
        grown = F.max_pool2d((matte > 0.02).float(), around, 1, around // 2)[0, 0].numpy()
        image = 255 * photo[0].permute(1, 2, 0).numpy()
        return _tensor(inpaint_background(np.ascontiguousarray(image), grown) / 255)

    def _compose(self, drawn: Drawn) -> Tensor:
        """(1, 3, size, size): the network's gates, flow and paint on the portrait's own pixels."""
        gates, paint = (resize(x, self.size) for x in (drawn.gates, drawn.paint))
        return mixed(gates, self._wall, warp(self._photo, drawn.flow), paint)

    def _kept(self, drawn: Drawn, view: View) -> Tensor:
        """(1, 1, size, size): how much of the detail is still there.

        None where an eye or the mouth opened or closed, nor where the paint covers more than at
        rest. Around the person it is the outline that the network missed, which fits only where
        nothing moves.
        """
        now, was = ((v.mesh > OPENING).float() for v in (view, self._source.view))
        changed = F.avg_pool2d(F.max_pool2d((now - warp(was, drawn.flow)).abs(), 5, 1, 2), 5, 1, 2)
        more = drawn.gates[:, 2:] - warp(self._rest.gates[:, 2:], drawn.flow)
        inside = 1 - F.max_pool2d(1 - self._source.matte, EDGE, 1, EDGE // 2)
        far = resize(drawn.flow, SIDE).norm(dim=1, keepdim=True) * (SIDE / 2)
        fits = torch.maximum(warp(inside, drawn.flow), torch.exp(-4 * far))
        return resize((1 - changed - more.clamp(min=0)).clamp(0, 1) * fits, self.size)


def _close(solid: NDArray[np.floating], eye: str, share: float) -> None:
    """Bring the lids of one eye together, in place, in points (468, 3): at 1 they meet."""
    upper, lower = (np.array(LIDS[eye][row][1:-1]) for row in ("upper", "lower"))
    meet = solid[lower] + MEET * (solid[upper] - solid[lower])
    step = {
        **dict.fromkeys(("upper", "skin", "crease"), meet - solid[upper]),
        **dict.fromkeys(("lower", "under", "cheek"), meet - solid[lower]),
    }
    for row, follow in ROWS.items():
        solid[list(LIDS[eye][row][1:-1])] += share * follow * step[row]


def _tensor(picture: NDArray[Any]) -> Tensor:
    """(H, W, C) uint8, or float in [0, 1] -> (1, C, H, W) float32 in [0, 1]."""
    x = torch.tensor(picture).permute(2, 0, 1)[None]
    return x.float() / 255 if x.dtype == torch.uint8 else x.float().clamp(0, 1)


def prepare(
    portrait: Portrait, size: int, weights: str | Path | None, design: str
) -> NetworkRenderer:
    """A renderer of one of the two designs, "flow" or "fomm".

    Args:
        weights: a file of `elp train`; None is the network that ships, where one does.

    Raises:
        ElpError: there are no weights, or they are another design's.
    """
    path = weights or checkpoint.PACKAGED.get(design)
    if path is None:
        raise ElpError(
            f"renderer {design} needs a checkpoint: train one with 'elp train {design} --out RUN' "
            "and give RUN/model.safetensors"
        )
    net, _ = checkpoint.load(path)
    if net.config.motion != design:
        raise ElpError(f"{path}: a {net.config.motion} network: ask for that renderer")
    return NetworkRenderer(portrait, size, net)
