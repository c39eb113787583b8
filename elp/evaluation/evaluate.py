"""The numbers of the paper's tables, of any methods on any corpus (chapter "Results")."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from elp.corpus.format import Corpus
from elp.errors import ElpError
from elp.evaluation.answers import Answerer, usable
from elp.evaluation.bootstrap import summarise
from elp.evaluation.measure import Scene, Stats, measure
from elp.evaluation.units import units
from elp.motion import FPS
from elp.records import commit, run_card


def evaluate(
    corpus: Corpus,
    methods: Mapping[str, Answerer | Sequence[Answerer]],
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
        samples: answers of each to each speaker. bootstrap: draws of listeners (see
            `elp.evaluation.units`). seed: of the answers and the draws.
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
    scene = Scene(corpus, usable(corpus, split))
    runs: dict[str, list[Stats]] = {}
    shown = tqdm(methods.items(), desc="evaluating", unit="method", disable=not progress)
    for name, given in shown:
        trained = list(given) if isinstance(given, Sequence) else [given]
        runs[name] = [
            measure(corpus, m, samples=samples, seed=seed + k, infer=infer, scene=scene)
            for k, m in enumerate(trained)
        ]
    over = units(scene.pairs)
    found = summarise(runs, over, against=against, bootstrap=bootstrap, seed=seed)
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
    frames = sum(int(p.length) for p in pairs)
    return {
        "corpus": {key: corpus.card[key] for key in keep if key in corpus.card}
        | {"split": split, "clips": len(pairs), "minutes": round(frames / FPS / 60, 2)}
    }
