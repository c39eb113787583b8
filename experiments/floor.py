"""How near to the true listener a method can come that is not told who listens (chapter "Results").

python experiments/floor.py -o book/results/floor.json
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from elp.corpus import Corpus
from elp.evaluation.evaluate import corpus_card
from elp.evaluation.floor import TERMS, floors
from elp.records import run_card, write_json
from elp.simulator import simulate


def main() -> None:
    p = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    p.add_argument("-o", "--out", type=Path, default=Path("book/results/floor.json"))
    p.add_argument(
        "--corpus",
        type=Path,
        help="folder of a simulated corpus (default: the preset, made without sound; the motion is the same)",
    )
    p.add_argument("--preset", default="vico")
    p.add_argument("--answers", type=int, default=24, help="of each kind to each speaker")
    p.add_argument("--bootstrap", type=int, default=1000)
    a = p.parse_args()
    started = time.time()
    with tempfile.TemporaryDirectory() as scratch:
        corpus = (
            Corpus.open(a.corpus)
            if a.corpus
            else simulate(Path(scratch) / "corpus", a.preset, 0, audio=False)
        )
        found = floors(corpus, answers=a.answers, bootstrap=a.bootstrap)
        card = run_card(
            seed=0,
            started=started,
            command=f"python experiments/floor.py --preset {a.preset} --answers {a.answers}",
        )
        write_json(
            a.out,
            card
            | corpus_card(corpus, "test")
            | {"answers": a.answers, "bootstrap": a.bootstrap, "rows": found},
        )
    for row, cells in found.items():
        terms = {part: [c[name]["value"] for name in TERMS] for part, c in cells.items()}
        print(
            f"{row:40s}",
            "   ".join(
                f"{part} {fd:6.3f} = {place:6.3f} + {manner:6.3f}"
                for part, (fd, place, manner) in terms.items()
            ),
        )


if __name__ == "__main__":
    main()
