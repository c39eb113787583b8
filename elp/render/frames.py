"""Motion + portrait -> pictures (chapter "The renderer")."""

# T frame, V vertex, S side of the source picture in pixels
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from elp.motion import Motion
from elp.render import rig as rigs
from elp.render.eyes import Eye, close
from elp.render.matte import behind
from elp.render.mouth import RIM, Mouth
from elp.render.portrait import Portrait
from elp.render.pose import head_rotation, pose_limits, saturate
from elp.render.warp import Warp

Floats = NDArray[np.float32]
Image = NDArray[np.uint8]
PROVENANCE = "synthetic: rendered by elp from one portrait"


class Renderer:
    def __init__(self, portrait: Portrait, size: int) -> None:
        import cv2

        side = 2 * size
        ratio = side / len(portrait.image)
        method = cv2.INTER_AREA if ratio < 1 else cv2.INTER_CUBIC
        image = cv2.resize(portrait.image, (side, side), interpolation=method).astype(np.float32)
        points = ((portrait.points + 0.5) * ratio - 1).astype(np.float32)
        matte = cv2.resize(portrait.matte, (side, side), interpolation=cv2.INTER_AREA if ratio < 1 else cv2.INTER_LINEAR)
        self.portrait, self.size, self.side, self.points = portrait, size, side, points
        self.focal, self.centre = portrait.focal * ratio, side / 2 - 1
        self.rest_rotation = Rotation.from_rotvec(portrait.rotation)
        self.limits = pose_limits(self.rest_rotation)
        self.rig = rigs.build(points[: rigs.POINTS], portrait.depth, portrait.model.triangles, side, self.focal)
        self.warp = Warp(rest=self.rig.rest, triangles=self.rig.triangles, under=rigs.UNDER, scale=side / size, size=size)
        self.lifted = np.column_stack([(self.rig.rest - self.centre) / self.focal, np.ones(len(self.rig.rest))]) * self.rig.depth[:, None]
        soft = half(image)
        alpha = half(matte[..., None])
        hidden = cv2.dilate((matte > 0.02).astype(np.float32), np.ones((2 * (side // 50) + 1,) * 2, np.uint8))
        if matte.min() >= 1:
            back = image
        else:
            back = behind(image, hidden)
        self.back_full = back
        layer = image - (1 - matte[..., None]) * back
        self.layer = np.dstack([half(layer), alpha]).astype(np.float32)
        self.background = cv2.resize(back, (size, size), interpolation=cv2.INTER_AREA)
        self.eyes = [Eye.build(soft, points, s) for s in "rl"]
        self.mouth = Mouth.build(soft, points)

    def frame(self, beta: Floats, pose: Floats) -> Image:
        import cv2

        p, r, model = self.portrait, self.rig, self.portrait.model
        named = len(model.full)
        beta = np.array(beta, float)
        own = p.beta[:named] / model.full
        share = beta[:named] / model.full
        share = saturate(share, np.minimum(-1.0 - own, -0.3), np.maximum(1 - own, 0.3))
        beta[:named] = share * model.full
        blinks = {e: model.index(f"blink_{e}") for e in "rl"}
        closures = {e: float(np.clip(share_blink(beta, model, i), -0.25, 1)) for e, i in blinks.items()}
        for i in blinks.values():
            beta[i] = 0
        shift = r.spread @ np.tensordot(beta, model.expression, 1)
        turn = head_rotation(pose[:3], self.rest_rotation, self.limits)
        travel = saturate(np.asarray(pose[3:], float), -3.0, 3.0)
        moved3 = turn.apply(self.lifted + self.rest_rotation.apply(shift) - p.origin) + p.origin + travel
        rigid3 = turn.apply(self.lifted - p.origin) + p.origin + travel
        moved, rigid = self.project(moved3), self.project(rigid3)
        w = r.weight[:, None]
        step = w * (moved - r.rest)
        step[r.hidden] = r.follow @ step
        moved = r.rest + step
        for e, eye in enumerate("rl"):
            close(moved, eye, closures[eye], r.lash[e])
        x, y = self.warp(moved.astype(np.float32), (moved3[:, 2] * r.weight + r.depth * (1 - r.weight)).astype(np.float32))
        picture = cv2.remap(self.layer, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        rest = r.rest
        angle = saturate(turn.inv().as_rotvec() * 0.8, -0.18, 0.18)
        gaze = (np.array([-angle[1], angle[0]]) * 1.2 * self.focal / p.origin[2]).astype(np.float32)
        for eye in self.eyes:
            eye.paint(picture, moved.astype(np.float32), rest, gaze, closures[eye.side], self.side / self.size)
        self.mouth.paint(picture, moved, rigid[RIM], rest, self.side / self.size)
        out = picture[..., :3] + (1 - picture[..., 3:]) * self.background
        return np.clip(np.rint(out), 0, 255).astype(np.uint8)

    def project(self, points: NDArray[np.floating]) -> NDArray[np.floating]:
        return points[:, :2] / points[:, 2:] * self.focal + self.centre


def share_blink(beta, model, i):
    return beta[i] / model.full[i]


def half(image: Floats) -> Floats:
    """Mean of each pixel with its right, lower and diagonal neighbour: sampled between pixels it is an area average."""
    padded = np.pad(image, ((0, 1), (0, 1), (0, 0)), mode="edge")
    return (padded[:-1, :-1] + padded[1:, :-1] + padded[:-1, 1:] + padded[1:, 1:]) / 4


def render(portrait: Portrait, motion: Motion, size: int = 256, *, mark: bool = True) -> Iterator[Image]:
    renderer = Renderer(portrait, size)
    for beta, pose in zip(motion.beta, motion.pose, strict=True):
        yield renderer.frame(beta, pose)
