"""What single heads do: how they use their categories, and which part of the face each moves
(chapter "The emotion space").
"""

# B clip, T frame, H head, V category, D coefficient, P mesh point, R region
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from elp.book.analysis import Codes, Ints
from elp.book.mesh import shaded
from elp.book.widgets.story import Frame
from elp.face.landmarks import LIDS, LIPS
from elp.face.model import FaceModel
from elp.listener.decoder import Decoder
from elp.listener.responder import ELPResponder
from elp.model.ase import ASE

Floats = NDArray[np.floating[Any]]
MM = 10.0  # in a centimetre, the face model's unit

# right, then left; lids and lips come from the rows of `elp.face.landmarks`
BROWS = (70, 63, 105, 66, 107, 46, 53, 52, 65, 55, 300, 293, 334, 296, 336, 276, 283, 282, 295, 285)
CHEEKS = (50, 101, 118, 117, 123, 187, 205, 36, 280, 330, 347, 346, 352, 411, 425, 266)
CHIN = (152, 148, 176, 149, 377, 400, 378, 175, 199, 200, 18, 171, 396, 140, 369)


def regions(model: FaceModel) -> dict[str, Ints]:
    """Parts of the face and the points (P,) of the model that belong to each."""
    rows = ("skin", "upper", "lower", "under")
    lids = sorted({k for eye in LIDS.values() for row in rows for k in eye[row]})
    lips = sorted({k for row in LIPS.values() for k in row})
    parts = {"brows": BROWS, "lids": lids, "cheeks": CHEEKS, "mouth": lips, "chin": CHIN}
    return {name: model.landmarks[np.asarray(points)] for name, points in parts.items()}


def entropy(counts: Floats) -> Floats:
    """Shannon entropy of how often each category is taken, in bits: (H, V) counts -> (H,)."""
    share = counts / counts.sum(-1, keepdims=True)
    return -(share * np.log2(np.where(share > 0, share, 1))).sum(-1)


def moved(beta: Floats, model: FaceModel, parts: Mapping[str, Ints]) -> Floats:
    """How far a change of coefficients moves each part of the face: (..., D) in corpus units ->
    (..., R) root mean square over a part's points, in millimetres.
    """
    found = []
    for points in parts.values():
        shift = np.tensordot(beta, model.expression[:, points], 1)
        found.append(np.sqrt(np.square(shift).sum(-1).mean(-1)))
    return MM * np.stack(found, -1)


@torch.no_grad()
def story_frame(
    responder: ELPResponder, codes: Ints, at: int, *, head: int = 0, size: int = 160
) -> Frame:
    """One frame of a response under every emotion, for `elp.book.widgets.story`.

    Args:
        codes: (T, H) in [0, V), the categories of the response. at: the frame. head: the one that
            the story follows. size: of the faces' pictures in pixels.
    """
    model, face, count = responder.model, FaceModel.default(), len(responder.emotions)
    every = torch.eye(count)[:, None].expand(-1, len(codes), -1)
    words = torch.as_tensor(codes)[None].expand(count, -1, -1)
    shapes = face.shape(beta=responder.decoder(words, every).beta[:, at].numpy())
    vectors = model.image_of(words, every)[:, :, at].transpose(1, 2).numpy()
    return Frame(
        categories=codes[at],
        size=model.config.categories,
        emotions=responder.emotions,
        vectors=vectors,
        faces=[shaded(points, face.triangles, size=size) for points in shapes],
        head=head,
    )


@torch.no_grad()
def sensitivity(
    model: ASE, codes: Codes, face: FaceModel, parts: Mapping[str, Ints], *, seed: int = 0
) -> Floats:
    """Which part of the face each head moves: (H, R) millimetres, the mean over frames of what
    changes where one head takes the categories that it took in another clip, all else equal.

    Args:
        codes: B clips; each is decoded H + 1 times.
    """
    decoder, scale = Decoder(model), np.asarray(model.beta_std)
    base = torch.as_tensor(codes.base)
    other = base[np.random.default_rng(seed).permutation(len(base))]
    e = torch.nn.functional.one_hot(torch.as_tensor(codes.emotion), len(codes.emotions)).float()
    e = e[:, None].expand(-1, base.shape[1], -1)
    plain = decoder.standardised(base, e)[0]
    found = []
    for head in range(base.shape[2]):
        changed = base.clone()
        changed[..., head] = other[..., head]
        change = (decoder.standardised(changed, e)[0] - plain).numpy() * scale
        found.append(moved(change, face, parts).mean((0, 1)))
    return np.stack(found)


def spread(betas: Floats, face: FaceModel, parts: Mapping[str, Ints]) -> Floats:
    """How much S answers to one speaker differ: (S, T, D) in corpus units -> (S, R), the distance
    in millimetres of each answer's part of the face from their mean, averaged over frames.
    """
    return moved(betas - betas.mean(0), face, parts).mean(1)


def spread_of_points(betas: Floats, face: FaceModel) -> Floats:
    """The same for every point of the face, over all answers: (S, T, D) -> (P,) millimetres."""
    shift = np.tensordot(betas - betas.mean(0), face.expression, 1)
    return MM * np.sqrt(np.square(shift).sum(-1).mean((0, 1)))
