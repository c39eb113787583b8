"""Real conversations, measured: coupling against pseudo-pairs, onsets after onsets, what a ridge
regression foretells of people whom it has not met, and speech emotion on acted speech (chapter
"Real conversations").

    python -m experiments.conversations FOLDER [-o book/results/conversations.json]

FOLDER holds dyadic/vc_resolution_original.zip, dyadic/vc_delay.zip,
dyadic/rmea_psychotherapy_25fps.npz, emotional_speech/emodb and emotional_speech/ref2_analyzer.
Nothing of it is copied into the result but the figures.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from elp.corpus import Corpus
from elp.corpus.emotion import CLASSES, HAPPY, Analyser, features
from elp.corpus.importers import import_corpus
from elp.evaluation.coupling import Coupling, coupling, signals
from elp.records import run_card, write_json
from experiments import following
from experiments.simulator_rows import SEED, simulated_minutes, simulated_pairs

DELAYS = (0, 500, 1000)  # ms, of VC-delay
SMOOTH = 1.0  # s, of VC-delay's signals and of all body motion whose onsets are sought
MINUTES = 100  # of the simulator, one a meeting, to learn from and as many to foretell

SPEECH = {
    "anger": "angry",
    "fear": "fearful",
    "happiness": "happy",
    "sadness": "sad",
    "neutral": "calm",
}


def described(found: Coupling) -> dict[str, Any]:
    met = np.eye(len(found.dyads), dtype=bool)
    return {
        "dyads": len(found.dyads),
        "real": round(float(found.dyads[met].mean()), 4),
        "pseudo": round(float(found.dyads[~met].mean()), 4),
        "real_each": rounded(found.dyads[met]),
        "pseudo_each": rounded(found.dyads[~met]),
        "t": round(found.t, 3),
        "p_t": float(f"{found.p_t:.3g}"),
        "p_permutation": float(f"{found.p_permutation:.3g}"),
        "lags": rounded(found.lags),
        "real_at_lag": rounded(found.real),
        "pseudo_at_lag": rounded(found.pseudo),
    }


def of_delay(corpus: Corpus, milliseconds: int) -> Corpus:
    """The conversations of VC-delay that had this delay."""
    return replace(
        corpus, index=corpus.index[corpus.index["clip"].str.endswith(f"_{milliseconds}ms")]
    )


def columns_of(corpus: Corpus, smooth: float = 0.0) -> list[following.Unit]:
    """Every dyad's sessions, all columns of β of both people."""
    width = range(corpus.beta.shape[1])
    each = [signals(corpus, column, smooth=smooth, constant=True) for column in width]
    return [
        [
            tuple(np.stack([s[k] for s in session], 1) for k in range(2))
            for session in zip(*dyad, strict=True)
        ]
        for dyad in zip(*each, strict=True)
    ]


def onsets_after_onsets(corpus: Corpus) -> dict[str, Any]:
    """How much more often one begins after the other began, by name of the signal."""
    found = {}
    for column, name in enumerate(corpus.card["beta_names"]):
        # in body motion's noise from frame to frame nothing begins
        units = signals(corpus, column, smooth=SMOOTH if name == "log_body_motion" else 0.0)
        found[name] = following.modulated(units, following.onsets(name))
    return found


def foretold(corpus: Corpus) -> dict[str, Any]:
    """What the other's last 4 s tell of each signal, of dyads that the fit has not seen."""
    units, found = columns_of(corpus), {}
    for column, name in enumerate(corpus.card["beta_names"]):
        ridge = following.Ridge(following.both_ways(units, column))
        found[name] = ridge.scores(ridge.left_out())
    return found


def transferred(calls: Corpus) -> dict[str, Any]:
    """Smiles foretold from smiles: trained on people or a version of the simulator, tested on
    others of all three. A row is what was learned from, a column what was foretold.
    """
    smile = calls.card["beta_names"].index("AU12")
    people = [[(x[:, None], y) for x, y in unit] for unit in columns_smiled(calls, smile)]
    learned: dict[str, list[following.Unit]] = {"people": people}
    tested = dict(learned)
    for version in (1, 2):
        for sets, seed in ((learned, SEED + 1), (tested, SEED)):
            met = simulated_minutes(version, seed, MINUTES, 1)
            sets[f"v{version}"] = [[(x[:, None], y)] for x, y in simulated_pairs(met)]
    fits = {name: following.Ridge(units) for name, units in learned.items()}
    tests = {name: following.Ridge(units) for name, units in tested.items()}
    return {
        name: {
            other: test.scores(
                fit.left_out() if name == other == "people" else [fit.whole()] * len(test.units)
            )
            for other, test in tests.items()
        }
        for name, fit in fits.items()
    }


def columns_smiled(corpus: Corpus, column: int) -> list[following.Unit]:
    """One signal of every dyad's sessions, both ways."""
    return [
        [pair for x, y in unit for pair in ((x, y), (y, x))] for unit in signals(corpus, column)
    ]


def rounded(values: Any) -> list[float]:
    return [round(float(v), 4) for v in values]


def speech(folder: Path) -> dict[str, Any]:
    import soundfile

    table = pd.read_csv(folder / "emodb/labels.csv", dtype=str)
    heard = np.stack(
        [
            features(*soundfile.read(folder / "emodb" / name, dtype="float32"))
            for name in table["file"]
        ]
    )
    chances = Analyser(folder / "ref2_analyzer/Emotion_Voice_Detection_Model.h5").probabilities(
        heard
    )
    moods = np.array([name.split("_")[1] for name in CLASSES[:5]])
    said = moods[chances.reshape(-1, 2, 5).sum(axis=1).argmax(axis=1)]
    truth = table["emotion"].map(SPEECH)
    five = truth.notna().to_numpy()
    happy, told = (table["emotion"] == "happiness").to_numpy(), chances[:, HAPPY].sum(axis=1) >= 0.5
    counts = pd.crosstab(truth[five].to_numpy(), said[five]).reindex(
        index=moods, columns=moods, fill_value=0
    )
    return {
        "clips": len(table),
        "happy_clips": int(happy.sum()),
        "accuracy": round(float((told == happy).mean()), 4),
        "always_unpositive": round(float(1 - happy.mean()), 4),
        "balanced_accuracy": round(float((told[happy].mean() + (~told[~happy]).mean()) / 2), 4),
        "balanced_chance": 0.5,
        "five_clips": int(five.sum()),
        "five_accuracy": round(float((said[five] == truth[five]).mean()), 4),
        "five_chance": 0.2,
        "moods": moods.tolist(),
        "confusion": counts.to_numpy().tolist(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument(
        "-o", "--output", type=Path, default=Path("book/results/conversations.json")
    )
    args = parser.parse_args()
    started = time.time()
    with tempfile.TemporaryDirectory() as scratch:
        calls = import_corpus(
            "vc-resolution", args.folder / "dyadic/vc_resolution_original.zip", Path(scratch) / "vc"
        )
        therapy = import_corpus(
            "rmea", args.folder / "dyadic/rmea_psychotherapy_25fps.npz", Path(scratch) / "rmea"
        )
        delayed = import_corpus(
            "vc-delay", args.folder / "dyadic/vc_delay.zip", Path(scratch) / "delay"
        )
        found = {
            name: described(coupling(calls, column))
            for column, name in enumerate(calls.card["beta_names"])
        }
        by_delay = {
            str(ms): {
                name: described(coupling(of_delay(delayed, ms), column, smooth=SMOOTH))
                for column, name in enumerate(delayed.card["beta_names"])
            }
            for ms in DELAYS
        }
        energy = described(coupling(therapy, 0))
        follow = {
            "onsets": {
                "vc_resolution": onsets_after_onsets(calls),
                "vc_delay": onsets_after_onsets(delayed),
            },
            "foretold": {"vc_resolution": foretold(calls), "vc_delay": foretold(delayed)},
            "transferred": transferred(calls),
        }
    card = run_card(seed=0, started=started, command="python -m experiments.conversations FOLDER")
    write_json(
        args.output,
        card
        | {
            "vc_resolution": found,
            "vc_delay": by_delay,
            "smooth_s": SMOOTH,
            "rmea": energy,
            **follow,
            "speech": speech(args.folder / "emotional_speech"),
        },
    )


if __name__ == "__main__":
    main()
