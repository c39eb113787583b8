"""The forms that the model's layers take where it trains on CUDA in half precision (chapter
"Training").
"""

# B clip, C channel, T frame, H head, D coefficient, N emotion
from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn

from elp.model.ase import ASE, Prediction, repeated
from elp.model.decoders import mixed
from elp.model.encoders import TDNN
from elp.model.layers import Norm, Recurrent, RowNorm, State, TimeConv, exchange
from elp.model.style import speaker_style
from elp.training.cuda.beside import convolved, in_pairs, mapped
from elp.training.cuda.norms import normalised
from elp.training.cuda.sampling import sample
from elp.training.cuda.streams import Streams


class FastConv(TimeConv):
    """`TimeConv` with its ReLU in the same kernel, its parameters' gradients beside the chain."""

    streams: Streams

    def convolve(self, x: Tensor) -> Tensor:
        stride = self.stride[1]
        if x.shape[3] % stride:  # the last head is left over
            return super().convolve(x)
        return convolved(
            in_pairs(x) if stride == 2 else x,
            self.weight,
            self.bias,
            self.streams,
            padding=self.padding,
            dilation=self.dilation,
            pairs=stride == 2,
            relu=self.relu,
        )


class FastRowNorm(RowNorm):
    """`RowNorm` as one kernel."""

    def forward(self, x: Tensor, skip: Tensor | None = None, *, relu: bool = False) -> Tensor:
        return normalised(x, self.weight, self.bias, skip, self.eps, relu)


class FastNorm(Norm, FastRowNorm):
    """`Norm` as one kernel: its `super()` is `FastRowNorm`."""


class FastRecurrent(Recurrent):
    """`Recurrent` in float16, not bfloat16: only there cuDNN has kernels that keep the weights on
    the chip between frames.
    """

    def forward(self, x: Tensor, state: State | None = None) -> Tensor:  # type: ignore[override]  # nn.LSTM also returns its state
        with torch.autocast("cuda", torch.float16, cache_enabled=False):
            return super().forward(x, state).to(x.dtype)


class FastLinear(nn.Linear):
    """A linear layer with its parameters' gradients beside the chain."""

    streams: Streams

    def forward(self, x: Tensor) -> Tensor:
        return mapped(x, self.weight, self.bias, self.streams)


class FastTDNN(TDNN):
    """`TDNN` whose statistics are pooled in float32."""

    def pooled(self, x: Tensor) -> Tensor:
        return super().pooled(x.float()).to(x.dtype)


class FastASE(ASE):
    """`ASE` in bfloat16, its emotion branch and D1 beside the chains of LSTMs; statistics and
    motion style stay float32.
    """

    streams: Streams

    def forward(
        self,
        mfcc: Tensor,
        motion: Tensor,
        e: Tensor,
        own: Tensor | None = None,
        *,
        generator: torch.Generator | None = None,
        tau: float | None = None,
        heads: Tensor | None = None,
        samples: int = 1,
    ) -> Prediction:
        style = self.style(mfcc.bfloat16(), motion, generator=generator)
        with self.streams.branch() as join:
            emotion = self.tdnn(style)
        logits = self.encoder(self.told(style, own, generator))
        logits, e, heads = repeated(samples, logits, e, heads)
        image = self.sampled(logits, e, self.config.tau if tau is None else tau, generator)
        join()
        e = e[:, None].expand(-1, image.shape[2], -1).to(image.dtype)
        image = self.with_options(image, e, heads)
        squeezed = self.blink.squeezed(image)
        # beside D2's LSTMs: the convolutions of both wait for the memory
        with self.streams.branch() as join:
            beta, pose = self.motion(image)
        blink = self.blink.read(squeezed)
        join()
        return Prediction(beta, pose, blink, emotion)

    def style(
        self,
        mfcc: Tensor,
        motion: Tensor,
        state: State | None = None,
        *,
        generator: torch.Generator | None = None,
    ) -> Tensor:
        motion = self.standardise("style", motion).to(mfcc.dtype)
        style = speaker_style(self.audio(mfcc, state, generator), motion)
        return self.noisy(style, generator) if self.training else style

    def sampled(
        self, logits: Tensor, e: Tensor, tau: float, generator: torch.Generator | None
    ) -> Tensor:
        table = self.coding.table
        words = mixed(table, self.rearranging(e).to(table.dtype))
        return sample(logits, words, tau, generator, self.holds)[0]


FORMS: dict[type[nn.Module], type[nn.Module]] = {
    ASE: FastASE,
    TDNN: FastTDNN,
    TimeConv: FastConv,
    Norm: FastNorm,
    RowNorm: FastRowNorm,
    Recurrent: FastRecurrent,
}


def accelerate(model: Any, streams: Streams) -> None:
    """Give a bfloat16 model on CUDA, or a part of one, these forms, in place.

    Args:
        model: used by one training; each parameter may be used once between two calls of
            `zero_grad`.
        streams: of that training.
    """
    exchange(model, FORMS)
    if isinstance(model, ASE):
        model.encoder.mlp[-1].__class__ = FastLinear  # H V outputs: the widest layer
    for layer in model.modules():
        if isinstance(layer, FastASE | FastConv | FastLinear):
            layer.streams = streams


def working_copy(model: ASE) -> ASE:
    """A copy for the forward and backward pass: parameters in bfloat16, statistics shared and
    float32, layers in their fast forms.
    """
    work = copy.deepcopy(model).bfloat16()
    for mine, theirs in zip(work.modules(), model.modules(), strict=True):
        mine._buffers = theirs._buffers
    accelerate(work, Streams(next(model.parameters()).device))
    return work
