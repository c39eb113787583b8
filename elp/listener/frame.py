"""One frame of a stream as a program: layers in the forms that are fast for a single frame on a
CPU, recorded without Python between them (chapter "Your own video").
"""

# B clip, C channel, D coefficient
from __future__ import annotations

import copy
import itertools
import warnings
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from elp.listener.decoder import Decoded, Decoder
from elp.listener.sampling import CodeSampler
from elp.model.decoders import mixed
from elp.model.event_heads import Drawn, EventHeads, cell
from elp.model.events import HEARD
from elp.model.layers import Recurrent, State, TimeConv, exchange
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
        return self.e.to(style.device).expand(1, style.shape[1], -1)


class FrameConv(TimeConv):
    """The newest frame of a causal convolution over time as one product: convolving takes three
    times as long.
    """

    def forward(self, x: Tensor, state: State | None = None) -> Tensor:
        if state is None or self.centred:
            return super().forward(x, state)
        seen = x.permute(0, 2, 3, 1)  # (B, 1, H, C), then (B, past + 1, H, C)
        if self.past:
            nothing = seen.new_zeros(len(x), self.past, *seen.shape[2:])
            seen = torch.cat([state.get(self, nothing), seen], 1)
            # one frame goes: a size that is read would be computed at every frame
            state[self] = seen.narrow(1, 1, self.past)
        if self.kernel_size[1] > 1:
            return self.convolve(seen.permute(0, 3, 1, 2))
        if self.dilation[0] > 1:
            seen = seen[:, :: self.dilation[0]]
        weight = self.weight.permute(0, 2, 3, 1).flatten(1)
        y = F.linear(seen.flatten(1), weight, self.bias).view(-1, self.out_channels, 1, 1)
        return F.relu(y) if self.relu else y


class FrameRecurrent(Recurrent):
    """One frame by the textbook's formula; the kernel for sequences packs all weights anew at every
    call.
    """

    def forward(self, x: Tensor, state: State | None = None) -> Tensor:  # type: ignore[override]  # nn.LSTM also returns its state
        state, found, x = {} if state is None else state, [], x[:, 0]
        zeros = x.new_zeros(self.num_layers, len(x), self.hidden_size)
        before = zip(*state.get(self, (zeros, zeros)), strict=True)
        for (w, u, a, b), (hidden, kept) in zip(self.all_weights, before, strict=True):
            weight = torch.cat([w, u], 1).T.contiguous()
            gates = torch.addmm(a + b, torch.cat([x, hidden], 1), weight)
            i, f, g, o = gates.chunk(4, 1)
            kept = f.sigmoid() * kept + i.sigmoid() * g.tanh()
            x = o.sigmoid() * kept.tanh()
            found.append((x, kept))
        state[self] = tuple(torch.stack(part) for part in zip(*found, strict=True))
        return x[:, None]


class FrameHeads(EventHeads):
    """One frame of one listener's event heads: what does not depend on the codes drawn before is
    computed once for all heads.
    """

    def step(
        self,
        cues: Tensor,
        past: Tensor,
        e: Tensor,
        uniform: Tensor,
        state: State,
        guidance: float = 1.0,
    ) -> Drawn:
        rows, drawn = len(cues), []
        known = F.relu(self.past(torch.cat([past, e], 1))).expand(rows, -1)
        before = state.get(self, cues.new_zeros(rows, self.config.hidden))
        state[self] = hidden = cell(self.gru, torch.cat([known, cues], 1), before)
        x = self.first(torch.cat([hidden, cues, e.expand(rows, -1)], 1))
        bias, words = mixed(self.bias[..., None], e)[0, ..., 0], mixed(self.coding.table, e)[0]
        for head in range(self.config.heads):
            logits = torch.addmm(bias[head], F.relu(self.norm(x)), self.out[head])
            if head == 0 and rows > 1:
                heard, unheard = logits[:1], logits[1:]
                logits, x = unheard + guidance * (heard - unheard), x[:1]
            share = logits.softmax(-1)
            edges = share.cumsum(-1)
            code = (edges < uniform[:, head, None]).sum(-1).clamp_max(self.config.categories - 1)
            drawn.append((code, edges, share))
            x = x + words[head].index_select(0, code)
        code, edges, share = (torch.cat(part) for part in zip(*drawn, strict=True))
        upper, part = (y.gather(1, code[:, None])[:, 0] for y in (edges, share))
        within = (1 - (upper - uniform[0]) / part.clamp_min(1e-12)).clamp(0, 1)
        return Drawn(code[None], within[None])


class FrameLinear(nn.Linear):
    """One frame of a layer with many more outputs than inputs: reading the weights is all the work,
    and a CPU reads the transposed ones nearly twice as fast.
    """

    def forward(self, x: Tensor) -> Tensor:
        return torch.addmm(self.bias, x[:, 0], self.weight.T.contiguous())[:, None]


def for_frames(step: Step) -> Step:
    """The same step for one frame at a time: other forms of the layers, the same tensors."""
    tensors = itertools.chain(step.parameters(), step.buffers())
    fast = copy.deepcopy(step, {id(x): x for x in tensors})
    exchange(fast, {TimeConv: FrameConv, Recurrent: FrameRecurrent, EventHeads: FrameHeads})
    fast.decoder.model.encoder.mlp[-1].__class__ = FrameLinear
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
