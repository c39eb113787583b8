"""What a listener hears and sees: a speaker's series checked, standardised and limited."""

# T frame, D coefficient
from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from elp.errors import ElpError
from elp.model.ase import ASE
from elp.motion import MFCC, POSE, Clip, fill_gaps

# standard deviations beyond which the speaker's measurements are taken for tracking errors
LIMIT = 8.0


class Speaker:
    """The door of a model.

    Args:
        model: whose statistics and number of coefficients count.
    """

    def __init__(self, model: ASE) -> None:
        self.model = model
        self.widths = {"mfcc": MFCC, "beta": model.config.beta, "pose": POSE}

    def clip(self, speaker: Clip) -> tuple[Tensor, Tensor, Tensor]:
        """MFCC, β and p of a clip, frames that are not valid bridged: (1, T, ...) each.

        Raises:
            ElpError: no clip or one without frames, NaN, or other coefficients than the model's.
        """
        if not isinstance(speaker, Clip):
            raise ElpError(
                f"the speaker is {type(speaker).__name__}, not a Clip: give what extract or "
                "Clip.load returns"
            )
        motion, frames = speaker.motion, len(speaker)
        if not frames:
            raise ElpError("the speaker has no frames: give a longer video")
        beta, pose = fill_gaps(motion.beta, motion.valid), fill_gaps(motion.pose, motion.valid)
        return (
            self.rows("mfcc", speaker.mfcc, frames),
            self.rows("beta", beta, frames),
            self.rows("pose", pose, frames),
        )

    def heard(self, speaker: Clip) -> Tensor:
        """What event heads hear of a clip: prosody and blinks, (1, T, 9).

        Raises:
            ElpError: there is sound whose prosody was not measured.
        """
        columns = np.column_stack([speaker.voice(), speaker.motion.blink]).astype(np.float32)
        return torch.from_numpy(columns).to(self.model.holds.device)[None]

    def rows(self, name: str, x: NDArray[Any], frames: int) -> Tensor:
        """`frames` rows of "mfcc", "beta" or "pose": (1, frames, ...)."""
        x, expected = np.asarray(x), (frames, self.widths[name])
        if x.shape != expected:
            raise ElpError(
                f"speaker: {name} of shape {x.shape}, this model expects {expected}: extract it "
                "with the model's face model"
            )
        if not np.isfinite(x).all():
            raise ElpError(
                f"speaker: {name} holds NaN or infinity: mark such frames valid=0 or extract the "
                "clip again"
            )
        rows = torch.as_tensor(x, dtype=torch.float32, device=self.model.holds.device)
        return self.model.standardise(name, rows).clamp(-LIMIT, LIMIT)[None]
