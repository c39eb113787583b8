"""The two models that ship, on the test speakers of the corpus they were made for (chapter
"Training").

python experiments/shipped.py corpora/vico -o book/results/shipped.json
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from elp.corpus import Corpus
from elp.evaluation import tables
from elp.evaluation.bounds import GroundTruth, Oracle
from elp.evaluation.controllability import EmotionClassifier, controllability
from elp.evaluation.evaluate import evaluate
from elp.listener.responder import ELPResponder
from elp.model.checkpoint import PACKAGED
from elp.records import write_json


def main(corpus: Path, output: Annotated[Path, typer.Option("-o")], samples: int = 3) -> None:
    opened = Corpus.open(corpus)
    shipped = {name: ELPResponder.from_checkpoint(name) for name in PACKAGED}
    result = evaluate(
        opened,
        {"GT": GroundTruth(), "oracle": Oracle(), **shipped},
        samples=samples,
        against="small",
        progress=True,
    )
    classifier = EmotionClassifier(opened)
    result["control"] = {
        name: controllability(opened, responder, classifier) for name, responder in shipped.items()
    }
    result["trained"] = {
        name: {key: r.card[key] for key in ("commit", "command", "seed", "device", "date")}
        for name, r in shipped.items()
    }
    write_json(output, result)
    print(
        tables.table(result, [*tables.TABLE2, *tables.SYNCHRONY], intervals=False)
        .round(3)
        .T.to_string()
    )
    print({name: found["accuracy"] for name, found in result["control"].items()})


if __name__ == "__main__":
    typer.run(main)
