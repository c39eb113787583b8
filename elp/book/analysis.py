"""What lies where in the emotion space: codes of many clips, their embeddings, and how separable
they are (chapter "The emotion space").
"""

# B clip, T frame, H head, V category, N emotion, D coefficient, F feature
from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from elp.corpus import Corpus
from elp.errors import ElpError
from elp.listener.responder import ELPResponder
from elp.motion import CLIP, Clip

Ints = NDArray[np.int64]
Floats = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, eq=False)
class Codes:
    """Codes of B clips of T frames (chapter "The emotion space").

    Attributes:
        base: (B, T, H) int64 in [0, V), the category each head took: the Base Space, before any
            emotion.
        emotion: (B,) int64 in [0, N), the listener's label in the corpus.
        listener: (B,) the person who listened. recording: (B,) the answer that a clip was cut from.
        split: (B,) "train", "val" or "test", where the corpus has that listener.
        style: (B, S) float32, the mean over the clip of what the encoder reads of the speaker.
        real: (B, T, D) float32, what that listener's face really did: β, standardised with the
            model's statistics.
        categories: V. emotions: their names, in order.
    """

    base: Ints
    emotion: Ints
    listener: NDArray[Any]
    recording: NDArray[Any]
    split: NDArray[Any]
    style: Floats
    real: Floats
    categories: int
    emotions: tuple[str, ...]

    def part(self, chosen: slice | Ints) -> Codes:
        """Some of the clips."""
        names = [f.name for f in fields(self) if f.name not in ("categories", "emotions")]
        return replace(self, **{name: getattr(self, name)[chosen] for name in names})

    def u(self, emotion: Ints | None = None) -> Ints:
        """U of the clips: `emotion · V + category + 1`, (B, T, H) in [1, N V] (Eq 2); by default
        with the corpus's labels.
        """
        e = self.emotion if emotion is None else emotion
        return e[:, None, None] * self.categories + self.base + 1


@torch.no_grad()
def encode(
    responder: ELPResponder, corpora: Iterable[Corpus], *, stride: int = 25, seed: int = 0
) -> Codes:
    """Sample the Base Space codes of every clip of `CLIP` frames, e inferred from the speaker.

    Args:
        responder: the model; its temperature and correlation are used as in generation.
        corpora: read whole, all splits.
        stride: frames from one clip's start to the next one's.
        seed: of the samples.

    Raises:
        ElpError: no pair is long enough, or a corpus has other emotions than the model.
    """
    generator, model = torch.Generator().manual_seed(seed), responder.model
    rows: list[tuple[Any, ...]] = []
    for corpus in corpora:
        if tuple(corpus.emotions) != tuple(responder.emotions):
            own, known = ", ".join(corpus.emotions), ", ".join(responder.emotions)
            raise ElpError(f"{corpus.folder}: emotions {own}, the model knows {known}")
        name = corpus.card.get("seed", "")
        pairs = [pair for pair in corpus.pairs().itertuples() if pair.length >= CLIP]
        speakers = [corpus.speaker(pair) for pair in pairs]
        traces = responder.trace_all(speakers, ["auto"] * len(pairs), generator=generator)
        for pair, speaker, (_, words) in zip(pairs, speakers, traces, strict=True):
            beta = torch.as_tensor(corpus.listener(pair).beta)
            motion = model.standardise("beta", beta).numpy()
            codes, style = (words - 1) % model.config.categories, speaker_style(responder, speaker)
            who = (pair.emotion, f"{name}:{pair.listener}", f"{name}:{pair.clip}", pair.split)
            for start in range(0, pair.length - CLIP + 1, stride):
                cut = slice(start, start + CLIP)
                rows.append((codes[cut], *who, style[cut].mean(0), motion[cut]))
    if not rows:
        raise ElpError(f"no pair of {CLIP} frames in these corpora: take longer ones")
    base, emotion, listener, recording, split, style, real = (
        np.asarray(column) for column in zip(*rows, strict=True)
    )
    return Codes(
        base=base,
        emotion=emotion.astype(np.int64),
        listener=listener,
        recording=recording,
        split=split,
        style=style,
        real=real,
        categories=model.config.categories,
        emotions=tuple(responder.emotions),
    )


def speaker_style(responder: ELPResponder, speaker: Clip) -> Floats:
    """What the encoder reads of a speaker of T frames: s_sty (T, S) float32 (Eq 1)."""
    mfcc, beta, pose = responder.speaker.clip(speaker)
    model = responder.model
    return model.style(mfcc, model.motion_style(beta, pose))[0].numpy()


@torch.no_grad()
def decode(responder: ELPResponder, codes: Codes, emotion: Ints, batch: int = 64) -> Floats:
    """The face that D1 makes of the codes under any labels: β (B, T, D) float32, standardised.

    Args:
        emotion: (B,) the emotion to decode with, for the corpus's own labels `codes.emotion`.
    """
    found = []
    for start in range(0, len(codes.base), batch):
        cut = slice(start, start + batch)
        e = torch.nn.functional.one_hot(torch.as_tensor(emotion[cut]), len(codes.emotions)).float()
        base, e = torch.as_tensor(codes.base[cut]), e[:, None].expand(-1, CLIP, -1)
        found.append(responder.decoder.standardised(base, e)[0].numpy())
    return np.concatenate(found)


def histogram(codes: Ints, size: int) -> Floats:
    """How often each head takes each value in a clip: (B, T, H) integers in
    [0, size) -> (B, H · size) float32, sums to H.

    Order in time is dropped, so that two clips in which the same happens at
    different moments lie near each other.
    """
    clips, frames, heads = codes.shape
    out = np.zeros((clips, heads, size), np.float32)
    clip = np.arange(clips)[:, None, None]
    head = np.arange(heads)[None, None]
    np.add.at(out, (clip, head, codes), 1 / frames)
    return out.reshape(clips, -1)


def summary(motion: Floats) -> Floats:
    """Mean and standard deviation over time of each coefficient: (B, T, F) -> (B, 2 F)."""
    return np.concatenate([motion.mean(1), motion.std(1)], -1)


def reduce(features: Floats, size: int = 50) -> Floats:
    """Principal components, the usual first step before t-SNE and UMAP: (B, F) -> (B, min(size, F,
    B)).
    """
    from sklearn.decomposition import PCA

    size = min(size, *features.shape)
    return PCA(size, svd_solver="randomized", random_state=0).fit_transform(features)


def embed(
    features: Floats, method: Literal["tsne", "umap"], *, seed: int = 0, neighbours: int = 30
) -> Floats:
    """Two dimensions for a picture: (B, F) -> (B, 2). Distances between far clusters mean nothing
    in it.

    Args:
        method: "tsne" (van der Maaten & Hinton 2008) or "umap" (McInnes et al. 2018; about 10 s to
            load).
        neighbours: t-SNE's perplexity, UMAP's n_neighbors.
    """
    if method == "tsne":
        from sklearn.manifold import TSNE

        return TSNE(
            perplexity=neighbours, init="pca", learning_rate="auto", random_state=seed, n_jobs=1
        ).fit_transform(features)
    if method == "umap":
        import warnings

        from umap import UMAP

        with warnings.catch_warnings():
            # says that a seed means one thread, which is what we ask for
            warnings.simplefilter("ignore")
            return np.asarray(
                UMAP(n_neighbors=neighbours, random_state=seed, n_jobs=1).fit_transform(features)
            )
    raise ElpError(f"unknown embedding {method!r}: choose tsne or umap")


def separability(
    features: Floats, labels: Ints, groups: NDArray[Any], *, neighbours: int = 5, folds: int = 5
) -> dict[str, float]:
    """How well labels can be told from features, in the full space and never in a picture.

    Args:
        features: (B, F). labels: (B,) integers. groups: (B,) persons; nobody is both in training
            and in test.

    Returns:
        "accuracy" of a k-nearest-neighbour vote, balanced over the labels, cross-validated over
            persons, in [0, 1];
        "chance", what guessing gives; "silhouette" in [-1, 1] (Rousseeuw 1987), 0 where clusters
            overlap.
    """
    from sklearn.metrics import balanced_accuracy_score, silhouette_score
    from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict
    from sklearn.neighbors import KNeighborsClassifier

    vote = KNeighborsClassifier(neighbours)
    split = StratifiedGroupKFold(min(folds, len(set(groups))), shuffle=True, random_state=0)
    said = cross_val_predict(vote, features, labels, groups=groups, cv=split)
    return {
        "accuracy": float(balanced_accuracy_score(labels, said)),
        "chance": 1 / len(set(labels.tolist())),
        "silhouette": float(silhouette_score(features, labels)),
    }
