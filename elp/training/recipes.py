"""Training runs by name; variants derive from one another (chapter "Training")."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from elp.errors import ElpError
from elp.model.config import ASEConfig
from elp.model.events import EventConfig
from elp.motion import CLIP
from elp.training.events import EventRecipe
from elp.training.losses import LossWeights

UNCLIPPED = 1e9  # a norm that no gradient has; infinity is no JSON


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Everything that decides a training run, the corpus aside.

    Attributes:
        name: what the run is called.
        model: sizes and options; dimensions and emotions are replaced by the corpus's.
        weights: λ of Eq 7.
        steps, batch, frames: iterations, clips an iteration (over all devices), frames a clip.
        lr, weight_decay: of AdamW; lr rises linearly over `warmup` steps, then falls to zero along
            a cosine with decay "cosine" (the paper says "initial learning rate" and no more). clip:
            largest norm of the gradient. Without warm-up and clipping, and at the paper's 1e-3 even
            with them, our codes never come to carry anything (chapter "Training").
        balanced: draw every emotion equally often.
        events: how the event heads are trained, for a model that has some.
        seed: of the initial parameters, the clips and the noise.
    """

    name: str
    model: ASEConfig = field(default_factory=ASEConfig)
    weights: LossWeights = field(default_factory=LossWeights)
    steps: int = 10_000
    batch: int = 32
    frames: int = CLIP
    lr: float = 1e-4
    weight_decay: float = 0.01
    warmup: int = 500
    clip: float = 1.0
    decay: Literal["none", "cosine"] = "cosine"
    balanced: bool = False
    events: EventRecipe | None = None
    seed: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for run cards and checkpoints."""
        return asdict(self)


def from_dict(values: dict[str, Any]) -> Recipe:
    """The inverse of `Recipe.to_dict`."""
    parts = {
        "model": ASEConfig.from_dict(values["model"]),
        "weights": LossWeights(**values["weights"]),
        "events": EventRecipe(**values["events"]) if values.get("events") else None,
    }
    return Recipe(**values | parts)


def vico() -> Recipe:
    """The paper's run on ViCo: 10 000 iterations of 32 clips, N = 3; lr aside (see `Recipe.lr`)."""
    return Recipe(name="vico")


def as_printed(recipe: Recipe) -> Recipe:
    """`recipe` with nothing that the paper does not print: codewords read as their value, Eq 3-5
    summed, lr 1e-3 that stays, no warm-up and no clipping.
    """
    model, weights = replace(recipe.model, coding="value"), LossWeights(reduction="sum")
    options: dict[str, Any] = {"lr": 1e-3, "warmup": 0, "clip": UNCLIPPED, "decay": "none"}
    return replace(recipe, model=model, weights=weights, **options)


def paper() -> Recipe:
    """The paper to the letter, on ViCo: `vico` as printed. Its codes carry next to nothing."""
    return replace(as_printed(vico()), name="paper")


def l2l() -> Recipe:
    """The paper's run on Learning2Listen: 50 000 iterations of 128 clips, N = 2, emotions
    balanced.
    """
    return replace(vico(), name="l2l", steps=50_000, batch=128, balanced=True)


def lively() -> Recipe:
    """Ours: the paper's model and sizes, taught to be as various as listeners are, and to follow,
    instead of to be right on average.

    The energy score of four draws stands for Eq 3, a head's draws last 4, 12 or 50 frames, and
    noise on the style keeps clips from being learned by heart. The encoder also sees β and p
    themselves, in which a smile that lasts can be told from a face at rest, and a shortcut past
    D2's LSTMs lets blinks be learned. All that can be learned is learned after a fifth of the
    paper's iterations (chapter "Training").
    """
    model = ASEConfig(raw_motion=True, shortcut=True, noise=1.0, frame_noise=0.3, holds=(4, 12, 50))
    return Recipe(
        name="lively",
        model=model,
        weights=LossWeights(score="energy", draws=4),
        steps=2000,
        warmup=200,
        lr=3e-4,
    )


def small() -> Recipe:
    """`lively` with H = 64 heads of V = 32 and narrower layers."""
    return variant(lively(), "small", heads=64, categories=32, hidden=192, blink_hidden=64)


def live() -> Recipe:
    """`small` that looks at no future frame, for listeners who answer while somebody speaks."""
    return variant(small(), "live", causal=True)


def listener() -> Recipe:
    """The model that ships with the package: `live`, and heads for lids and head pose that see
    their own past and answer the speaker's voice and blinks.

    The face is told what these drew and who listens, D1 says β alone, and clips of four seconds
    let β follow the lids. Any prefix of the heads decodes. Not to learn people by heart takes more
    of them than "vico" has: the simulator's "crowd".
    """
    events = EventConfig(hidden=160, lid_hidden=96, guidance=1.25)
    return replace(
        variant(live(), "listener", nested=True, hidden=128, events=events),
        weights=LossWeights(score="energy", draws=4, blink=0.0, smooth=0.0),
        steps=6000,
        frames=100,
        events=EventRecipe(),
    )


def stream() -> Recipe:
    """`lively` that looks at no future frame, for streaming."""
    return variant(lively(), "stream", causal=True)


def tiny() -> Recipe:
    """A run for tests and pages: seconds on one CPU core."""
    model = ASEConfig(heads=16, categories=8, hidden=32, blink_hidden=16, dropout=0.0)
    return Recipe(name="tiny", model=model, steps=150, batch=8, lr=1e-3, warmup=20)


def variant(recipe: Recipe, name: str, **model: Any) -> Recipe:
    """`recipe` under another name with other model options."""
    return replace(recipe, name=name, model=replace(recipe.model, **model))


RECIPES: dict[str, Callable[[], Recipe]] = {
    f.__name__: f for f in (vico, paper, l2l, lively, small, live, listener, stream, tiny)
}


def get(name: str) -> Recipe:
    """A recipe by its name; raises ElpError with the known names."""
    if name not in RECIPES:
        raise ElpError(f"unknown recipe {name!r}: choose one of {', '.join(RECIPES)}")
    return RECIPES[name]()
