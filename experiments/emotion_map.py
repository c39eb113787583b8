"""The map of chapter "The emotion space": as many clips as the paper's Figure 7 shows, of people
whom the model that ships has not seen, in five descriptions, with the face decoded for each.

    python -m experiments.emotion_map -o book/results/emotion_map.json
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer

from elp.book import analysis, atlas
from elp.listener.responder import ELPResponder
from elp.records import commit, run_card, write_json
from elp.simulator import simulate

PEOPLE = range(101, 109)  # seeds of the conversations; the chapter's own clips are the first ones
CLIPS = 970  # of the paper's Figure 7


def main(
    output: Annotated[Path, typer.Option("-o")] = Path("book/results/emotion_map.json"),
    people: int = len(PEOPLE),
) -> None:
    started = time.time()
    commit()  # of the code that runs
    with tempfile.TemporaryDirectory() as folder:
        corpora = [
            simulate(f"{folder}/{seed}", "tiny", seed=seed, version=2) for seed in PEOPLE[:people]
        ]
        responder = ELPResponder.from_checkpoint()
        codes = analysis.encode(responder, corpora, stride=25).part(slice(CLIPS))
    found = atlas.record(atlas.atlas(responder, codes))
    card = run_card(seed=0, device="cpu", started=started)
    write_json(output, card | {"people": list(PEOPLE[:people])} | found)


if __name__ == "__main__":
    typer.run(main)
