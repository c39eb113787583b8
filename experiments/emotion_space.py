"""Panel (a) of the paper's Figure 7, the codes of a model trained without emotion for the same
clips as the map of chapter "The emotion space"; and Figure 6, what such models show where one
speaker is answered twice, in chapter "The renderer".

    elp corpus simulate vico --simulator 2 --seed 1000 -o corpora/vico2-1000
    python -m experiments.emotion_space corpora/vico2-1000 -o book/results/emotion_space.json
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import typer

from elp.book import analysis, probes
from elp.corpus import Corpus
from elp.face.model import FaceModel
from elp.listener.responder import ELPResponder
from elp.records import commit, run_card, write_json
from elp.simulator import simulate
from elp.training import recipes
from elp.training.run import train

SHOWN = 5  # frames of an answer
PEOPLE = (101, 102)  # seeds of the conversations that the chapter's map shows
MODELS = {"V": "V", "V + e": "V+e", "U": "U"}  # name -> space that the model is trained with


def clips(folder: str) -> list[Corpus]:
    """The conversations that the chapter's map shows."""
    return [simulate(f"{folder}/{seed}", "tiny", seed=seed, version=2) for seed in PEOPLE]


def measured(codes: analysis.Codes) -> dict[str, Any]:
    """What the draws before any label say of the listener's emotion: a linear probe, and the mutual
    information of each head's category in bits, beside what permuted labels give.
    """
    features = analysis.histogram(codes.base, codes.categories)
    said = probes.linear_probe(features, codes.emotion, codes.listener)
    counts = probes.counted(codes.base, codes.recording, codes.categories)
    labels = probes.labels_of(codes.recording, codes.emotion)
    bits = probes.information(counts, labels)
    found = probes.balanced(codes.emotion, said, codes.listener)
    return {
        "probe": {key: round(value, 4) for key, value in found.items()},
        "bits": round(float(bits.mean()), 4),
        "bits_permuted": round(float(probes.shuffled(counts, labels).mean()), 4),
    }


def layout(codes: analysis.Codes) -> list[list[float]]:
    """Where t-SNE puts the clips."""
    features = analysis.reduce(analysis.histogram(codes.base, codes.categories))
    return np.round(analysis.embed(features, "tsne").astype(float), 1).tolist()


@torch.no_grad()
def answers(responder: ELPResponder, shown: list[Corpus]) -> dict[str, Any]:
    """Every speaker answered under both emotions with the same draws: how far the smile (mean of
    both sides, in standard deviations of the face model) is apart, with its 95 % interval over
    speakers, and five frames of the first answer.
    """
    smile = [FaceModel.default().index(name) for name in ("smile_l", "smile_r")]
    deviation = FaceModel.default().deviation[smile]
    apart, frames = [], {}
    for corpus in shown:
        for k, pair in enumerate(corpus.pairs().itertuples()):
            level = {}
            for emotion in ("negative", "positive"):
                draws = torch.Generator().manual_seed(k)
                motion = responder.respond(corpus.speaker(pair), emotion, generator=draws)
                level[emotion] = float((motion.beta[:, smile] / deviation).mean())
                at = np.linspace(0, len(motion) - 1, SHOWN + 2).round().astype(int)[1:-1]
                if not k and corpus is shown[0]:
                    frames[emotion] = {
                        name: np.round(values[at].astype(float), 3).tolist()
                        for name, values in (("beta", motion.beta), ("pose", motion.pose))
                    }
            apart.append(level["positive"] - level["negative"])
    low, high = np.percentile([np.mean(x) for x in _resampled(np.array(apart))], [2.5, 97.5])
    told = {"mean": round(float(np.mean(apart)), 3), "low": round(float(low), 3)}
    return {"smile apart": told | {"high": round(float(high), 3)}, "frames": frames}


def _resampled(values: np.ndarray) -> Iterator[np.ndarray]:
    rng = np.random.default_rng(0)
    for _ in range(2000):
        yield rng.choice(values, len(values))


def main(
    corpus: Path,
    output: Annotated[Path, typer.Option("-o")] = Path("book/results/emotion_space.json"),
    work: Path = Path("runs/emotion-space"),
    device: str = "cpu",
    steps: int | None = None,
) -> None:
    started = time.time()
    commit()  # of the code that runs
    base = recipes.live()
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        shown = clips(folder)
        for name, space in MODELS.items():
            recipe = recipes.variant(base, f"live, {name}", space=space)
            if steps:
                recipe = replace(recipe, steps=steps)
            run = work / name.replace(" ", "")
            if not (run / "model.safetensors").exists():
                begun = (run / "state.safetensors").exists()
                train(recipe, Corpus.open(corpus), run, device=device, resume=begun)
            torch.set_num_threads(1)
            responder = ELPResponder.from_checkpoint(run / "model.safetensors")
            codes = analysis.encode(responder, shown)
            found[name] = measured(codes)
            print(name, found[name], flush=True)
            found[name] |= answers(responder, shown)
            if name == "V":
                found[name]["layout"] = layout(codes)
    used = torch.cuda.get_device_name() if device != "cpu" else device
    card = run_card(seed=base.seed, device=used, started=started)
    write_json(output, card | {"recipe": base.name, "people": PEOPLE, "models": found})


if __name__ == "__main__":
    typer.run(main)
