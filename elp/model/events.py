"""A listener's lids and head as codes that see their own past (chapter "Training")."""

# B clip, T frame, S speaker column, V category, N emotion
from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from elp.errors import ElpError
from elp.model.event_heads import EventHeads, GroupConfig
from elp.model.layers import State, one_thread
from elp.model.traits import Traits
from elp.motion import POSE, PROSODY

TRACES = (2.0, 8.0, 25.0, 75.0)  # frames in which the memory of a blink's start and end fades
HEARD = len(PROSODY) + 1  # columns of the speaker: prosody and blink
LID_PAST, POSE_PAST = 1 + 2 * len(TRACES), 3 * POSE
DRAWS = 1 + POSE  # uniform numbers a frame
OWN = 2 * POSE + 1  # columns of what the encoder is told of its listener's lids and head
COMMON = 0.9999  # part of the speeds that the categories of a head span


@dataclass(frozen=True, kw_only=True)
class EventConfig:
    """Sizes and options of `Events`.

    Attributes:
        bins: V of the pose heads, odd, so that one of them holds standing still.
        hidden, width: of the head's group; lid_hidden, lid_width: of the lids'. See `GroupConfig`.
        dropout, deaf: of both groups.
        sees_blinks: the head answers to the speaker's blinks too, as the lids do.
        guidance: of the head's pitch when answering, see `EventHeads.step`; 1 is none.
        traits: K of `Traits`, which the encoder is told.

    Raises:
        ElpError: an option is out of range.
    """

    bins: int = 33
    hidden: int = 192
    width: int = 96
    lid_hidden: int = 64
    lid_width: int = 32
    dropout: float = 0.1
    deaf: float = 0.15
    sees_blinks: bool = False
    guidance: float = 1.5
    traits: int = 8

    def __post_init__(self) -> None:
        sizes = self.hidden, self.width, self.lid_hidden, self.lid_width
        if min(sizes) < 1 or self.traits < 0:
            raise ElpError("event options: sizes must be positive, traits 0 or more")
        if self.bins < 3 or self.bins % 2 == 0:
            raise ElpError(f"event option bins={self.bins}: give an odd number of at least 3")
        if not (0 <= self.dropout < 1 and 0 <= self.deaf < 1 and self.guidance > 0):
            raise ElpError(
                "event options: dropout and deaf must lie in [0, 1), guidance be above 0"
            )

    def lids(self, emotions: int) -> GroupConfig:
        """The group that moves the eyelids: one head, open or shut."""
        return GroupConfig(
            speaker=HEARD,
            past=LID_PAST,
            heads=1,
            categories=2,
            emotions=emotions,
            hidden=self.lid_hidden,
            width=self.lid_width,
            dropout=self.dropout,
            deaf=self.deaf,
        )

    def pose(self, emotions: int) -> GroupConfig:
        """The group that moves the head: six heads in the order of p."""
        return GroupConfig(
            speaker=HEARD if self.sees_blinks else HEARD - 1,
            past=POSE_PAST,
            heads=POSE,
            categories=self.bins,
            emotions=emotions,
            hidden=self.hidden,
            width=self.width,
            dropout=self.dropout,
            deaf=self.deaf,
        )


class Past(NamedTuple):
    """What one frame leaves for the next; zeros are a head at rest whose eyes have been open.

    Attributes:
        shut: (B, 1) 1 or 0. fading: (B, 2, 4) memory of the last blink's start and end, 1 when it
            happened.
        position, velocity, before: (B, 6) of the head, and its velocity of the frame before.
    """

    shut: Tensor
    fading: Tensor
    position: Tensor
    velocity: Tensor
    before: Tensor


class Events(nn.Module):
    """The event heads of a listener: the lids, and the head's velocity in six axes.

    The head is counted from its rest, the median of a conversation, which is one of the `Traits`.
    Velocities are drawn as categories whose widths grow with speed, and uniformly within a
    category.

    Args:
        config: sizes and options. emotions: N. beta: D of the faces whose traits are told.
    """

    edges: Tensor
    spread: Tensor
    unit: Tensor
    decay: Tensor

    def __init__(self, config: EventConfig, emotions: int, beta: int) -> None:
        super().__init__()
        self.config = config
        self.traits = Traits(config.traits, beta, emotions)
        self.lids = EventHeads(config.lids(emotions))
        self.pose = EventHeads(config.pose(emotions))
        self.register_buffer("edges", torch.zeros(POSE, config.bins + 1))
        self.register_buffer("spread", torch.ones(POSE))
        self.register_buffer("unit", torch.ones(POSE))
        fading = torch.exp(-1 / torch.tensor(TRACES))
        self.register_buffer("decay", fading, persistent=False)

    @torch.no_grad()
    def calibrate(self, position: Tensor, velocity: Tensor) -> None:
        """Set the categories' edges and the units of the past by training listeners.

        Args:
            position, velocity: (F, 6) of their heads, in the corpus's units.
        """
        speed = velocity.abs()
        unit = (speed.median(0).values / 0.6745).clamp_min(1e-6)
        last = max(1, math.ceil(len(speed) * COMMON))
        top = 1.15 * speed.double().kthvalue(last, 0).values.float()
        bins = self.config.bins
        # a hyperbolic sine: about linear below the common speeds, then ever wider
        reach = torch.asinh(2 * top.clamp_min(1e-6) / unit) * bins / (bins - 1)
        places = torch.linspace(-1, 1, bins + 1, device=unit.device)
        self.edges.copy_(unit[:, None] / 2 * torch.sinh(places * reach[:, None]))
        self.unit.copy_(unit)
        self.spread.copy_(position.std(0).clamp_min(1e-6))

    def forward(
        self,
        heard: Tensor,
        past: Tensor,
        e: Tensor,
        codes: Tensor,
        *,
        generator: torch.Generator | None = None,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """A training pass.

        Args:
            heard: (B, T, 9), the speaker's prosody and blinks. past, codes: (B, T, 27) and (B, T,
                7) of `targets`. e: (B, N). generator: of everything that is drawn.

        Returns:
            Logits of the lids (B, T, 1, 2) and of the head (B, T, 6, V), and of nodding (B, T).
        """
        lids, _ = self.lids(heard, past[..., :LID_PAST], e, codes[..., :1], generator=generator)
        pose, nodding = self.pose(
            self._of_head(heard), past[..., LID_PAST:], e, codes[..., 1:], generator=generator
        )
        return lids, pose, nodding

    def targets(self, pose: Tensor, blink: Tensor) -> tuple[Tensor, Tensor]:
        """A true conversation as the heads see it.

        Args:
            pose: (T, 6) counted from rest. blink: (T,) in {0, 1}.

        Returns:
            Codes (T, 7) int64, the lid's first; the past of each frame (T, 27), the lids' first.
        """
        velocity = F.pad(pose.diff(dim=0), (0, 0, 1, 0))
        inner = self.edges[:, 1:-1].contiguous()
        codes = torch.searchsorted(inner, velocity.T.contiguous(), right=True).T
        shut = _later(blink[:, None].float())
        past = Past(shut, self._faded(shut[:, 0]), *map(_later, (pose, velocity, _later(velocity))))
        return torch.cat([blink[:, None].long(), codes], 1), self._columns(past)

    def draw(
        self, heard: Tensor, e: Tensor, uniform: Tensor, state: State, guidance: float = 1.0
    ) -> Past:
        """The next frames, one after the other.

        Args:
            heard: (B, T, 9). e: (B, T, N). uniform: (B, T, 7) in (0, 1), the lid's first.
            state: carries the answer. guidance: of the head's pitch.

        Returns:
            Each frame as it leaves the next, (B, T, ...): `shut` and `position` are the answer.
        """
        lid_cues, pose_cues = self.cues(heard, state, guided=guidance != 1)
        with one_thread():
            frames = [
                self.step(
                    lid_cues.select(1, t),
                    pose_cues.select(1, t),
                    e.select(1, t),
                    uniform.select(1, t),
                    state,
                    guidance,
                )
                for t in range(heard.shape[1])
            ]
        return Past(*(torch.stack(part, 1) for part in zip(*frames, strict=True)))

    def cues(self, heard: Tensor, state: State, *, guided: bool) -> tuple[Tensor, Tensor]:
        """What lids (B, T, D) and head (B or, guided, 2 B, T, D) hear in the next frames."""
        deaf, of_head = heard.new_zeros(len(heard)), self._of_head(heard)
        lids = self.lids.hear(heard, deaf, state)
        if guided:
            deaf, of_head = torch.cat([deaf, deaf + 1]), torch.cat([of_head, of_head])
        return lids, self.pose.hear(of_head, deaf, state)

    def step(
        self,
        lid_cues: Tensor,
        pose_cues: Tensor,
        e: Tensor,
        uniform: Tensor,
        state: State,
        guidance: float = 1.0,
    ) -> Past:
        """Draw one frame from its cues; arguments as for `draw`, without the axis of time."""
        past = Past(*state[self]) if self in state else self._rest(uniform)
        columns = self._columns(past)
        lid = self.lids.step(lid_cues, columns[:, :LID_PAST], e, uniform[:, :1], state)
        head = self.pose.step(pose_cues, columns[:, LID_PAST:], e, uniform[:, 1:], state, guidance)
        shut, codes = lid.codes.to(uniform.dtype), head.codes.T
        low, high = (self.edges.gather(1, at).T for at in (codes, codes + 1))
        velocity = low + head.within * (high - low)
        began = torch.stack([shut > past.shut, shut < past.shut], 1)
        drawn = Past(
            shut=shut,
            fading=torch.where(began, 1.0, past.fading * self.decay),
            position=past.position + velocity,
            velocity=velocity,
            before=past.velocity,
        )
        state[self] = tuple(drawn)
        return drawn

    def own(self, position: Tensor, velocity: Tensor, shut: Tensor, traits: Tensor) -> Tensor:
        """What the encoder is told of its listener: (..., T, 6), (..., T, 6), (..., T, 1) and the
        traits (K,) -> (..., T, 13 + K).
        """
        moved = torch.asinh(velocity / self.unit)
        lasting = traits.expand(*position.shape[:-1], -1)
        return torch.cat([position / self.spread, moved, shut, lasting], -1)

    def own_of(self, pose: Tensor, blink: Tensor, traits: Tensor) -> Tensor:
        """The same of a true conversation: pose (T, 6) from rest, blink (T,) and traits (K,) -> (T,
        13 + K).
        """
        velocity = F.pad(pose.diff(dim=0), (0, 0, 1, 0))
        return self.own(pose, velocity, blink[:, None].float(), traits)

    def _of_head(self, heard: Tensor) -> Tensor:
        return heard if self.config.sees_blinks else heard[..., : HEARD - 1]

    def _columns(self, past: Past) -> Tensor:
        """What both groups know of themselves: (..., 27), the lids' first."""
        moved = [torch.asinh(x / self.unit) for x in (past.velocity, past.before)]
        faded = past.fading.flatten(-2)
        return torch.cat([past.shut, faded, past.position / self.spread, *moved], -1)

    def _rest(self, like: Tensor) -> Past:
        widths: Mapping[str, Any] = {"shut": (1,), "fading": (2, len(TRACES))}
        return Past(*(like.new_zeros(len(like), *widths.get(f, (POSE,))) for f in Past._fields))

    def _faded(self, shut: Tensor) -> Tensor:
        """Memory of the last start and end of a blink, (T,) -> (T, 2, 4)."""
        change = shut.diff(prepend=shut.new_zeros(1))
        at = torch.arange(len(shut), device=shut.device)
        never = torch.full_like(at, -(10**6))
        last = [
            torch.where(began, at, never).cummax(0).values for began in (change > 0, change < 0)
        ]
        return self.decay ** (at - torch.stack(last))[..., None].transpose(0, 1)


def _later(x: Tensor) -> Tensor:
    """(T, D) one frame later, zeros first."""
    return F.pad(x, (0, 0, 1, 0))[:-1]
