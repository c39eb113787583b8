"""What is shown to whom, and in which order (chapter "Your own study")."""

# M method, C speaker, R row of the square
from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elp.errors import ElpError
from elp.records import write_json

# section 4.4, in the paper's words
ASKED = "Do you think the {} in video is like a listener?"
QUESTIONS = {
    "facial": ASKED.format("facial expression"),
    "head": ASKED.format("head pose movements"),
    "blink": ASKED.format("blink"),
    "all": ASKED.format("all aspects"),
}
SCALE = ("disagree", "weakly disagree", "normal", "weakly agree", "agree")
CHECK = "check-"  # begins the name of a question that says which answer to give
PREFER = "prefer"
PREFERRED = "Which of the two videos is more like a listener?"


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One screen.

    Attributes:
        clips: keys of the videos shown: one to rate, or two to choose from.
        questions: names of what is asked; "check-2" asks for answer 2.
        repeat: the two videos were shown before, in the other order.
    """

    clips: tuple[str, ...]
    questions: tuple[str, ...]
    repeat: bool = False


@dataclass(frozen=True, kw_only=True)
class Study:
    """Which methods answer which speakers, and what is asked about it.

    The plan of a rater depends on the study and on the rater's number alone. Keys stand for
    clips wherever a rater could look.

    Attributes:
        methods: names of M methods, at least two.
        speakers: names of C speakers, each answered by all methods.
        seed: of keys and orders. Another seed is another study.
        questions: name -> text of the Likert questions.
        pairs: how often each rater chooses between every two methods, of one speaker each time.
        repeats: pairs that are shown again at the end, in the other order.
        checks: questions that say which answer to give, spread over the rated clips.
    """

    methods: tuple[str, ...]
    speakers: tuple[str, ...]
    seed: int = 0
    questions: Mapping[str, str] = field(default_factory=QUESTIONS.copy)
    pairs: int = 2
    repeats: int = 2
    checks: int = 2

    def __post_init__(self) -> None:
        object.__setattr__(self, "methods", tuple(self.methods))
        object.__setattr__(self, "speakers", tuple(self.speakers))
        for names, least in ((self.methods, 2), (self.speakers, 1)):
            if len(set(names)) != len(names) or len(names) < least:
                raise ElpError(
                    f"study: {list(names)}: give at least two methods and one speaker, "
                    "each name once"
                )
        odd = [q for q in self.questions if not q.isalnum() or q == PREFER]
        if odd or not self.questions:
            raise ElpError(
                f"study: questions {odd}: give at least one, named by letters and digits, "
                f"none of them {PREFER!r}"
            )

    @cached_property
    def digest(self) -> str:
        """8 hexadecimal digits of everything that makes this study."""
        text = json.dumps(asdict(self), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:8]

    @cached_property
    def keys(self) -> dict[tuple[str, str], str]:
        """(method, speaker) -> what the clip is called where a rater could look: 8 digits."""
        clips = [(m, s) for m in self.methods for s in self.speakers]
        texts = {clip: json.dumps([self.digest, *clip]).encode() for clip in clips}
        return {clip: hashlib.sha256(text).hexdigest()[:8] for clip, text in texts.items()}

    @cached_property
    def clips(self) -> dict[str, tuple[str, str]]:
        """key -> (method, speaker): what unblinds the answers."""
        return {key: clip for clip, key in self.keys.items()}

    def plan(self, number: int) -> list[Trial]:
        """All screens of rater `number`, 0, 1, ..., in order: first clips to rate, speaker by
        speaker, then pairs.

        For every speaker, as many raters in a row as the square has rows see each method equally
        often in each place, and after each other method.
        """
        rng = np.random.default_rng([self.seed, number])
        rated = self._rated(number, rng)
        pairs = self._pairs(number, rng)
        again = [
            Trial(clips=pair.clips[::-1], questions=(PREFER,), repeat=True)
            for pair in pairs[: self.repeats]
        ]
        return self._checked(rated, rng) + pairs + again

    def _rated(self, number: int, rng: np.random.Generator) -> list[Trial]:
        square, asked = williams(len(self.methods)), tuple(self.questions)
        return [
            Trial(clips=(self.keys[self.methods[m], self.speakers[s]],), questions=asked)
            for s in rng.permutation(len(self.speakers))
            for m in square[(s + number) % len(square)]
        ]

    def _checked(self, rated: list[Trial], rng: np.random.Generator) -> list[Trial]:
        """One question that says which answer to give in each of `checks` parts of the session."""
        found = list(rated)
        for part in np.array_split(np.arange(len(rated)), self.checks) if self.checks else []:
            if len(part):
                at, asked = rng.choice(part), rng.integers(1, len(SCALE) + 1)
                names = (*rated[at].questions, f"{CHECK}{asked}")
                found[at] = Trial(clips=rated[at].clips, questions=names)
        return found

    def _pairs(self, number: int, rng: np.random.Generator) -> list[Trial]:
        """Two raters in a row see the same pairs, in both orders; the next two other speakers."""
        found = []
        for turn in range(self.pairs):
            for p, two in enumerate(combinations(self.methods, 2)):
                at = (p + number // 2) * self.pairs + turn
                speaker = self.speakers[at % len(self.speakers)]
                keys = tuple(self.keys[method, speaker] for method in two)
                order = keys if (p + number + turn) % 2 else keys[::-1]
                found.append(Trial(clips=order, questions=(PREFER,)))
        return [found[p] for p in rng.permutation(len(found))]

    def save(self, path: str | Path) -> None:
        """Write the study as JSON. Whoever has this file knows which clip is whose."""
        write_json(path, asdict(self))

    @classmethod
    def load(cls, path: str | Path) -> Study:
        """Read what `save` wrote; raises ElpError where it is damaged."""
        try:
            found: dict[str, Any] = json.loads(Path(path).read_text(encoding="utf-8"))
            return cls(**found)
        except (OSError, ValueError, TypeError, AttributeError) as error:
            raise ElpError(f"{path}: no study that `Study.save` wrote: give its file") from error


def williams(count: int) -> NDArray[np.int64]:
    """Orders of `count` things, balanced for place and for neighbours.

    Returns:
        (R, count) integers, R = count where that is even, else 2 count.
        Each thing stands equally often in each column, and equally often
        right after each other thing (Williams 1949).
    """
    step = np.arange(count)
    # 0, 1, -1, 2, -2, ...
    zigzag = np.where(step % 2, (step + 1) // 2, -(step // 2))
    square = (zigzag + step[:, None]) % count
    if count % 2 == 0:
        return square
    return np.concatenate([square, square[:, ::-1]])
