"""Every row of the tables, once: what it is, how it is trained, how it answers. The command line,
`experiments/tables.py` and the book read this list (chapter "Add a method").
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch

from elp import baselines
from elp.corpus.format import Corpus
from elp.errors import ElpError
from elp.evaluation.answers import Answerer
from elp.evaluation.bounds import GroundTruth, Oracle, ShuffledPair, UnseenListener
from elp.evaluation.trainings import ELPTraining, L2LTraining, RegressionTraining, Training
from elp.listener.contract import Emotion, Responder
from elp.listener.responder import ELPResponder
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
        steered: it is asked whether it shows the emotion that it is told.
        table: of the paper; 3 is the sweep over the number of heads.
    """

    name: str
    build: Callable[[Corpus, Responder | None], Answerer]
    training: Training | None = None
    bound: bool = False
    draws: bool = True
    simulated: bool = False
    steered: bool = False
    table: int = 1

    def fits(self, corpus: Corpus) -> bool:
        """Whether the corpus has what the row needs."""
        return not self.simulated or str(corpus.card.get("source", "")).startswith("simulated")

    def samples(self, wanted: int) -> int:
        """How many answers to each speaker tell more than one."""
        return wanted if self.draws else 1


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

    return Method(name=f"NN-{by}", build=build, draws=False)


def _retrieval_in(by: Literal["motion", "audio"], training: ELPTraining) -> Method:
    """Table 2: a trained model answers the nearest training speaker."""

    def build(corpus: Corpus, trained: Responder | None) -> Answerer:
        return baselines.RetrievedSpeaker(corpus, by, _elp(trained))

    return Method(name=f"NN-{by}+{training.space}", build=build, training=training, table=2)


def _random_codes(training: ELPTraining, *, steered: bool = False) -> Method:
    """Table 2: random codewords through a trained model's decoders."""
    return Method(
        name=f"DLS-Random+{training.space}",
        build=lambda corpus, trained: baselines.RandomCodes(_elp(trained).model),
        training=training,
        steered=steered,
        table=2,
    )


def _trained(training: Training, **options: Any) -> Method:
    return Method(name=training.name, build=_itself, training=training, **options)


def _itself(corpus: Corpus, trained: Responder | None) -> Responder:
    assert trained is not None
    return trained


def _elp(trained: Responder | None) -> ELPResponder:
    assert isinstance(trained, ELPResponder)
    return trained


ELP_U, ELP_V = ELPTraining(name="ELP-U"), ELPTraining(name="ELP-V", space="V")
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
    Method(name="Random", build=lambda corpus, trained: baselines.RandomListener(corpus)),
    _retrieval("motion"),
    _retrieval("audio"),
    _trained(RegressionTraining(name="RLHG"), draws=False, steered=True),
    _trained(RegressionTraining(name="PCH", residual=True), draws=False, steered=True),
    _trained(L2LTraining(name="L2L", long=True), steered=True),
    _trained(ELPTraining(name="ELP-V, Eq 3", space="V", printed=True, long=True)),
    _trained(ELPTraining(name="ELP-U, Eq 3", printed=True, long=True), steered=True),
    _trained(ELPTraining(name="ELP-U, Eq 1", raw_motion=False)),
    _trained(ELPTraining(name="ELP-U, causal", causal=True)),
    _trained(ELP_V, steered=True),
    _trained(ELP_U, steered=True),
    Method(
        name="ELP-U, e inferred",
        build=lambda corpus, trained: WithoutEmotion(_itself(corpus, trained)),
        training=ELP_U,
    ),
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
    if not row.fits(corpus):
        return f"{corpus.folder} was not simulated"
    assert row.training is not None
    return f"no trained {row.training.name} in {models or 'any folder of models'}"
