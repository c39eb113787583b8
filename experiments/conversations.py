"""Real conversations, measured: coupling against pseudo-pairs, and speech emotion on acted speech
(chapter "Real conversations").

    python experiments/conversations.py FOLDER [-o book/results/conversations.json]

FOLDER holds dyadic/vc_resolution_original.zip, dyadic/rmea_psychotherapy_25fps.npz,
emotional_speech/emodb and emotional_speech/ref2_analyzer. Nothing of it is copied into the result
but the figures.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from elp.corpus.emotion import CLASSES, HAPPY, Analyser, features
from elp.corpus.importers import import_corpus
from elp.evaluation.coupling import Coupling, coupling
from elp.records import run_card, write_json

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
        found = {
            name: described(coupling(calls, column))
            for column, name in enumerate(calls.card["beta_names"][:3])
        }
        energy = described(coupling(therapy, 0))
    card = run_card(seed=0, started=started, command="python experiments/conversations.py FOLDER")
    write_json(
        args.output,
        card
        | {
            "vc_resolution": found,
            "rmea": energy,
            "speech": speech(args.folder / "emotional_speech"),
        },
    )


if __name__ == "__main__":
    main()
