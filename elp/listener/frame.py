"""One frame of a stream as a program: layers in the forms that are fast for a single frame on a
CPU, recorded without Python between them (chapter "Your own video").
"""

# T frame, D coefficient, H head, V category, N emotion, K trait
from __future__ import annotations

import copy
import itertools
import warnings
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from elp.listener.decoder import Decoded, Decoder
from elp.listener.frame_layers import FORMS
from elp.listener.sampling import CodeSampler
from elp.model.events import HEARD
from elp.model.layers import State, exchange
from elp.model.space import one_hot


class Heard(NamedTuple):
    """What a frame's answer is made of: mfcc (1, T, 29) standardised, motion style (1, T, 2 D + 6),
    and prosody and blinks (1, T, 9) for event heads.
    """

    mfcc: Tensor
    motion: Tensor
    events: Tensor


class Step(nn.Module):
    """The next frames of a causal model's response.

    Args:
        decoder: of the model. sampler: of its codes. e: (N,), None where it is to be inferred.
        guidance: of its event heads. rest, traits: of the listener, (6,) and (K,), where it has
            event heads.
    """

    def __init__(
        self,
        decoder: Decoder,
        sampler: CodeSampler,
        e: Tensor | None,
        *,
        guidance: float,
        rest: Tensor,
        traits: Tensor,
    ) -> None:
        super().__init__()
        self.decoder, self.sampler, self.e, self.guidance = decoder, sampler, e, guidance
        self.rest, self.traits = rest, traits

    def forward(self, heard: Heard, uniform: Tensor, events: Tensor, state: State) -> Decoded:
        """The speaker's next frames and uniform numbers, of the codes (1, T, H, V) and of the event
        heads (1, T, 7 or 0) -> T frames; `state` carries the stream.
        """
        model = self.decoder.model
        style = model.style(heard.mfcc, heard.motion, state)
        e = self.emotion(style, state)
        drawn = own = None
        if model.events is not None:
            drawn = model.events.draw(heard.events, e, events, state, self.guidance)
            own = model.events.own(drawn.position, drawn.velocity, drawn.shut, self.traits)
        codes = self.sampler.choose(model.encoder(model.told(style, own), state), uniform)
        decoded = self.decoder.piece(codes, e, state)
        return decoded if drawn is None else decoded.with_events(drawn, self.rest)

    def emotion(self, style: Tensor, state: State) -> Tensor:
        """e of each frame, (1, T, N)."""
        if self.e is None:
            return one_hot(self.decoder.model.tdnn.so_far(style, state))
        # a number: what depends on a size is computed again at every frame
        return self.e.to(style.device).expand(1, int(style.shape[1]), -1)


def for_frames(step: Step) -> Step:
    """The same step for one frame at a time: other forms of the layers, the same tensors."""
    tensors = itertools.chain(step.parameters(), step.buffers())
    fast = copy.deepcopy(step, {id(x): x for x in tensors})
    exchange(fast, FORMS)
    return fast


class FrameProgram:
    """`Step` of one frame, recorded: without Python between its hundreds of small operations it
    takes half as long.

    About a second's work, done before the speaker begins; so are the program's first runs, in which
    it is optimised.

    Args:
        step: of a model on the CPU.
    """

    @torch.inference_mode()
    def __init__(self, step: Step) -> None:
        fast, config = for_frames(step), step.decoder.model.config
        half = torch.full((1, 1, config.heads, config.categories), 0.5)
        widths = config.mfcc, config.motion_width, HEARD
        heard = Heard(*(torch.zeros(1, 1, width) for width in widths))
        events = torch.full((1, 1, fast.sampler.events), 0.5)
        state: State = {}
        fast(heard, half, events, state)
        layers = dict(zip(fast.modules(), step.modules(), strict=True))
        self.layers = [layers[layer] for layer in state]
        arguments = *heard, half, events, _zeros(tuple(state.values()))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # sizes become constants, and may: a frame is a frame
            frame = _Frame(fast, list(state)).eval()
            self.program: Any = torch.jit.freeze(
                torch.jit.trace(frame, arguments, check_trace=False)
            )
        for _ in range(3):
            self.program(*arguments)
        self.blank = arguments[-1]

    def start(self) -> State:
        """The state before the first frame, for this program and for the step it was made of."""
        return dict(zip(self.layers, _zeros(self.blank), strict=True))

    def __call__(self, heard: Heard, uniform: Tensor, events: Tensor, state: State) -> Decoded:
        """`Step.forward` of one frame; `state` is one that `start` gave."""
        carried = tuple(state[layer] for layer in self.layers)
        *found, carried = self.program(*heard, uniform, events, carried)
        state.update(zip(self.layers, carried, strict=True))
        return Decoded(*found)


class _Frame(nn.Module):
    """A step with the state as an argument and a result."""

    def __init__(self, step: Step, layers: list[nn.Module]) -> None:
        super().__init__()
        self.step, self.order = step, layers

    def forward(
        self,
        mfcc: Tensor,
        motion: Tensor,
        heard: Tensor,
        uniform: Tensor,
        events: Tensor,
        carried: tuple[Any, ...],
    ) -> tuple[Any, ...]:
        state = dict(zip(self.order, carried, strict=True))
        found = self.step(Heard(mfcc, motion, heard), uniform, events, state)
        return *found, tuple(state[layer] for layer in self.order)


def _zeros(x: Any) -> Any:
    return tuple(map(_zeros, x)) if isinstance(x, tuple) else torch.zeros_like(x)
