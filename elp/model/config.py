"""The model's sizes and named options, stored in every checkpoint."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

from elp.errors import ElpError
from elp.model.events import EventConfig
from elp.model.style import SECOND, Window
from elp.motion import MFCC, POSE

# how checkpoints made before version 0.2 call an option
FORMERLY = {"plain": "raw_motion"}


@dataclass(frozen=True, kw_only=True)
class ASEConfig:
    """Sizes and named options; the defaults are the paper's where it gives them. Stored in every
    checkpoint.

    Attributes:
        beta, mfcc: dimensions of the corpus.
        emotions: names, in the order of e.
        heads, categories: H and V.
        coding: how decoders read a codeword: its "value" or a learned "embedding".
        space: "U" (emotion moves the codewords), "V" (no emotion), "V+e" (no emotion in the codes,
            e as extra channels).
        emotion_branch: what infers e': the paper's "tdnn", or "linear", a logistic regression on
            the mean of the motion style.
        window: frames of σ in Eq 1, or "clip".
        raw_motion: the encoder also sees β and p themselves, which Eq 1 leaves out.
        causal: use no future frame, so that the model can stream.
        tau: temperature of the Gumbel-Softmax gradient.
        nested: train on random prefixes of the heads, so that any prefix decodes.
        hidden, blink_hidden: widths of the encoder and of D2's LSTMs (not in the paper).
        convs: conv1d layers of the head encoder; dropout: after the audio encoder.
        noise, frame_noise: standard deviations of normal noise on the standardised style in
            training, one value a clip and one a frame, against learning clips by heart.
        shortcut: a linear layer leads past D2's LSTMs.
        holds: frames for which a head's draw is held in training; the heads take these in turn.
            (1,) draws every frame anew.
        events: of heads that draw lids and head pose frame by frame and see their own past (not in
            the paper). The encoder is then told what they drew, D1 says β alone, and there is no
            D2. None: D1 and D2 as in the paper.

    Raises:
        ElpError: an option is out of range.
    """

    beta: int = 100
    mfcc: int = MFCC
    emotions: tuple[str, ...] = ("negative", "neutral", "positive")
    heads: int = 128
    categories: int = 64
    coding: Literal["value", "embedding"] = "embedding"
    space: Literal["U", "V", "V+e"] = "U"
    emotion_branch: Literal["tdnn", "linear"] = "tdnn"
    window: Window = SECOND
    raw_motion: bool = False
    causal: bool = False
    tau: float = 1.0
    nested: bool = False
    hidden: int = 256
    blink_hidden: int = 128
    convs: int = 5
    dropout: float = 0.1
    noise: float = 0.0
    frame_noise: float = 0.0
    shortcut: bool = False
    holds: tuple[int, ...] = (1,)
    events: EventConfig | None = None

    def __post_init__(self) -> None:
        if isinstance(self.emotions, str):
            raise ElpError("model options: emotions must be a list of names")
        object.__setattr__(self, "emotions", tuple(self.emotions))
        object.__setattr__(self, "holds", tuple(self.holds))
        choices = {
            "coding": ("value", "embedding"),
            "space": ("U", "V", "V+e"),
            "emotion_branch": ("tdnn", "linear"),
        }
        for name, allowed in choices.items():
            if (chosen := getattr(self, name)) not in allowed:
                raise ElpError(
                    f"model option {name}={chosen!r}: choose one of {', '.join(allowed)}"
                )
        sizes = (self.beta, self.mfcc, self.heads, self.hidden, len(self.emotions))
        if min(*sizes, len(self.holds), *self.holds) < 1 or self.categories < 2 or self.tau <= 0:
            raise ElpError(
                "model options: sizes must be positive, categories at least 2 and tau above 0"
            )
        if not 0 <= self.dropout < 1 or not math.isfinite(self.tau):
            raise ElpError("model options: dropout must lie in [0, 1), tau be finite")
        if len(set(self.emotions)) < len(self.emotions) or not all(
            isinstance(name, str) and name for name in self.emotions
        ):
            raise ElpError("model options: emotions must be different names")
        if self.window != "clip" and (not isinstance(self.window, int) or self.window < 1):
            raise ElpError(
                f"model option window={self.window!r}: give a number of frames, or 'clip'"
            )
        if self.events and not self.causal:
            raise ElpError("event heads answer while somebody speaks: build the model causal")

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> ASEConfig:
        """The inverse of `dataclasses.asdict`, also under the names that options had before.

        Raises:
            TypeError: a name that was never an option.
        """
        options = {FORMERLY.get(name, name): value for name, value in values.items()}
        if options.get("events") is not None:
            options["events"] = EventConfig(**options["events"])
        return cls(**options)

    @property
    def motion_width(self) -> int:
        """Numbers a frame of the motion style: 2 D + 6, with `raw_motion` 3 D + 12."""
        raw = self.beta + POSE if self.raw_motion else 0
        return 2 * self.beta + POSE + raw

    @property
    def least(self) -> int:
        """Numbers that a model of these sizes holds at least, in its largest layers."""
        codes, events = self.heads * self.categories, self.events
        layers = [
            self.hidden * (codes + self.convs * self.hidden + self.motion_width),
            (codes if self.coding == "embedding" else self.categories) * len(self.emotions)
            if self.space == "U"
            else 0,
            self.heads * self.beta,
        ]
        if events is None:
            layers.append(self.blink_hidden**2)
        else:
            layers += [events.hidden**2, events.lid_hidden**2]
            layers += [events.width * max(events.bins, events.hidden)]
            layers += [events.lid_width * events.lid_hidden]
        return sum(layers)
