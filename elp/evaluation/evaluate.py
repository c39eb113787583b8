"""Methods answer every test speaker; clips are measured once and resampled for intervals (chapter
"Results").
"""

# R run (a training seed and a sample), C clip, B bootstrap draw, L lag, K cluster
from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from elp import metrics
from elp.errors import ElpError
from elp.metrics.resample import Stats, summarise
from elp.motion import Motion
from elp.records import commit, run_card

if TYPE_CHECKING:
    from elp.corpus import Corpus
    from elp.listener.responder import Responder

# cm from the head's centre to the face: turns rotations (rad) into the centimetres that a face
# point moves
LEVER = 10.0
LEAST = 25  # frames seen in a clip below which it is left out


class Bound(Protocol):
    """A row of the table that may look at the true listener: ground truth, oracle."""

    def answer(self, corpus: Corpus, pair: Any, generator: torch.Generator) -> Motion: ...


class GroundTruth:
    """What the listener really did."""

    def answer(self, corpus: Corpus, pair: Any, generator: torch.Generator) -> Motion:
        return corpus.listener(pair)


class Oracle:
    """Another true response: the simulator again, same listener and mood, other chance. No method
    can be expected to beat it.
    """

    def answer(self, corpus: Corpus, pair: Any, generator: torch.Generator) -> Motion:
        from elp.simulator import oracle

        return oracle(corpus, pair, generator)


class Newcomer:
    """Another person in the listener's place: the simulator answers this speaker in this mood as
    somebody whom no split has met.

    A method that is not told who listens cannot be expected to do better by answering as a real
    person would.
    """

    def answer(self, corpus: Corpus, pair: Any, generator: torch.Generator) -> Motion:
        from elp.simulator import oracle

        person = int(torch.randint(10_000, 2**31, (1,), generator=generator))
        return oracle(corpus, pair, generator, listener=person)


class Stranger:
    """A real listener of another conversation of the same split: the level of chance for every kind
    of synchrony.
    """

    def answer(self, corpus: Corpus, pair: Any, generator: torch.Generator) -> Motion:
        people = {pair.speaker, pair.listener}
        others = [p for p in usable(corpus, pair.split) if p.clip != pair.clip]
        others = [p for p in others if not people & {p.speaker, p.listener}] or others
        if not others:
            raise ElpError(
                f"{corpus.folder}: one conversation only in the {pair.split} split: strangers need two"
            )
        chosen = others[int(torch.randint(len(others), (1,), generator=generator))]
        motion = corpus.listener(chosen)
        frames = np.arange(int(pair.length)) % len(motion)
        return Motion(
            beta=motion.beta[frames],
            pose=motion.pose[frames],
            blink=motion.blink[frames],
            valid=motion.valid[frames],
        )


def generate(
    corpus: Corpus,
    method: Responder | Bound,
    pairs: Sequence[Any],
    emotions: Sequence[str | None],
    generator: torch.Generator,
) -> list[Motion]:
    """One full-length answer to the speaker of each pair.

    Args:
        method: a Responder (if it has `respond_all(speakers, emotions, *, generator)`, all speakers
            are given at once) or a Bound.
        pairs: rows of `corpus.pairs`. emotions: name or None for each. generator: source of all
            randomness.

    Raises:
        ElpError: an answer is not as long as its speaker.
    """
    if hasattr(method, "answer"):
        return [method.answer(corpus, pair, generator) for pair in pairs]
    speakers = [corpus.speaker(pair) for pair in pairs]
    if hasattr(method, "respond_all"):
        answers = method.respond_all(speakers, list(emotions), generator=generator)
    else:
        answers = [
            method.respond(s, e, generator=generator)
            for s, e in zip(speakers, emotions, strict=True)
        ]
    for speaker, motion in zip(speakers, answers, strict=True):
        if len(motion) != len(speaker):
            raise ElpError(
                f"{type(method).__name__}: {len(motion)} frames for a speaker of {len(speaker)}: an answer must be as long"
            )
    return answers


def labels(corpus: Corpus, pairs: Sequence[Any]) -> list[str | None]:
    """The listener's true emotion of each pair, None where it is not known."""
    return [corpus.emotions[pair.emotion] if pair.emotion >= 0 else None for pair in pairs]


def usable(corpus: Corpus, split: str) -> list[Any]:
    """The split's pairs in which both people are seen in at least `LEAST` frames.

    Raises:
        ElpError: there is none.
    """
    pairs = [p for p in corpus.pairs(split).itertuples() if seen_frames(corpus, p).sum() >= LEAST]
    if not pairs:
        raise ElpError(
            f"{corpus.folder}: no pair of the {split} split shows both people for {LEAST} frames: nothing to evaluate"
        )
    return pairs


def measure(
    corpus: Corpus,
    method: Responder | Bound,
    *,
    samples: int = 3,
    seed: int = 0,
    split: str = "test",
    infer: bool = False,
) -> Stats:
    """Statistics of each clip, from which every metric, and its resampled intervals, follow.

    Args:
        method: answers with motion. samples: independent answers to each speaker. seed: of the
            answers.
        infer: do not tell the method the listener's emotion.

    Returns:
        name -> (samples, C, ...) float64; names end in what `summarise` makes of them.
    """
    pairs = usable(corpus, split)
    told = [None] * len(pairs) if infer else labels(corpus, pairs)
    scene = Scene(corpus, pairs)
    rows = []
    for sample in range(samples):
        generator = torch.Generator().manual_seed(1_000_003 * seed + sample)
        rows.append(scene.measure(generate(corpus, method, pairs, told, generator)))
    return {name: np.stack([row[name] for row in rows]) for name in rows[0]}


def seen_frames(corpus: Corpus, pair: Any) -> NDArray[np.bool_]:
    """(T,) frames of a pair in which both people are seen."""
    at = lambda offset: slice(int(offset), int(offset) + int(pair.length))  # noqa: E731
    return np.asarray(corpus.valid[at(pair.speaker_offset)]) & np.asarray(
        corpus.valid[at(pair.listener_offset)]
    )


def parts(
    motion: Motion, units: NDArray[np.floating[Any]] | float = 1.0
) -> dict[str, NDArray[np.float64]]:
    """What is measured: "facial" (T, Dβ), the coefficients, and "head" (T, 6), in cm, rotations at
    the end of a lever of 10 cm.

    Args:
        units: of the coefficients, `Corpus.units`.
    """
    lever = np.array([LEVER] * 3 + [1.0] * 3)
    return {"facial": motion.beta.astype(np.float64) / units, "head": motion.pose * lever}


def _signals(corpus: Corpus) -> dict[str, Callable[[Motion], NDArray[np.float64]]]:
    """Two movements in which people follow each other, alone: the mean over all coefficients drowns
    them.
    """
    from elp.face.model import FaceModel

    signals: dict[str, Callable[[Motion], NDArray[np.float64]]] = {
        "nod": lambda m: m.pose[:, :1].astype(np.float64)
    }
    model, names = FaceModel.default(), corpus.card.get("beta_names", [])
    if "AU12" in names:  # the lip corner puller
        signals["smile"] = lambda m: m.beta[:, [names.index("AU12")]].astype(np.float64)
    elif len(model.names) <= corpus.beta.shape[1] == len(model.expression):
        columns = [model.index("smile_l"), model.index("smile_r")]
        signals["smile"] = lambda m: m.beta[:, columns].mean(1, keepdims=True).astype(np.float64)
    return signals


class Scene:
    """The true clips of a split, prepared once: speakers, listeners, clusters, and what does not
    depend on a method.
    """

    def __init__(self, corpus: Corpus, pairs: Sequence[Any]) -> None:
        self.valid = [seen_frames(corpus, pair) for pair in pairs]
        self.units = corpus.units
        speakers = [parts(corpus.speaker(pair).motion, self.units) for pair in pairs]
        listeners = [corpus.listener(pair) for pair in pairs]
        self.blink = [m.blink.astype(np.float64)[:, None] for m in listeners]
        truth = [parts(m, self.units) for m in listeners]
        self.sets = {}
        for part, k in (("facial", metrics.EXPRESSION_CLUSTERS), ("head", metrics.POSE_CLUSTERS)):
            s, g = (
                [self._masked(x[part], v) for x, v in zip(xs, self.valid, strict=True)]
                for xs in (speakers, truth)
            )
            # an imported corpus may know no head pose
            moves = np.nanstd(np.concatenate(g), 0).max() > 0
            centres = metrics.cluster(
                g, min(k, sum(map(len, g)) // 2) if moves else 1, frames=20_000
            )
            self.sets[part] = (s, g, centres)
        self.signals = _signals(corpus)
        self.heard = {
            name: [signal(corpus.speaker(p).motion) for p in pairs]
            for name, signal in self.signals.items()
        }

    @staticmethod
    def _masked(x: NDArray[np.float64], valid: NDArray[np.bool_]) -> NDArray[np.float64]:
        return np.where(valid[:, None], x, np.nan)

    def measure(self, answers: Sequence[Motion]) -> Stats:
        """Statistics of one answer to each pair: name -> (C, ...)."""
        measured = [parts(m, self.units) for m in answers]
        stats: Stats = {}
        for part, (s, g, centres) in self.sets.items():
            p = [self._masked(x[part], v) for x, v in zip(measured, self.valid, strict=True)]
            stats |= {
                f"{part}_{name}": np.array(value)
                for name, value in _clip_stats(s, g, p, centres).items()
            }
        for name, signal in self.signals.items():
            rows = metrics.correlograms(
                self.heard[name], [signal(m) for m in answers], valid=self.valid
            )
            stats[f"{name}_wtlcc_sum"], stats[f"{name}_wtlcc_count"] = _summed(rows)
            stats[f"{name}_gain"] = metrics.gain_terms(
                self.heard[name], [signal(m) for m in answers], valid=self.valid
            )
        blink = [m.blink.astype(np.float64)[:, None] for m in answers]
        rows = metrics.correlograms(self.blink, blink, skip_still=True, valid=self.valid)
        stats["blink_wtlcc_sum"], stats["blink_wtlcc_count"] = _summed(rows)
        stats["blink_starts"] = np.array(
            [float((np.diff(b[:, 0], prepend=0) > 0).sum()) for b in blink]
        )
        stats["frames"] = np.array([float(len(b)) for b in blink])
        return stats


def _clip_stats(
    s: list[Any], g: list[Any], p: list[Any], centres: NDArray[np.float64]
) -> dict[str, Any]:
    def one(a: Any, b: Any, c: Any) -> dict[str, Any]:
        ok = ~np.isnan(b).any(1)
        step = np.diff(b - c, axis=0)
        step = step[~np.isnan(step).any(1)]
        x, y, z = a[ok], b[ok], c[ok]
        nearest = ((centres**2).sum(1) - 2 * z @ centres.T).argmin(1)
        return {
            "fd": metrics.gaussian_distance(y, z),
            "pfd": metrics.gaussian_distance(np.hstack([x, y]), np.hstack([x, z])),
            "l1": np.abs(y - z).mean(),
            "vd": z.var(0).mean(),
            "frcorr": metrics.ccc(y, z),
            "pcc": np.nanmean(metrics.pearson(x, z)),
            "pcc_gt": np.nanmean(metrics.pearson(x, y)),
            "sts": (step**2).sum() * 25.0,
            "steps": float(len(step)),
            "hist": np.bincount(nearest, minlength=len(centres)).astype(float),
        }

    rows = [one(*clips) for clips in zip(s, g, p, strict=True)]
    out: dict[str, Any] = {name: [row[name] for row in rows] for name in rows[0]}
    out["wtlcc_sum"], out["wtlcc_count"] = _summed(metrics.correlograms(s, p))
    return out


def _summed(rows: Iterable[NDArray[np.float64]]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    each = [(np.nansum(r, 0), (~np.isnan(r)).sum(0).astype(float)) for r in rows]
    return np.stack([total for total, _ in each]), np.stack([count for _, count in each])


def evaluate(
    corpus: Corpus,
    methods: Mapping[str, Responder | Bound | Sequence[Responder]],
    *,
    samples: int = 3,
    bootstrap: int = 1000,
    seed: int = 0,
    split: str = "test",
    infer: bool = False,
    against: str | None = None,
    progress: bool = False,
) -> dict[str, Any]:
    """Table 1's numbers of any methods on any corpus.

    Args:
        corpus: opened.
        methods: name -> what answers, or a list of them trained from different seeds.
        samples: answers of each to each speaker. bootstrap: draws. seed: of the answers and the
            draws.
        split: of the corpus. infer: the methods are not told the listener's emotion. against:
            method to compare the others with.

    Returns:
        The run's card with corpus, methods, contrasts; a JSON-able dict (chapter "Results" reads
            such files).

    Raises:
        ElpError: no usable pair, an answer of the wrong length, no methods.
    """
    from tqdm import tqdm

    if not methods:
        raise ElpError("no methods to evaluate: give at least one")
    started = time.time()
    commit()  # of the code that answers
    runs: dict[str, list[Stats]] = {}
    for name, given in tqdm(
        methods.items(), desc="evaluating", unit="method", disable=not progress
    ):
        trained = list(given) if isinstance(given, Sequence) else [given]
        runs[name] = [
            measure(corpus, m, samples=samples, seed=seed + k, split=split, infer=infer)
            for k, m in enumerate(trained)
        ]
    found = summarise(runs, against=against, bootstrap=bootstrap, seed=seed)
    return (
        run_card(seed=seed, started=started)
        | corpus_card(corpus, split)
        | {"samples": samples, "bootstrap": bootstrap}
        | found
    )


def corpus_card(corpus: Corpus, split: str) -> dict[str, Any]:
    """What a result file says of its corpus."""
    pairs = usable(corpus, split)
    keep = ("name", "version", "seed", "emotions", "units", "source", "made")
    return {
        "corpus": {key: corpus.card[key] for key in keep if key in corpus.card}
        | {
            "split": split,
            "clips": len(pairs),
            "minutes": round(sum(int(p.length) for p in pairs) / 1500, 2),
        }
    }
