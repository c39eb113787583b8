"""Light on a face that moves: what its new shape changes, and folds (chapter "The renderer").

A warp carries the portrait's light along. Here the light is fitted to the portrait's own skin, and
each place of it gets brighter or darker by the ratio of what falls on its new and on its old side.
Everything is kept in the portrait's own pixels, coarsely, and looked up where the warp looks.
"""

# P face point (468), G place of a coarse grid, H x W places of a finer one, F fold
from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from elp.face.landmarks import LIPS
from elp.face.model import FaceModel
from elp.render.eyes import outline
from elp.render.rig import smooth
from elp.render.shapes import polygon
from elp.render.topology import BROW, LOWER, OVAL, POINTS, UPPER

Floats = NDArray[Any]  # float32: OpenCV's own annotations are too wide to be checked
Image = NDArray[Any]  # uint8
GRID = 28  # places along a side of the coarse grid
FINER = 4  # source pixels per place of the finer one
SPREAD = 0.07  # of a face's width: how far a point speaks for its surroundings
FADE, EDGE = 0.2, 0.07  # of a face's width: towards the outline light fades, and so do folds
MOST = 0.07  # of the logarithm of brightness that light changes at most, softly: hair is not lit
LEAST = 0.3  # of its mean that light is at least
STIFF = 0.5  # how reluctantly light is taken to come from a side
WARM = np.array([0.75, 1.05, 1.2], np.float32)  # shade on skin is warm: red loses least
BURNT = 195.0, 50.0  # of 255: from there on skin is overexposed, and that many more: it is white
FACING = 0.35  # cosine between skin and view below which a normal is a guess
FINE, BROAD = 0.011, 0.03  # of a face's width: a fold's crease, and the valley that it lies in
DEEPEST = 1.3  # folds are at most so strong, and lose so much of their own at most:
RELIEF = -0.4
# folds: places that are means of points, how dark, and the directions that drive them
Fold = tuple[tuple[tuple[int, ...], ...], float, dict[str, float]]
FOLDS: tuple[Fold, ...] = (
    (
        ((129,), (203,), (206,), (216,), (212,)),
        0.2,
        {"smile_r": 0.8, "nose_wrinkle": 0.4, "upper_lip_raise": 0.3, "frown_r": 0.2},
    ),
    (
        ((358,), (423,), (426,), (436,), (432,)),
        0.2,
        {"smile_l": 0.8, "nose_wrinkle": 0.4, "upper_lip_raise": 0.3, "frown_l": 0.2},
    ),
    (tuple((p,) for p in LOWER["r"][2][2:7].tolist()), 0.09, {"smile_r": 0.5, "squint_r": 0.4}),
    (tuple((p,) for p in LOWER["l"][2][2:7].tolist()), 0.09, {"smile_l": 0.5, "squint_l": 0.4}),
    (((107, 107, 9), (55, 107, 9, 8), (55, 8)), 0.12, {"brow_down_r": 0.45}),
    (((336, 336, 9), (285, 336, 9, 8), (285, 8)), 0.12, {"brow_down_l": 0.45}),
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Shade:
    """How a portrait's skin is lit, ready to be lit anew.

    Attributes:
        light: (4,) brightness from everywhere and from each of the camera's axes.
        triangles: (N, 3) of the face model.
        corners: (P, N) 1 where a triangle has a point.
        rest: (P,) light that falls on each point in the portrait.
        grid: (G, P) what each point says of each coarse place.
        cover: (H, W) float32 in [0, 1], how far a finer place is lit anew.
        folds: (F, H * W) float32, logarithm of brightness under each fold at full strength.
        drive: (F, D) strength of each fold by β.
        corner: (2,) source pixels of the grids' first place.
    """

    light: Floats
    triangles: NDArray[np.integer[Any]]
    corners: Any  # SciPy's sparse arrays have no type of their own
    rest: Floats
    grid: Floats
    cover: Floats
    folds: Floats
    drive: Floats
    corner: Floats

    @classmethod
    def build(cls, image: Floats, points: Floats, solid: Floats, model: FaceModel) -> Shade:
        """From (S, S, 3) float32 `image`, its tracked `points` (P, 2) and the face in the camera's
        axes, `solid` (P, 3).
        """
        outline = points[OVAL]
        width = float(np.ptp(outline[:, 0]))
        low = np.floor(outline.min(0) - 0.1 * width)
        shape = np.ceil((outline.max(0) + 0.1 * width - low) / FINER).astype(int)[::-1]
        corners = _corners(model.triangles)
        normal = normals(solid, model.triangles, corners)
        skin = _skin(normal, solid)
        light = _light(image, points[skin], normal[skin])
        place = (points - low) / FINER
        reach = width / FINER
        shown = _exposed(image, low, shape)
        return cls(
            light=light,
            triangles=model.triangles,
            corners=corners,
            rest=_falls(light, normal),
            grid=_kernel(place, skin, shape, SPREAD * reach),
            cover=shown * _cover(place, shape, FADE * reach),
            folds=(np.sqrt(shown) * _cover(place, shape, EDGE * reach)).ravel()
            * np.stack([_fold(place, *fold[:2], shape, reach) for fold in FOLDS]),
            drive=np.stack([_drive(model, fold[2]) for fold in FOLDS]),
            corner=low.astype(np.float32),
        )

    def __call__(
        self, picture: Image, at: Floats, moved: Floats, solid: Floats, beta: Floats
    ) -> None:
        """Light a picture anew, in place.

        Args:
            picture: (size, size, 3) uint8.
            at: (size, size, 2) float32, where each of its pixels was in the source picture.
            moved: (P, 2) face points now, in the picture's pixels.
            solid: (P, 3) the face now, in the camera's axes.
            beta: (D,) expression that was added.
        """
        import cv2

        low = np.floor(moved.min(0) - 4).astype(int).clip(0)
        high = np.minimum(np.ceil(moved.max(0) + 5).astype(int), len(picture))
        if (high - low < 2).any():
            return
        now = normals(solid, self.triangles, self.corners)
        ratio = np.log(_falls(self.light, now) / self.rest).astype(np.float32)
        coarse = MOST * np.tanh((self.grid @ ratio) / MOST).reshape(GRID, GRID)
        fields = cv2.resize(coarse, self.cover.shape[::-1], interpolation=cv2.INTER_LINEAR)
        fields *= self.cover
        strength = np.clip(self.drive @ beta, RELIEF, DEEPEST).astype(np.float32)
        fields += (strength @ self.folds).reshape(fields.shape)
        factor = cv2.exp(fields[..., None] * WARM)
        where = (at[low[1] : high[1] : 2, low[0] : high[0] : 2] - self.corner) / np.float32(FINER)
        shown = cv2.remap(
            factor,
            where,
            np.empty(0),
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=(1.0, 1.0, 1.0),
        )
        part = picture[low[1] : high[1], low[0] : high[0]]
        shown = cv2.resize(shown, part.shape[1::-1], interpolation=cv2.INTER_LINEAR)
        part[:] = cv2.multiply(part, shown, dtype=cv2.CV_8U)


def normals(solid: Floats, triangles: NDArray[np.integer[Any]], corners: Any) -> Floats:
    """(P, 3) unit normals of a face (P, 3) in the camera's axes, towards the camera at its front.

    `corners` (P, N) says which points the (N, 3) triangles have.
    """
    a, b, c = solid.T[:, triangles.T].transpose(1, 0, 2)
    (px, py, pz), (qx, qy, qz) = b - a, c - a
    area = np.stack([py * qz - pz * qy, pz * qx - px * qz, px * qy - py * qx], 1)
    total = corners @ area
    total /= np.maximum(np.sqrt((total * total).sum(1, keepdims=True)), 1e-9)
    return np.asarray(total * -np.sign(np.median(total[:, 2])))


def _corners(triangles: NDArray[np.integer[Any]]) -> Any:
    rows, columns = triangles.ravel(), np.repeat(np.arange(len(triangles)), 3)
    return sparse.csr_array((np.ones(len(rows)), (rows, columns)), (POINTS, len(triangles)))


def _falls(light: Floats, normal: Floats) -> Floats:
    """(P,) light that falls on each normal."""
    return np.maximum(light[0] + normal @ light[1:], LEAST)


def _skin(normal: Floats, solid: Floats) -> NDArray[np.intp]:
    """Points of bare skin that the portrait shows."""
    view = solid / np.linalg.norm(solid, axis=1, keepdims=True)
    bare = -(normal * view).sum(1) > FACING
    for eye in "rl":
        bare[UPPER[eye][:2]] = bare[LOWER[eye][:2]] = bare[BROW[eye]] = False
    bare[[p for row in LIPS.values() for p in row]] = False
    return np.flatnonzero(bare)


def _light(image: Floats, points: Floats, normal: Floats) -> Floats:
    """(4,) of the skin's brightness at `points`, over its mean: from everywhere, then from the
    camera's axes; what is no skin, shadow or shine counts less.
    """
    import cv2

    grey = cv2.GaussianBlur(image.mean(2), (0, 0), 2.0)
    x, y = np.clip(np.round(points), 0, len(image) - 1).astype(int).T
    seen = grey[y, x] / max(float(np.median(grey[y, x])), 1.0)
    rows = np.column_stack([np.ones(len(normal)), normal])
    stiff = np.diag([0, *[STIFF * len(rows) / 100] * 3])
    weight = np.ones(len(rows))
    for _ in range(4):
        found = np.linalg.solve((rows.T * weight) @ rows + stiff, (rows.T * weight) @ seen)
        weight = 1 / (1 + ((seen - rows @ found) / 0.15) ** 2)
    return found


def _kernel(place: Floats, skin: NDArray[np.intp], shape: Floats, reach: float) -> Floats:
    """(G, P) float32: each coarse place is the mean of the points near it."""
    y, x = (np.linspace(0, side - 1, GRID) for side in shape)
    at = np.stack(np.meshgrid(x, y), -1).reshape(-1, 1, 2)
    near = np.exp(-((at - place[skin]) ** 2).sum(-1) / (2 * reach**2)) + 1e-9
    out = np.zeros((GRID * GRID, POINTS), np.float32)
    out[:, skin] = near / near.sum(1, keepdims=True)
    return out


def _cover(place: Floats, shape: Floats, fade: float) -> Floats:
    """(H, W) float32, 1 on the skin of the face, fading at its outline and at the eyes."""
    import cv2

    mask = polygon(place[OVAL], tuple(shape))
    inside = cv2.distanceTransform(mask, cv2.DIST_L2, 5) / fade
    for eye in "rl":
        mask[polygon(place[outline(eye)], tuple(shape)) > 0] = 0
    lids = cv2.distanceTransform(mask, cv2.DIST_L2, 5) / min(fade, 0.07 * np.ptp(place[OVAL, 0]))
    return smooth(np.minimum(inside, lids)).astype(np.float32)


def _exposed(image: Floats, low: Floats, shape: Floats) -> Floats:
    """(H, W) float32, 1 but for skin so bright that the picture does not say how bright."""
    import cv2

    y, x = (
        np.clip(low[k] + FINER * np.arange(side), 0, len(image) - 1).astype(int)
        for k, side in ((1, shape[0]), (0, shape[1]))
    )
    grey = cv2.GaussianBlur(image.mean(2), (0, 0), FINER)[np.ix_(y, x)]
    return (1 - 0.8 * smooth((grey - BURNT[0]) / BURNT[1])).astype(np.float32)


def _fold(
    place: Floats, line: tuple[tuple[int, ...], ...], dark: float, shape: Floats, reach: float
) -> Floats:
    """(H * W,) float32, logarithm of brightness under a fold that fades at its ends."""
    knots = np.stack([place[list(points)].mean(0) for points in line])
    t = np.linspace(0, len(knots) - 1, 40)
    curve = np.stack([np.interp(t, np.arange(len(knots)), knots[:, k]) for k in (0, 1)], 1)
    curve = np.stack(
        [np.convolve(np.pad(c, 5, mode="edge"), np.ones(11) / 11, "valid") for c in curve.T], 1
    )
    strong = np.sin(np.pi * np.linspace(0.06, 0.94, 40)) ** 0.7
    y, x = np.mgrid[: shape[0], : shape[1]]
    off = (x[..., None] - curve[:, 0]) ** 2 + (y[..., None] - curve[:, 1]) ** 2
    profile = 0.5 * np.exp(-off / (2 * (FINE * reach) ** 2))
    profile += 0.5 * np.exp(-off / (2 * (BROAD * reach) ** 2))
    return (-dark * (strong * profile).max(-1)).astype(np.float32).ravel()


def _drive(model: FaceModel, by: dict[str, float]) -> Floats:
    """(D,) strength of a fold by β."""
    out = np.zeros(len(model.expression))
    for name, share in by.items():
        row = model.index(name)
        out[row] = share / model.full[row]
    return out
