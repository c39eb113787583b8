"""Every row of the tables, once: what it is, how it is trained, how it answers. The command line,
`experiments/tables.py` and the book read this list (chapter "Add a method").
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import torch

from elp import baselines
from elp.baselines.simple import SEGMENT
from elp.corpus.format import Corpus
from elp.errors import ElpError
from elp.evaluation.answers import Answerer
from elp.evaluation.bounds import (
    FirstFrame,
    GroundTruth,
    Oracle,
    ShuffledPair,
    UnseenListener,
)
from elp.evaluation.trainings import ELPTraining, L2LTraining, RegressionTraining, Training
from elp.listener.contract import Emotion, Responder
from elp.listener.responder import ELPResponder
from elp.model import checkpoint
from elp.model.config import ASEConfig
from elp.motion import Clip, Motion


@dataclass(frozen=True, kw_only=True)
class Method:
    """A row of the tables.

    Attributes:
        name: of the row.
        build: what answers, made of the corpus and, where there is a `training`, of the trained
            model.
        training: what it waits for; None where nothing is learned.
        bound: it looks at the true listener or answers as a constant, and does not compete.
        draws: its answers differ from sample to sample.
        simulated: it needs the simulator, and so a simulated corpus.
        shipped: name of the checkpoint that it is, which needs a corpus of its own emotions and
            coefficients.
        steered: it is asked whether it shows the emotion that it is told.
        infers: it is asked how often its e' is the listener's emotion.
        retrieves: it looks for pieces of training conversations.
        table: of the paper; 3 is the sweep over the number of heads.
    """

    name: str
    build: Callable[[Corpus, Responder | None], Answerer]
    training: Training | None = None
    bound: bool = False
    draws: bool = True
    simulated: bool = False
    shipped: str | None = None
    steered: bool = False
    infers: bool = False
    retrieves: bool = False
    table: int = 1

    def fits(self, corpus: Corpus) -> bool:
        """Whether the corpus has what the row needs."""
        return not self.lacks(corpus)

    def lacks(self, corpus: Corpus) -> str:
        """What the row needs and the corpus has not, in words that follow its folder; else ""."""
        if self.simulated and not str(corpus.card.get("source", "")).startswith("simulated"):
            return "was not simulated"
        if self.retrieves and corpus.pairs("train")["length"].max() < SEGMENT:
            return f"has no training pair of {SEGMENT} frames"
        if self.shipped is not None:
            config = _config(self.shipped)
            theirs = corpus.beta.shape[1], tuple(corpus.emotions)
            if (config.beta, config.emotions) != theirs:
                return f"has other coefficients or emotions than {self.shipped!r}"
            if corpus.prosody is None:
                return "has no prosody"
        return ""

    def samples(self, wanted: int) -> int:
        """How many answers to each speaker tell more than one."""
        return wanted if self.draws else 1


@cache
def _config(shipped: str) -> ASEConfig:
    return checkpoint.load(shipped)[0].config


class WithoutEmotion:
    """A method that is not told the listener's emotion, and infers it."""

    def __init__(self, method: Responder) -> None:
        self.method = method

    def respond(
        self, speaker: Clip, emotion: Emotion = None, *, generator: torch.Generator
    ) -> Motion:
        return self.method.respond(speaker, None, generator=generator)


def _bound(name: str, kind: Callable[[], Answerer], **options: Any) -> Method:
    return Method(name=name, build=lambda corpus, trained: kind(), bound=True, **options)


def _retrieval(by: Literal["motion", "audio"]) -> Method:
    def build(corpus: Corpus, trained: Responder | None) -> Answerer:
        return baselines.NearestNeighbour(corpus, by)

    return Method(name=f"NN-{by}", build=build, draws=False, retrieves=True)


def _retrieval_in(by: Literal["motion", "audio"], training: ELPTraining) -> Method:
    """Table 2: a trained model answers the nearest training speaker."""

    def build(corpus: Corpus, trained: Responder | None) -> Answerer:
        return baselines.RetrievedSpeaker(corpus, by, _elp(trained))

    return Method(
        name=f"NN-{by}+{training.space}", build=build, training=training, retrieves=True, table=2
    )


def _random_codes(training: ELPTraining, *, steered: bool = False) -> Method:
    """Table 2: random codewords through a trained model's decoders."""
    return Method(
        name=f"DLS-Random+{training.space}",
        build=lambda corpus, trained: baselines.RandomCodes(_elp(trained).model),
        training=training,
        steered=steered,
        table=2,
    )


def responder(method: Answerer) -> ELPResponder:
    """The model of a row that infers e'."""
    found = method.method if isinstance(method, WithoutEmotion) else method
    assert isinstance(found, ELPResponder)
    return found


def _trained(training: Training, **options: Any) -> Method:
    return Method(name=training.name, build=_itself, training=training, **options)


def _first_frame(training: RegressionTraining | L2LTraining, *, draws: bool) -> Method:
    """A baseline that is shown the true listener's first frame, and so does not compete."""

    def build(corpus: Corpus, trained: Responder | None) -> Answerer:
        assert isinstance(trained, baselines.RLHG | baselines.L2L)
        return FirstFrame(trained)

    name = f"{training.name}, first frame"
    return Method(name=name, build=build, training=training, bound=True, draws=draws)


def _independent(corpus: Corpus, trained: Responder | None) -> Answerer:
    """Every frame's codes and blink drawn anew, as Eq 2 may be read."""
    return ELPResponder(_elp(trained).model, correlation=0.0, blink_correlation=0.0)


def _shipped(name: str) -> Method:
    """A checkpoint that ships, trained once, on other conversations than the tables'."""

    def build(corpus: Corpus, trained: Responder | None) -> Answerer:
        return ELPResponder.from_checkpoint(name)

    return Method(name=name, build=build, shipped=name, steered=True, infers=True)


def _shipped_shown(name: str) -> Method:
    """The same, shown the true listener's first frame."""

    def build(corpus: Corpus, trained: Responder | None) -> Answerer:
        return FirstFrame(ELPResponder.from_checkpoint(name))

    return Method(name=f"{name}, first frame", build=build, shipped=name, bound=True)


def _itself(corpus: Corpus, trained: Responder | None) -> Responder:
    assert trained is not None
    return trained


def _elp(trained: Responder | None) -> ELPResponder:
    assert isinstance(trained, ELPResponder)
    return trained


ELP_U, ELP_V = ELPTraining(name="ELP-U"), ELPTraining(name="ELP-V", space="V")
RLHG, PCH = RegressionTraining(name="RLHG"), RegressionTraining(name="PCH", residual=True)
L2L = L2LTraining(name="L2L", long=True)
AS_PRINTED = ELPTraining(name="ELP-U, as printed", printed=True, exact=True, long=True)
LINEAR = ELPTraining(name="ELP-U, e inferred linearly", emotion_branch="linear")
EVENTS = ELPTraining(name="ELP-U, events", recipe_name="listener", causal=True, long=True)
METHODS = (
    _bound("GT", GroundTruth, draws=False),
    _bound("oracle", Oracle, simulated=True),
    _bound("another listener", UnseenListener, simulated=True),
    _bound("stranger", ShuffledPair),
    Method(
        name="mean face",
        build=lambda corpus, trained: baselines.MeanFace(corpus),
        bound=True,
        draws=False,
    ),
    _first_frame(RLHG, draws=False),
    _first_frame(PCH, draws=False),
    _first_frame(L2L, draws=True),
    _shipped_shown("listener"),
    Method(name="Random", build=lambda corpus, trained: baselines.RandomListener(corpus)),
    _retrieval("motion"),
    _retrieval("audio"),
    _trained(RLHG, draws=False, steered=True),
    _trained(PCH, draws=False, steered=True),
    _trained(L2L, steered=True),
    Method(name=AS_PRINTED.name, build=_independent, training=AS_PRINTED, steered=True),
    _trained(ELPTraining(name="ELP-V, Eq 3", space="V", printed=True, long=True)),
    _trained(ELPTraining(name="ELP-U, Eq 3", printed=True, long=True), steered=True, infers=True),
    _trained(ELPTraining(name="ELP-U, Eq 1", raw_motion=False), infers=True),
    _trained(ELPTraining(name="ELP-U, causal", causal=True), infers=True),
    _trained(ELP_V, steered=True),
    _trained(ELPTraining(name="ELP-V+e", space="V+e"), steered=True),
    _trained(ELP_U, steered=True, infers=True),
    Method(name="ELP-U, independent draws", build=_independent, training=ELP_U),
    Method(
        name="ELP-U, e inferred",
        build=lambda corpus, trained: WithoutEmotion(_elp(trained)),
        training=ELP_U,
    ),
    Method(
        name=LINEAR.name,
        build=lambda corpus, trained: WithoutEmotion(_elp(trained)),
        training=LINEAR,
        infers=True,
    ),
    _trained(EVENTS, steered=True, infers=True),
    _shipped("listener"),
    *(_retrieval_in(by, model) for by in ("motion", "audio") for model in (ELP_V, ELP_U)),
    _random_codes(ELP_V),
    _random_codes(ELP_U, steered=True),
)
BOUNDS = tuple(method.name for method in METHODS if method.bound)


def with_heads(heads: Sequence[int]) -> tuple[Method, ...]:
    """The rows of Table 3: ELP-U with these numbers of heads."""
    models = [ELPTraining(name=f"ELP-U H={h}", heads=h) for h in heads]
    return tuple(_trained(model, table=3) for model in models)


def method(name: str) -> Method:
    """A row by its name; raises ElpError with the known names."""
    known = {m.name: m for m in METHODS}
    if name not in known:
        raise ElpError(f"no method {name!r} in the tables: choose one of {'; '.join(known)}")
    return known[name]


def answerers(
    corpus: Corpus,
    names: Sequence[str] = (),
    *,
    models: Path | None = None,
    device: str = "cpu",
) -> dict[str, list[Answerer]]:
    """What `evaluate` asks for: name -> what answers, once for each seed.

    Args:
        corpus: what baselines look up, and learned.
        names: of rows; by default all that the corpus fits and whose model is there.
        models: folder of trained models, as `experiments/tables.py` leaves them.
        device: of the learned baselines.

    Raises:
        ElpError: an unknown name, or a row that was asked for and whose model is not there, or for
            which the corpus is none that was simulated.
    """
    found: dict[str, list[Answerer]] = {}
    for row in [method(name) for name in names] or METHODS:
        built = _built(row, corpus, models, device) if row.fits(corpus) else []
        if built:
            found[row.name] = built
        elif names:
            raise ElpError(f"{row.name}: {_missing(row, corpus, models)}")
    return found


def _built(row: Method, corpus: Corpus, models: Path | None, device: str) -> list[Answerer]:
    if row.training is None:
        return [row.build(corpus, None)]
    paths = row.training.found(models) if models is not None and models.is_dir() else []
    return [row.build(corpus, row.training.load(corpus, path, device)) for path in paths]


def _missing(row: Method, corpus: Corpus, models: Path | None) -> str:
    if lacking := row.lacks(corpus):
        return f"{corpus.folder} {lacking}"
    assert row.training is not None
    return f"no trained {row.training.name} in {models or 'any folder of models'}"
