"""A group of heads that are drawn in order, frame by frame, and see their own past (chapter
"Training").

The heads of the encoder say what a frame looks like and know nothing of the frame before: draws
that forget cannot blink once and then wait, nor nod twice and stop. These heads live in the same
space, where e chooses the block of codewords that counts (Eq 2, Figure 3), but what they drew is
fed back, and they learn by likelihood instead of through a decoder.
"""

# B clip, T frame, S speaker column, P column of the past, D hidden, C width, H head, V category,
# N emotion
from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from elp.model.decoders import EmbeddingCoding, encode, mixed
from elp.model.layers import State


@dataclass(frozen=True, kw_only=True)
class GroupConfig:
    """Sizes of one group.

    Attributes:
        speaker, past: columns that it hears of the speaker and knows of its own past.
        heads, categories, emotions: H, V and N.
        hidden, width: of the recurrences, and of a codeword's vector.
        dropout: in training, on what the layers pass on.
        deaf: part of the training clips in which the speaker is not heard: what the group says
            then is what guidance leads away from.
    """

    speaker: int
    past: int
    heads: int
    categories: int
    emotions: int
    hidden: int
    width: int
    dropout: float
    deaf: float


class Drawn(NamedTuple):
    """One frame of a group: categories (B, H) int64, and how far into its category each uniform
    number fell, (B, H) in [0, 1].
    """

    codes: Tensor
    within: Tensor


class SpeakerBranch(nn.Module):
    """What a group hears: (B, T, S) -> cues (B, T, D), each from the frames so far.

    It stands apart from the group's own past on purpose. A loss on the cues alone
    (`EventHeads.nodding`) makes it listen, where the past would explain nearly every frame better
    than any speaker does.
    """

    def __init__(self, columns: int, hidden: int) -> None:
        super().__init__()
        self.inputs = nn.Linear(columns + 1, hidden)
        self.gru = nn.GRU(hidden, hidden, batch_first=True)

    def forward(self, speaker: Tensor, deaf: Tensor, state: State | None = None) -> Tensor:
        """Speaker (B, T, S) and deaf (B,), 1 for clips in which nobody is heard -> (B, T, D)."""
        flag = deaf[:, None, None].expand(-1, speaker.shape[1], 1)
        x = F.relu(self.inputs(torch.cat([speaker * (1 - flag), flag], -1)))
        if state is None:
            return self.gru(x)[0]
        before = state.get(self, x.new_zeros(len(x), self.gru.hidden_size))
        if x.shape[1] == 1:  # the kernel for sequences packs all parameters anew at every call
            state[self] = after = cell(self.gru, x[:, 0], before)
            return after[:, None]
        cues, after = self.gru(x, before[None])
        state[self] = after[0]
        return cues


class EventHeads(nn.Module):
    """p(codes of a frame | speaker so far, own past, emotion), head by head.

    A head hears the codes of the heads before it through the table of their codewords, which holds
    a block for each emotion, as D1's does. The emotion also shifts the logits.
    """

    def __init__(self, config: GroupConfig) -> None:
        super().__init__()
        self.config = config
        n, hidden, width = config.emotions, config.hidden, config.width
        self.hear = SpeakerBranch(config.speaker, hidden)
        self.nodding = nn.Linear(hidden + n, 1)
        self.past = nn.Linear(config.past + n, hidden)
        self.gru = nn.GRU(2 * hidden, hidden, batch_first=True)
        self.first = nn.Linear(2 * hidden + n, width)
        self.coding = EmbeddingCoding(n, config.heads, config.categories, width)
        self.norm = nn.LayerNorm(width)
        self.out = nn.Parameter(torch.randn(config.heads, width, config.categories) / width**0.5)
        self.bias = nn.Parameter(torch.zeros(n, config.heads, config.categories))
        with torch.no_grad():  # codewords are added to what is known, and begin smaller
            self.coding.table.mul_(0.3)

    def forward(
        self,
        speaker: Tensor,
        past: Tensor,
        e: Tensor,
        codes: Tensor,
        *,
        generator: torch.Generator | None = None,
    ) -> tuple[Tensor, Tensor]:
        """A training pass: every frame is given the true past.

        Args:
            speaker: (B, T, S). past: (B, T, P), what is known before each frame. e: (B, N).
            codes: (B, T, H) int64, the true ones. generator: of dropout and of who is deaf.

        Returns:
            Logits (B, T, H, V), and the logit (B, T) of nodding, read from the cues alone.
        """
        deaf = speaker.new_zeros(len(speaker))
        if self.training:
            draw = torch.rand(len(speaker), generator=generator, device=speaker.device)
            deaf = (draw < self.config.deaf).to(speaker.dtype)
        wide = e[:, None].expand(-1, speaker.shape[1], -1)
        cues = self._dropped(self.hear(speaker, deaf), generator)
        nodding = self.nodding(torch.cat([cues, wide], -1))[..., 0]
        known = self._dropped(F.relu(self.past(torch.cat([past, wide], -1))), generator)
        y = self._dropped(self.gru(torch.cat([known, cues], -1))[0], generator)
        base = F.one_hot(codes, self.config.categories).to(y.dtype)
        words = encode(self.coding.table, base, e).permute(0, 2, 3, 1)  # (B, T, H, C)
        before = words.cumsum(2) - words
        x = self.first(torch.cat([y, cues, wide], -1))[:, :, None] + before
        logits = torch.einsum("bthc,hcv->bthv", F.relu(self.norm(x)), self.out)
        return logits + mixed(self.bias[..., None], e)[:, None, ..., 0], nodding

    def step(
        self,
        cues: Tensor,
        past: Tensor,
        e: Tensor,
        uniform: Tensor,
        state: State,
        guidance: float = 1.0,
    ) -> Drawn:
        """Draw the next frame.

        With guidance g the first head's logits are l0 + g (l1 - l0), l1 those
        of a listener who hears the speaker and l0 those of a deaf one (Ho &
        Salimans 2022): above 1 the answer to the speaker is clearer than
        people's own.

        Args:
            cues: (B, D), or (2 B, D) for guidance: heard, then deaf.
            past: (B, P). e: (B, N).
            uniform: (B, H) in (0, 1), one number a head.
            state: carries the recurrence.
        """
        rows, guided = len(past), len(cues) > len(past)
        if guided:
            past, e = past.repeat(2, 1), e.repeat(2, 1)
        known = F.relu(self.past(torch.cat([past, e], 1)))
        before = state.get(self, cues.new_zeros(len(cues), self.config.hidden))
        both = torch.cat([known, cues], 1)
        state[self] = hidden = cell(self.gru, both, before)
        x = self.first(torch.cat([hidden, cues, e], 1))
        codes, within = [], []
        for head in range(self.config.heads):
            logits = F.relu(self.norm(x)) @ self.out[head]
            logits = logits + e @ self.bias[:, head]
            if guided and head == 0:
                heard, unheard = logits.chunk(2)
                logits = unheard + guidance * (heard - unheard)
                x, e = x[:rows], e[:rows]
            code, part = inverse(logits.softmax(-1), uniform[:, head])
            codes.append(code)
            within.append(part)
            words = self.coding.table[:, head, code]  # (N, B, C)
            x = x + torch.einsum("bn,nbc->bc", e, words)
        return Drawn(torch.stack(codes, 1), torch.stack(within, 1))

    def _dropped(self, x: Tensor, generator: torch.Generator | None) -> Tensor:
        share = self.config.dropout
        if not self.training or not share:  # nn.Dropout would draw from global state
            return x
        kept = torch.rand(x.shape, generator=generator, device=x.device) >= share
        return x * kept / (1 - share)


def cell(gru: nn.GRU, x: Tensor, hidden: Tensor) -> Tensor:
    """One frame of a GRU: (B, D) and (B, D') -> (B, D')."""
    return torch.gru_cell(x, hidden, *gru.all_weights[0])


def inverse(probability: Tensor, uniform: Tensor) -> tuple[Tensor, Tensor]:
    """Inverse transform sampling: (B, V) and numbers (B,) in (0, 1) -> categories (B,) and how far
    into the category's share each number fell, (B,) in [0, 1].

    One number a head, not one a category: with the same numbers another speaker's answer differs
    only as far as what was heard makes it differ.
    """
    edges = probability.cumsum(-1)
    code = (edges < uniform[:, None]).sum(-1).clamp_max(probability.shape[-1] - 1)
    upper, share = (x.gather(1, code[:, None])[:, 0] for x in (edges, probability))
    return code, (1 - (upper - uniform) / share.clamp_min(1e-12)).clamp(0, 1)
