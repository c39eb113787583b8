"""DLS-Random (ELP, section 4.1): what the trained decoders make of codes that nobody chose."""

# T frame, H head, V category
from __future__ import annotations

from torch import Tensor

from elp.listener.responder import ELPResponder
from elp.listener.sampling import Draws
from elp.model.layers import State


class RandomCodes(ELPResponder):
    """Random codewords through a trained model's decoders, all equally likely whoever speaks.

    Draws at neighbouring frames are correlated as the model's own are; its space decides whether
    the emotion moves the codewords.
    """

    def codes(
        self, style: Tensor, state: State, draws: Draws, trim: slice = slice(None)
    ) -> tuple[Tensor, Tensor]:
        uniform, blink = draws.next(len(range(*trim.indices(style.shape[1]))))
        return uniform.argmax(-1).to(style.device), blink
