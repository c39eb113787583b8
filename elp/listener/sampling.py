"""Temporally correlated sampling of codes and blinks, the same however a response is cut into
pieces (chapter "Base, Transformed, U").
"""

# T frame, H head, V category
from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from elp.errors import ElpError
from elp.model.config import ASEConfig
from elp.model.events import DRAWS
from elp.motion import POSE

BLOCK = 64  # rows kept in one piece of memory
# correlated draws of this part of a hold, in standard deviations, are half alike where held ones
# are
HOLD = 0.3
UNHELD = 4.0  # frames of correlation for heads that drew every frame anew in training


class SmoothUniform:
    """Uniform numbers, each column smooth in time: Φ of white normal noise under a Gaussian kernel.

    Each frame's number is uniform on (0, 1), so thresholds and Gumbel noise made of it keep every
    frame's distribution; only neighbours are alike, their normal numbers with correlation exp(-lag²
    / 4 s²). Rows are drawn in the order of time, one generator for all groups.

    Args:
        widths: columns of each group. spreads: s in frames of each group; 0 draws every frame anew.
        generator: CPU generator.
    """

    def __init__(
        self, widths: Sequence[int], spreads: Sequence[float], generator: torch.Generator
    ) -> None:
        self.widths, self.generator = list(widths), generator
        self.kernels = [_kernel(spread) for spread in spreads]
        # rows drawn ahead: a number is made of its own frame's row and this many more
        self.past = max(map(len, self.kernels)) - 1
        self.rows = self._white(self.past)
        self.end = self.past  # of what is drawn

    def _white(self, count: int) -> Tensor:
        uniform = torch.rand(count, sum(self.widths), generator=self.generator)
        return torch.special.ndtri(uniform.clamp_(1e-7, 1 - 1e-7))

    def _extend(self, count: int) -> Tensor:
        """Draw `count` rows more; returns them after the `past` ones before them."""
        # a new block, so that a stream does not copy the past for each frame
        if self.end + count > len(self.rows):
            block = torch.empty(self.past + max(count, BLOCK), sum(self.widths))
            block[: self.past] = self.rows[self.end - self.past : self.end]
            self.rows, self.end = block, self.past
        self.rows[self.end : self.end + count] = self._white(count)
        self.end += count
        return self.rows[self.end - count - self.past : self.end]

    def draw(self, count: int) -> list[Tensor]:
        """The next `count` frames: one (count, width) tensor a group."""
        groups = self._extend(count).split(self.widths, dim=1)
        found = []
        for columns, kernel in zip(groups, self.kernels, strict=True):
            length = len(kernel)
            recent = columns[self.past + 1 - length :]
            # frame by frame: a convolution of this shape is eight times
            # slower, and so no piece changes the rounding
            rows = [kernel @ recent[t : t + length] for t in range(count)]
            uniform = torch.special.ndtr(torch.stack(rows))
            found.append(uniform.clamp_(1e-7, 1 - 1e-7))
        return found


def _kernel(spread: float) -> Tensor:
    """Gaussian weights of deviation `spread` frames, their squares summing to 1."""
    if not spread:
        return torch.ones(1)
    reach = math.ceil(3 * spread)
    kernel = torch.exp(-(torch.arange(-reach, reach + 1).float() ** 2) / (2 * spread**2))
    return kernel / kernel.norm()


class CodeSampler:
    """How a response draws each head's category and its blinks.

    Args:
        config: of the model.
        temperature, correlation, blink_correlation: see `ELPResponder`.

    Raises:
        ElpError: an option is below 0.
    """

    def __init__(
        self,
        config: ASEConfig,
        *,
        temperature: float = 1.0,
        correlation: float | None = None,
        blink_correlation: float = 2.5,
    ) -> None:
        if min(temperature, correlation or 0, blink_correlation) < 0:
            raise ElpError("temperature and correlations must be 0 or more")
        self.temperature = temperature
        # no numbers are drawn where none decides
        self.heads, self.categories = (config.heads, config.categories) if temperature else (0, 1)
        self.holds = len(config.holds)
        self.events = DRAWS if config.events else 0
        self.traits = POSE + config.events.traits if config.events else 0
        spreads = [UNHELD if hold == 1 else HOLD * hold for hold in config.holds]
        if correlation is not None:
            spreads = [correlation] * self.holds
        self.spreads = (*spreads, blink_correlation)

    def start(self, generator: torch.Generator) -> Draws:
        """The draws of one response; raises ElpError where `generator` is none."""
        if not isinstance(generator, torch.Generator):
            raise ElpError(
                f"generator {generator!r}: give torch.Generator().manual_seed(0), or another seed"
            )
        return Draws(self, generator)

    def choose(self, logits: Tensor, uniform: Tensor) -> Tensor:
        """The category that uniform numbers draw from logits, both (1, T, H, V), the most probable
        at temperature 0: (1, T, H).
        """
        if self.temperature:
            # in place: the memory is what this waits for
            gumbel = uniform.log().neg_().log_().neg_()
            scaled = logits if self.temperature == 1 else logits / self.temperature
            logits = gumbel.to(logits.device).add_(scaled)
        return logits.argmax(-1)


class Draws:
    """The numbers of one response, in the order of time.

    Attributes:
        traits: (6 + K,) normal, of the listener's `Traits`; none for a model without event heads.
    """

    def __init__(self, sampler: CodeSampler, generator: torch.Generator) -> None:
        self.sampler = sampler
        widths = [
            len(range(n, sampler.heads, sampler.holds)) * sampler.categories
            for n in range(sampler.holds)
        ]
        self.noise = SmoothUniform([*widths, 1], sampler.spreads, generator)
        self.generator = torch.Generator()
        if sampler.events:
            self.generator.manual_seed(int(torch.randint(2**62, (1,), generator=generator)))
        self.traits = torch.randn(sampler.traits, generator=self.generator)

    def next(self, frames: int) -> tuple[Tensor, Tensor]:
        """Of the next frames: of all heads and categories (1, T, H, V), none at temperature 0; of
        the blink (1, T).
        """
        *groups, blink = self.noise.draw(frames)
        sampler = self.sampler
        uniform = blink.new_empty(1, frames, sampler.heads, sampler.categories)
        for n, group in enumerate(groups):  # heads take the holds in turn
            uniform[0, :, n :: sampler.holds] = group.unflatten(1, (-1, sampler.categories))
        return uniform, blink.T

    def events(self, frames: int) -> Tensor:
        """Of the next frames: of lids and head (1, T, 7), none for a model without event heads.

        They see their own past, and so need no numbers that are alike in time.
        """
        uniform = torch.rand(frames, self.sampler.events, generator=self.generator)
        return uniform.clamp_(1e-7, 1 - 1e-7)[None]
