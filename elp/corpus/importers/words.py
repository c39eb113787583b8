"""Names of emotions as tables write them: taken as they are only where no other can be meant."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

from elp.errors import ElpError

# the paper's two sets of emotions, and how tables write that there is none
SETS = (("negative", "neutral", "positive"), ("unpositive", "positive"))
WORDS = tuple(sorted({word for words in SETS for word in words}))
NOTHING = {"nan", "none", "null", "na", "n/a", "nil", "unknown", "missing", "tbd", "-", "?"}
ALIKE = 0.85  # of a typing error and the word that is meant
SHORT = 3  # letters of a word that may be another's beginning: "pos"
NAME = re.compile(r"[\w '-]*[^\W\d_][\w '-]*")  # a letter somewhere, and nothing that separates


def nothing(label: str) -> bool:
    """Whether a cell says that it has no value, as a spreadsheet's errors do, too (#N/A)."""
    return label.casefold() in NOTHING or label.startswith("#")


def spellings(labels: Iterable[str]) -> dict[str, str]:
    """How each emotion is written, by its letters without case: as the paper does, else small."""
    return {label.casefold(): label for label in (*sorted(set(labels)), *WORDS)}


def check_emotion(label: str, spelled: dict[str, str]) -> None:
    """Raise ElpError for a label that is no word, another's misspelling or beginning, or says that
    there is none.
    """
    if not label:
        return
    known = f"known words are {', '.join(WORDS)}, or your own"
    if nothing(label):
        raise ElpError(f"emotion {label!r}: leave the cell empty where it is unknown; {known}")
    meant = spelled[label.casefold()]
    if meant == label and label not in WORDS:
        small = label.casefold()
        begun = [word for word in WORDS if len(small) >= SHORT and word.startswith(small)]
        meant = next(iter(begun or difflib.get_close_matches(small, WORDS, 1, ALIKE)), label)
    if meant != label:
        raise ElpError(f"emotion {label!r}: is {meant!r} meant? {known}")
    if not NAME.fullmatch(label):
        raise ElpError(
            f"emotion {label[:40]!r}: write one word, not a number or a mixture; {known}"
        )
