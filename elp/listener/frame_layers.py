"""Layers in the forms that are fast for a single frame of one listener on a CPU: the same tensors
and results, fewer bytes of weights and fewer operations (chapter "Your own video").
"""

# C channel, D input, D' output, H head, R row
from __future__ import annotations

import warnings

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from elp.model.ase import ASE
from elp.model.decoders import mixed
from elp.model.event_heads import Drawn, EventHeads, SpeakerBranch
from elp.model.layers import Norm, Recurrent, State, TimeConv

# x86 has it. PyTorch has called these functions deprecated for years and has none as fast: where
# they are missing, a frame takes half as long again
FBGEMM = "fbgemm" in torch.backends.quantized.supported_engines and hasattr(
    torch, "fbgemm_linear_fp16_weight_fp32_activation"
)


def product(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """x (R, D) times a matrix (D', D) that never changes, plus bias: (R, D').

    Most of the work is to read the matrix. Where float16 holds it exactly, as it does those of
    checkpoints that ship, half as many bytes are read; products and sums are float32 all the same.
    """
    exact = torch.equal(weight.half().float(), weight)
    if exact and FBGEMM and not torch.onnx.is_in_onnx_export():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            packed = torch.fbgemm_pack_gemm_matrix_fp16(weight.contiguous())
            return torch.fbgemm_linear_fp16_weight_fp32_activation(x, packed, bias)
    rows, columns = weight.shape
    # where there are many rows, a CPU reads columns nearly twice as fast
    return F.linear(x, weight.T.contiguous().T if rows > columns else weight, bias)


class FrameLinear(nn.Linear):
    """A linear layer; (B, 1, D) or (R, D)."""

    def forward(self, x: Tensor) -> Tensor:
        if x.ndim == 2:
            return product(x, self.weight, self.bias)
        return self(x.select(1, 0)).unsqueeze(1)


class FrameConv(TimeConv):
    """The newest frame of a causal convolution over time as one product: convolving takes three
    times as long.
    """

    def forward(self, x: Tensor, state: State | None = None) -> Tensor:
        seen = x.permute(0, 2, 3, 1)  # (B, 1, H, C), then (B, past + 1, H, C)
        if self.past:
            state = {} if state is None else state
            nothing = seen.new_zeros(len(x), self.past, *seen.shape[2:])
            seen = torch.cat([state.get(self, nothing), seen], 1)
            # one frame goes: a size that is read would be computed at every frame
            state[self] = seen.narrow(1, 1, self.past)
        if self.dilation[0] > 1:
            seen = seen[:, :: self.dilation[0]]
        if self.kernel_size[1] > 1:
            return self.convolve(seen.permute(0, 3, 1, 2))
        weight = self.weight.permute(0, 2, 3, 1).flatten(1)
        y = product(seen.flatten(1), weight, self.bias).view(-1, self.out_channels, 1, 1)
        return F.relu(y) if self.relu else y


class FrameNorm(Norm):
    """Normalisation of a single row over the axis where it is: nothing is turned."""

    def forward(self, x: Tensor, skip: Tensor | None = None, *, relu: bool = False) -> Tensor:
        if x.shape[-1] > 1:
            return super().forward(x, skip, relu=relu)
        weight, bias = (w[:, None, None] for w in (self.weight, self.bias))
        y = F.layer_norm(x, weight.shape, weight, bias, self.eps)
        y = y if skip is None else y + skip
        return F.relu(y) if relu else y


class FrameRecurrent(Recurrent):
    """LSTMs by the textbook's formula: the kernel for sequences packs all weights anew at every
    call.
    """

    def forward(self, x: Tensor, state: State | None = None) -> Tensor:  # type: ignore[override]  # nn.LSTM also returns its state
        state, found, x = {} if state is None else state, [], x.select(1, 0)
        zeros = x.new_zeros(self.num_layers, len(x), self.hidden_size)
        before = zip(*state.get(self, (zeros, zeros)), strict=True)
        for (w, u, a, b), (hidden, kept) in zip(self.all_weights, before, strict=True):
            gates = product(torch.cat([x, hidden], 1), torch.cat([w, u], 1), a + b)
            i, f, g, o = gates.split(self.hidden_size, 1)
            kept = torch.addcmul(f.sigmoid() * kept, i.sigmoid(), g.tanh())
            x = o.sigmoid() * kept.tanh()
            found.append((x, kept))
        state[self] = tuple(torch.stack(part) for part in zip(*found, strict=True))
        return x.unsqueeze(1)


class FrameASE(ASE):
    """One frame's codewords: e mixes the table before they are looked up, once for a whole stream
    where e is given.
    """

    def image_of(self, codes: Tensor, e: Tensor, heads: Tensor | None = None) -> Tensor:
        words, rows = mixed(self.coding.table, self.rearranging(e).select(1, 0)), codes.flatten()
        if words.shape[1] > 1:  # a table for each head
            rows = rows + torch.arange(len(rows), device=rows.device) * words.shape[2]
        image = words.flatten(0, 2).index_select(0, rows)[None, None]  # (1, 1, H, C)
        return self.with_options(image.permute(0, 3, 1, 2), e, heads)


class FrameBranch(SpeakerBranch):
    """What one listener hears, and in a second row, where guidance asks for it, what a deaf one
    does: the same in every frame.
    """

    def forward(self, speaker: Tensor, deaf: Tensor, state: State | None = None) -> Tensor:
        state = {} if state is None else state
        weight, flag = self.inputs.weight[:, :-1], self.inputs.weight[:, -1]
        x = product(speaker[:1].select(1, 0), weight, self.inputs.bias)
        if len(deaf) > 1:
            x = torch.cat([x, (flag + self.inputs.bias)[None]])
        before = state.get(self, x.new_zeros(len(x), self.gru.hidden_size))
        state[self] = after = cell(self.gru, F.relu(x), before)
        return after.unsqueeze(1)


class FrameHeads(EventHeads):
    """One listener's event heads: what does not depend on the codes drawn before is computed once
    for all heads.
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
            logits = product(F.relu(self.norm(x)), self.out[head].T, bias[head])
            if head == 0 and rows > 1:
                heard, unheard = logits[:1], logits[1:]
                logits, x = unheard + guidance * (heard - unheard), x[:1]
            share = logits.softmax(-1)
            edges = share.cumsum(-1)
            code = torch.searchsorted(edges, uniform.narrow(1, head, 1))
            code = code.clamp_max(self.config.categories - 1)
            drawn.append((code, edges, share))
            x = x + words[head].index_select(0, code.select(0, 0))
        code, edges, share = (torch.cat(part) for part in zip(*drawn, strict=True))
        upper, part = (y.gather(1, code).T for y in (edges, share))
        within = (1 - (upper - uniform) / part.clamp_min(1e-12)).clamp(0, 1)
        return Drawn(code.T, within)


def cell(gru: nn.GRU, x: Tensor, hidden: Tensor) -> Tensor:
    """One frame of a GRU: (R, D) and (R, D') -> (R, D')."""
    w, u, a, b = gru.all_weights[0]
    xr, xz, xn = product(x, w, a).split(gru.hidden_size, 1)
    hr, hz, hn = product(hidden, u, b).split(gru.hidden_size, 1)
    new = torch.addcmul(xn, (xr + hr).sigmoid(), hn).tanh()
    return new + (xz + hz).sigmoid() * (hidden - new)


FORMS: dict[type[nn.Module], type[nn.Module]] = {
    nn.Linear: FrameLinear,
    ASE: FrameASE,
    TimeConv: FrameConv,
    Norm: FrameNorm,
    Recurrent: FrameRecurrent,
    SpeakerBranch: FrameBranch,
    EventHeads: FrameHeads,
}
