"""What lies where in the emotion space: codes of many clips, their embeddings, and how separable
they are (chapter "The emotion space").
"""

# B clip, T frame, H head, V category, N emotion, D coefficient, F feature
from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from elp import metrics
from elp.corpus import Corpus
from elp.errors import ElpError
from elp.listener.responder import ELPResponder
from elp.model.style import motion_style
from elp.motion import CLIP, POSE, Clip, Motion

Ints = NDArray[np.int64]
Floats = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, eq=False)
class Codes:
    """Codes of B clips of T frames (chapter "The emotion space").

    Attributes:
        base: (B, T, H) int64 in [0, V), the category each head took: the Base Space, before any
            emotion.
        emotion: (B,) int64 in [0, N), the listener's label in the corpus.
        listener: (B,) the person who listened.
        real: (B, T, D + 6) float32, what that listener really did: β and p, standardised with the
            model's statistics.
        categories: V. emotions: their names, in order.
    """

    base: Ints
    emotion: Ints
    listener: NDArray[Any]
    real: Floats
    categories: int
    emotions: tuple[str, ...]

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
    """Sample the Base Space codes of every clip of `CLIP` frames.

    Args:
        responder: the model; its temperature and correlation are used as in generation.
        corpora: read whole, all splits.
        stride: frames from one clip's start to the next one's.
        seed: of the samples.

    Raises:
        ElpError: no pair is long enough, or a corpus has other emotions than the model.
    """
    generator, model = torch.Generator().manual_seed(seed), responder.model
    base, emotion, listener, real = [], [], [], []
    for corpus in corpora:
        if tuple(corpus.emotions) != tuple(responder.emotions):
            own, known = ", ".join(corpus.emotions), ", ".join(responder.emotions)
            raise ElpError(f"{corpus.folder}: emotions {own}, the model knows {known}")
        for pair in corpus.pairs().itertuples():
            if pair.length < CLIP:
                continue
            codes = base_codes(responder, corpus.speaker(pair), generator)
            heard = corpus.listener(pair)
            parts = [
                model.standardise("beta", torch.as_tensor(heard.beta)),
                model.standardise("pose", torch.as_tensor(heard.pose)),
            ]
            motion = torch.cat(parts, -1).numpy()
            for start in range(0, pair.length - CLIP + 1, stride):
                base.append(codes[start : start + CLIP])
                real.append(motion[start : start + CLIP])
                emotion.append(pair.emotion)
                listener.append(f"{corpus.card.get('seed', '')}:{pair.listener}")
    if not base:
        raise ElpError(f"no pair of {CLIP} frames in these corpora: take longer ones")
    return Codes(
        base=np.stack(base),
        emotion=np.asarray(emotion, np.int64),
        listener=np.asarray(listener),
        real=np.stack(real),
        categories=model.config.categories,
        emotions=tuple(responder.emotions),
    )


@torch.no_grad()
def style_of(responder: ELPResponder, speaker: Clip) -> Tensor:
    """The style feature of all frames of a speaker, (1, T, 334) standardised (Eq 1); 440 wide with
    β and p themselves.
    """
    model = responder.model
    mfcc, beta, pose = responder.speaker.clip(speaker)
    return model.style(mfcc, model.motion_style(beta, pose))


@torch.no_grad()
def base_codes(responder: ELPResponder, speaker: Clip, generator: torch.Generator) -> Ints:
    """The category that each head takes at each frame, (T, H) int64 in [0, V), for all frames of
    the speaker.
    """
    style, draws = style_of(responder, speaker), responder.sampler.start(generator)
    codes, _ = responder.codes(style, {}, draws)
    return codes[0].numpy()


@torch.no_grad()
def decode(responder: ELPResponder, codes: Codes, emotion: Ints, batch: int = 64) -> Floats:
    """The motion that the decoders make of the codes under any labels: (B, T, D + 6) float32,
    standardised.

    Args:
        emotion: (B,) the emotion to decode with, for the corpus's own labels `codes.emotion`.
    """
    found = []
    for start in range(0, len(codes.base), batch):
        cut = slice(start, start + batch)
        e = torch.nn.functional.one_hot(torch.as_tensor(emotion[cut]), len(codes.emotions)).float()
        base, e = torch.as_tensor(codes.base[cut]), e[:, None].expand(-1, CLIP, -1)
        beta, pose, _ = responder.decoder.standardised(base, e)
        found.append(torch.cat([beta, pose], -1).numpy())
    return np.concatenate(found)


def linear_baseline(
    corpus: Corpus,
    *,
    raw_motion: bool,
    lags: Sequence[int] = range(0, 50, 7),
    ridge: float = 1e5,
) -> dict[str, float]:
    """How well a line predicts the listener's smile and blinks from the
    speaker: a floor for every network.

    Ridge regression on the standardised input at several lags, by default
    of the last two seconds, fitted to the training split, clips' means
    taken out.

    Args:
        corpus: with "train" and "val" splits and the face model's β.
        raw_motion: whether the input is β and p themselves or the style of
            Eq 1 (without sound).
        lags: frames by which the speaker is earlier; below 0 later.
        ridge: weight of the squared slopes.

    Returns:
        "smile" and "blink": Pearson's r with what the real listener did,
            within clips, mean over the validation clips.

    Raises:
        ElpError: the corpus has no pair in one of the two splits.
    """
    from sklearn.linear_model import Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    clips = _heard_and_shown(corpus, "train", raw_motion, lags)
    # neighbouring frames say the same
    x, y = (np.concatenate(side)[::2] for side in zip(*clips, strict=True))
    scale = StandardScaler(with_mean=False)
    line = make_pipeline(scale, Ridge(ridge, fit_intercept=False)).fit(x, y)
    asked = _heard_and_shown(corpus, "val", raw_motion, lags)
    answers = [(line.predict(x), y) for x, y in asked]
    found = {}
    for k, name in enumerate(("smile", "blink")):
        moving = [(p[:, k], y[:, k]) for p, y in answers if y[:, k].any()]
        r = [np.corrcoef(*pair)[0, 1] for pair in moving]
        found[name] = float(np.mean(r))
    return found


def _heard_and_shown(
    corpus: Corpus, split: str, raw_motion: bool, lags: Sequence[int]
) -> list[tuple[Floats, Floats]]:
    """Of each clip what `linear_baseline` sees (T, F) and predicts (T, 2), means taken out."""
    from elp.face.model import FaceModel

    smile = [FaceModel.default().index(name) for name in ("smile_l", "smile_r")]
    width = corpus.beta.shape[1]
    mean, std = (
        np.concatenate([np.asarray(corpus.stats[name][k], np.float32) for name in ("beta", "pose")])
        for k in (0, 1)
    )
    found = []
    for pair in corpus.pairs(split).itertuples():
        heard, own = corpus.speaker(pair).motion, corpus.listener(pair)
        x = (np.concatenate([heard.beta, heard.pose], 1) - mean) / np.maximum(std, 1e-6)
        if not raw_motion:
            x = motion_style(*torch.from_numpy(x).split([width, POSE], 1)).numpy()
        past = np.concatenate(
            [x[np.clip(np.arange(len(x)) - lag, 0, len(x) - 1)] for lag in lags], 1
        )
        y = np.column_stack([own.beta[:, smile].mean(1), own.blink]).astype(np.float32)
        found.append((past - past.mean(0), y - y.mean(0)))
    if not found:
        raise ElpError(
            f"{corpus.folder}: no pair in the {split} split: "
            "a line is fitted to train and asked about val"
        )
    return found


def onsets(
    x: NDArray[np.floating[Any]], rise: float, *, before: int = 25, after: int = 75
) -> list[int]:
    """Frames at which a signal begins to rise, the steepest first, each at least two seconds from
    the others.

    Args:
        x: (T,) e.g. a smile. rise: least growth within one second, of half-second means. before,
            after: frames that must be there around an onset.
    """
    level = np.convolve(x, np.full(12, 1 / 12), "same")
    growth = np.concatenate([np.zeros(25), level[25:] - level[:-25]])
    found: list[int] = []
    for end in np.argsort(-growth, kind="stable"):
        if growth[end] < rise:
            break
        if all(abs(end - 20 - other) > 50 for other in found):
            # the last second was the steepest: it began with it, half a mean's width aside
            found.append(int(end) - 20)
    return [t for t in found if before <= t <= len(x) - after]


def histogram(codes: Ints, size: int) -> Floats:
    """How often each head takes each value in a clip: (B, T, H) integers in [0, size) -> (B, H ·
    size) float32, sums to H.

    Order in time is dropped, so that two clips in which the same happens at different moments lie
    near each other.
    """
    clips, frames, heads = codes.shape
    out = np.zeros((clips, heads, size), np.float32)
    where = np.arange(clips)[:, None, None], np.arange(heads)[None, None], codes
    np.add.at(out, where, 1 / frames)
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


def recognised(
    real: Floats, labels: Ints, generated: Floats, asked: Ints, *, neighbours: int = 5
) -> float:
    """Do real listeners recognise what was asked for? Balanced accuracy in [0, 1] of a vote by the
    nearest real clips.

    Args:
        real: (B, F) features of real motion, the voters; labels: (B,) what they were.
        generated: (C, F) features of generated motion; asked: (C,) the emotion it was decoded with.
    """
    from sklearn.metrics import balanced_accuracy_score
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.preprocessing import StandardScaler

    scale = StandardScaler().fit(real)
    vote = KNeighborsClassifier(neighbours).fit(scale.transform(real), labels)
    return float(balanced_accuracy_score(asked, vote.predict(scale.transform(generated))))


def explorer(
    responder: ELPResponder, speaker: Clip, *, seed: int = 0
) -> Callable[[float, int], tuple[Motion, Ints]]:
    """What `elp.book.widgets.listener` asks for: (emotion in [-1, 1], heads that draw) -> motion
    and codes U of one speaker's listener.

    Args:
        responder: a model with three emotions, negative, neutral, positive.
        speaker: T frames.
        seed: the same for all positions, so that what changes is what the sliders change. Heads
            that do not draw take their most probable category.
    """
    certain = ELPResponder(responder.model, temperature=0.0)
    with torch.no_grad():
        style = style_of(responder, speaker)
        (drawn, uniform), (likely, _) = (
            each.codes(style, {}, each.sampler.start(torch.Generator().manual_seed(seed)))
            for each in (responder, certain)
        )

    @torch.no_grad()
    def compute(emotion: float, heads: int) -> tuple[Motion, Ints]:
        e = torch.tensor([max(-emotion, 0), 1 - abs(emotion), max(emotion, 0)]).float()
        codes = torch.where(torch.arange(drawn.shape[-1]) < heads, drawn, likely)
        motion = responder.decoder(codes, e.expand(1, codes.shape[1], -1)).motion(uniform)
        return motion, codes[0].numpy() + 1 + int(e.argmax()) * responder.model.config.categories

    return compute


def peak(speaker: Sequence[Floats], listener: Sequence[Floats]) -> float:
    """Height of the correlogram's peak, WTLCC, of clips (T,) or (T, D): the larger, the closer."""
    return metrics.wtlcc(speaker, listener).peak


def smile(motion: Motion) -> Floats:
    """(T,) the smile's course: mean of the two sides' coefficients, in the model's unit."""
    from elp.face.model import FaceModel

    face = FaceModel.default()
    return motion.beta[:, [face.index("smile_l"), face.index("smile_r")]].mean(1)


def around_onsets(
    corpus: Corpus, split: str, models: Mapping[str, ELPResponder], *, draws: int = 3
) -> dict[str, Floats]:
    """The smile around each beginning of a speaker's smile, over the mean of the second before.

    Args:
        corpus: its speakers and real listeners. split: of the pairs that are read.
        models: name -> a responder, which answers each speaker under the listener's emotion.
        draws: answers a model gives, with seeds 0, 1, ...

    Returns:
        "speaker", "real listener" and each model's name -> (onsets, 100) the course from 25 frames
            before to 75 after; a model's has `draws` rows for each onset.
    """
    found: dict[str, list[Floats]] = {}
    for pair in corpus.pairs(split).itertuples():
        heard, emotion = corpus.speaker(pair), corpus.emotions[pair.emotion]
        at = onsets(smile(heard.motion), rise=0.8)
        if not at:
            continue
        seen = {"speaker": [heard.motion], "real listener": [corpus.listener(pair)]}
        for name, model in models.items():
            lots = [torch.Generator().manual_seed(seed) for seed in range(draws)]
            seen[name] = [model.respond(heard, emotion, generator=lot) for lot in lots]
        for who, motions in seen.items():
            courses = [smile(motion) for motion in motions]
            cuts = [c[t - 25 : t + 75] - c[t - 25 : t].mean() for c in courses for t in at]
            found.setdefault(who, []).extend(cuts)
    return {who: np.stack(cuts) for who, cuts in found.items()}
