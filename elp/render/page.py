"""A portrait prepared for a page, where it is drawn without Python (page "Talk to it").

What `WarpRenderer` computes once, as one safetensors file, which `portrait.js` reads.
"""

# V vertex, D expression coefficient, H hidden vertex, S side of the source picture in pixels
from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save
from scipy import sparse

from elp.errors import ElpError
from elp.files import atomic, check, keep
from elp.render import rig
from elp.render.eyes import FOLLOW, MEET, WINK, Eye, outline
from elp.render.limits import LEAN, LINEAR, ROUND, STRONGEST, TRAVEL
from elp.render.mouth import CLOSED, RIM, SOFT, TEETH, Mouth
from elp.render.portrait import Portrait
from elp.render.topology import LIP_LOWER, LIP_UPPER, LOWER, UPPER
from elp.render.warp import STEEP
from elp.render.warping import (
    EYEBALL,
    FINE,
    MOST_GAZE,
    NEARER,
    STEADY,
    WarpRenderer,
    check_size,
)

ENDING = ".bin"
AROUND = 0.35  # of the mouth's width that are kept around it: lips move


def write_portrait(path: str | Path, source: str | Path | Portrait, size: int = 256) -> None:
    """Write a portrait that a page can draw, whole or not at all.

    Args:
        path: file ending in .bin.
        source: whom to show: an image file, or a portrait. size: side of the pictures in pixels.

    Raises:
        ElpError: another ending, a size that is not usable, a picture that shows no face, or the
            file cannot be written; of all but the face before the work.
    """
    if Path(path).suffix.lower() != ENDING:
        raise ElpError(f"{path}: a page's portrait is written as .bin: give the file that ending")
    check_size(size)
    keep([source], [path])
    check(path)
    portrait = source if isinstance(source, Portrait) else Portrait.load(source)
    data = packed(WarpRenderer(portrait, size))
    with atomic(path) as partial:
        partial.write_bytes(data)


def packed(renderer: WarpRenderer) -> bytes:
    """The file's bytes: arrays by name, and numbers as JSON in its header."""
    own, limits = renderer.rig, renderer._limits
    if limits is None:
        raise ElpError("a page shows portraits within their limits only: leave limits on")
    cutout, model = renderer._cutout, renderer.portrait.model
    person = cutout.person[:: cutout.up, :: cutout.up]
    back = np.dstack([cutout.back, np.full(cutout.back.shape[:2], 255, np.uint8)])
    arrays: dict[str, NDArray[Any]] = {
        "rest": own.rest,
        "depth": own.depth,
        "weight": own.weight,
        "loose": renderer._loose,
        "solid": renderer._solid,
        "modes": renderer._modes,
        "triangles": own.triangles.astype(np.int32),
        "hidden": own.hidden.astype(np.int32),
        "lash": own.lash.astype(np.int32),
        "turn": renderer._turn,
        "origin": renderer.portrait.origin,
        "full": model.full,
        "deviation": limits.deviation,
        "low": np.concatenate([limits.beta[0], limits.turn[0], limits.room[0]]),
        "high": np.concatenate([limits.beta[1], limits.turn[1], limits.room[1]]),
        "gain": limits.gain,
        "upper": _rows(UPPER),
        "lower": _rows(LOWER),
        "rims": np.stack([outline(side) for side in "rl"]).astype(np.int32),
        "lips": np.stack([LIP_UPPER, LIP_LOWER]).astype(np.int32),
        "rim": RIM.astype(np.int32),
        "person": person,
        "back": back,
        **_sparse("spread", renderer._spread),
        **_sparse("follow", renderer._follow),
    }
    facts: dict[str, Any] = {
        "size": renderer.size,
        "fine": FINE,
        "pad": cutout.pad,
        "focal": float(renderer._focal),
        "centre": float(renderer._centre),
        "under": rig.UNDER,
        "lids": renderer._lids,
        "eyes": [],
        # constants of the modules that Python draws with
        "strongest": STRONGEST,
        "round": float(ROUND),
        "linear": LINEAR,
        "travel": TRAVEL.tolist(),
        "lean": LEAN.tolist(),
        "meet": MEET,
        "wink": WINK,
        "lidsFollow": FOLLOW,
        "soft": SOFT,
        "steady": STEADY,
        "nearer": NEARER,
        "gaze": float(MOST_GAZE),
        "eyeball": EYEBALL,
        "closed": CLOSED,
        "steep": STEEP,
        "teeth": TEETH,
    }
    for eye in renderer._eyes:
        facts["eyes"].append(_eye(eye, arrays))
    facts["mouth"] = _mouth(renderer._mouth, own.rest, arrays)
    stored = {
        name: np.ascontiguousarray(x if x.dtype in (np.uint8, np.int32) else x.astype(np.float32))
        for name, x in arrays.items()
    }
    return save(stored, {"facts": json.dumps(facts)})


def _rows(lids: dict[str, NDArray[np.int64]]) -> NDArray[np.int32]:
    """(2 eyes, 3 rows, 9): the margin, the skin and what is beyond of one lid of each eye, r, l."""
    return np.stack([lids[eye][:3] for eye in "rl"]).astype(np.int32)


def _sparse(name: str, matrix: Any) -> dict[str, NDArray[Any]]:
    found = sparse.coo_array(matrix)
    at = np.stack([found.row, found.col]).astype(np.int32)
    return {f"{name}.at": at, f"{name}.share": found.data}


def _eye(eye: Eye, arrays: dict[str, NDArray[Any]]) -> dict[str, Any]:
    """Numbers of one eye; its patches go to the arrays."""
    for name in ("ball", "lid"):
        arrays[f"{name}.{eye.side}"] = _opaque(getattr(eye, name))
    return {
        "side": eye.side,
        "corner": eye.corner.tolist(),
        "iris": eye.iris.tolist(),
        "lash": eye.lash.tolist(),
        "radius": eye.radius,
    }


def _mouth(mouth: Mouth, rest: NDArray[Any], arrays: dict[str, NDArray[Any]]) -> dict[str, Any]:
    """Numbers of the mouth; what the portrait shows of its inside goes to the arrays."""
    rim = rest[RIM]
    room = AROUND * float(np.ptp(rim[:, 0]))
    side = len(mouth.source)
    low = np.clip(np.floor(rim.min(0) - room), 0, side - 2).astype(int)
    high = np.clip(np.ceil(rim.max(0) + room), low + 2, side).astype(int)
    own = mouth.source[low[1] : high[1], low[0] : high[0]]
    arrays["inside"] = _bytes(np.dstack([own[..., :3], 255 * own[..., 3:]]))
    return {
        "corner": low.tolist(),
        "gap": mouth.gap,
        **{name: getattr(mouth, name).tolist() for name in ("hollow", "tongue", "teeth")},
    }


def _opaque(patch: NDArray[Any]) -> NDArray[np.uint8]:
    return np.dstack([_bytes(patch), np.full(patch.shape[:2], 255, np.uint8)])


def _bytes(picture: NDArray[Any]) -> NDArray[np.uint8]:
    return np.rint(picture).clip(0, 255).astype(np.uint8)
