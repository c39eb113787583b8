"""The map of many clips, made beforehand and kept in a result file: embedding a thousand clips in
six descriptions takes longer than a reader waits (chapter "The emotion space").
"""

# B clip, N emotion
from __future__ import annotations

import base64
import zlib
from collections.abc import Sequence
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from elp.book import analysis
from elp.book.widgets.map import COMPONENTS, Moves, deflated, moves, packed_bytes
from elp.face.model import FaceModel
from elp.listener.responder import ELPResponder


class Atlas(NamedTuple):
    """What `elp.book.widgets.clip_map` draws.

    Attributes:
        layouts: title -> (B, 2) positions in 0 to 255, upwards.
        labels: "emotion", "random label", "listener" and "split" -> (B,) words.
        shown: the motion that the model decodes for each clip.
    """

    layouts: dict[str, NDArray[np.uint8]]
    labels: dict[str, Sequence[str]]
    shown: Moves


def by_lot(labels: NDArray[Any]) -> NDArray[Any]:
    """The labels (B,) in an order that has nothing to do with the clips."""
    return np.random.default_rng(0).permutation(labels)


def atlas(responder: ELPResponder, codes: analysis.Codes) -> Atlas:
    """B clips in five descriptions: V, U, U of random labels, the decoded motion, and the
    speaker's style.
    """
    label, size = codes.emotion, codes.categories
    wide, own = len(codes.emotions) * size, analysis.decode(responder, codes, codes.emotion)
    features = {
        "V": analysis.histogram(codes.base, size),
        "U": analysis.histogram(codes.u() - 1, wide),
        "random block": analysis.histogram(codes.u(by_lot(label)) - 1, wide),
        "decoded motion": analysis.summary(own),
        "speaker's style": codes.style,
    }
    layouts = {
        name: _levels(analysis.embed(analysis.reduce(x), "tsne")) for name, x in features.items()
    }
    model: Any = responder.model
    mean, std = model.beta_mean.numpy(), model.beta_std.numpy()
    shown = moves(own * std + mean, FaceModel.default())
    words = [codes.emotions[n] for n in label]
    people = [short(name) for name in codes.listener]
    return Atlas(layouts, _labels(words, people, codes.split.tolist()), shown)


def short(listener: str) -> str:
    """A listener's name in few letters: the corpus's seed and the person's own letter."""
    return f"{listener.split(':')[0]}/{listener[-1]}"


def _levels(xy: NDArray[np.floating[Any]]) -> NDArray[np.uint8]:
    low, high = xy.min(0), xy.max(0)
    return np.round(255 * (xy - low) / np.maximum(high - low, 1e-9)).astype(np.uint8)


def _labels(emotion: list[str], listener: list[str], split: list[str]) -> dict[str, Sequence[str]]:
    lot = by_lot(np.array(emotion)).tolist()
    return {"emotion": emotion, "random label": lot, "listener": listener, "split": split}


def record(atlas: Atlas) -> dict[str, Any]:
    """What a result file keeps of it."""
    told = zip(*(atlas.labels[key] for key in ("listener", "emotion", "split")), strict=True)
    return {
        "clips": len(atlas.shown.weights),
        # clips in a row of one listener, emotion and split
        "rows": [f"{' '.join(words)} {len(list(group))}" for words, group in groupby(told)],
        "layouts": {name: packed_bytes(xy) for name, xy in atlas.layouts.items()},
        "faces": packed_bytes(np.vstack([atlas.shown.middle, atlas.shown.axes])),
        "weights": deflated(atlas.shown.weights),
    }


def read(found: dict[str, Any]) -> Atlas:
    """The atlas of a result file's `record`."""
    rows = [row for *row, count in map(str.split, found["rows"]) for _ in range(int(count))]
    listener, emotion, split = (list(column) for column in zip(*rows, strict=True))
    layouts = {
        name: np.frombuffer(base64.b64decode(text), np.uint8).reshape(-1, 2)
        for name, text in found["layouts"].items()
    }
    data = zlib.decompress(base64.b64decode(found["weights"]))
    weights = np.frombuffer(data, np.int8).reshape(COMPONENTS, found["clips"], -1)
    faces = np.frombuffer(base64.b64decode(found["faces"]), np.float32)
    middle, *axes = faces.reshape(1 + COMPONENTS, -1)
    shown = Moves(middle, np.array(axes), weights.transpose(1, 2, 0))
    return Atlas(layouts, _labels(emotion, listener, split), shown)
