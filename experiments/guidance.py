"""How strongly should the listener be led away from a deaf one? The shipped listener with several
strengths of guidance, on validation speakers (chapter "A listener that follows").

    elp corpus simulate vico --simulator 2 --seed 11 -o corpora/vico2-11
    python experiments/guidance.py corpora/vico2-11 -o book/results/guidance.json
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from elp.corpus import Corpus
from elp.evaluation.bounds import GroundTruth, Oracle
from elp.evaluation.evaluate import evaluate
from elp.evaluation.tables import EVENTS, table
from elp.listener.responder import ELPResponder
from elp.records import write_json

STRENGTHS = (1.0, 1.25, 1.5, 2.0)


def main(corpus: Path, output: Annotated[Path, typer.Option("-o")], samples: int = 3) -> None:
    methods: dict[str, Any] = {"GT": GroundTruth(), "oracle": Oracle()}
    for strength in STRENGTHS:
        responder = ELPResponder.from_checkpoint(guidance=strength)
        methods[f"listener, guidance {strength:g}"] = responder
    result = evaluate(Corpus.open(corpus), methods, samples=samples, split="val", progress=True)
    result["trained"] = responder.card["commit"]
    result["shipped"] = ELPResponder.from_checkpoint().guidance
    write_json(output, result)
    print(table(result, EVENTS, intervals=False).round(3).T.to_string())


if __name__ == "__main__":
    typer.run(main)
