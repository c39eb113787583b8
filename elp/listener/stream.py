"""A response to a speaker who is still speaking (chapter "Your own video")."""

# T frame, D coefficient, n sample
from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from elp.errors import ElpError
from elp.listener.contract import Emotion, mixture
from elp.listener.frame import FrameProgram, Step
from elp.listener.responder import ELPResponder
from elp.media.audio import HOP, WINDOW, CepstraStream
from elp.model.config import ASEConfig
from elp.model.layers import State
from elp.model.style import StyleStream
from elp.motion import MFCC, Motion

STEP = 250  # frames answered at once where more have come


class ResponseStream:
    """A response piece by piece, equal to the offline one of the same causal model and generator,
    however the input is cut.

    A frame is answered as soon as its β, p and the 32 ms of sound after its time t / 25 s are
    there. That lies within the frame's own 40 ms: sound and pictures pushed frame by frame are
    answered frame by frame.

    Args:
        responder: of a causal model. emotion: see `contract.mixture`; "auto" infers it from the
            frames so far. generator: CPU generator; everything that is drawn comes from it.

    Raises:
        ElpError: the model looks at future frames, or σ's window is the whole clip.
    """

    def __init__(
        self, responder: ELPResponder, emotion: Emotion = "auto", *, generator: torch.Generator
    ) -> None:
        config, self.speaker = responder.model.config, responder.speaker
        e = mixture(emotion, responder.emotions)
        self.style = StyleStream(_window(config), raw_motion=config.raw_motion)
        self.cepstra, self.draws = CepstraStream(), responder.sampler.start(generator)
        self.step = Step(responder.decoder, responder.sampler, e)
        self.device = responder.model.holds.device
        self.program = FrameProgram(self.step) if self.device.type == "cpu" else None
        self.state: State = {} if self.program is None else self.program.start()
        self.axes = 0  # of the sound: 1 of samples, 2 of cepstra, 0 while nothing was heard
        # frames heard but not seen, or seen but not heard
        self.waiting = [torch.zeros(1, 0, width) for width in self.speaker.widths.values()]

    @torch.inference_mode()
    def push(
        self,
        audio: NDArray[Any] | None = None,
        beta: NDArray[Any] | None = None,
        pose: NDArray[Any] | None = None,
    ) -> Motion:
        """The listener's next frames. Sound and pictures need not come in step.

        Args:
            audio: (n,) float samples at 16 kHz in [-1, 1], any number of them, the stream's first
                at the first frame's time; or rows of `media.audio.mfcc`, (T, 29). A stream takes
                one kind.
            beta: (T, D) or (D,), the speaker's next frames or frame, in corpus units. pose: (T, 6)
                or (6,), as many.

        Returns:
            β, p and blinks of all frames that can be answered by now; perhaps none.

        Raises:
            ElpError: shapes that do not fit, NaN, samples that are whole numbers. Nothing of this
                push counts then.
        """
        new = [torch.zeros(1, 0, x.shape[-1]) for x in self.waiting]
        if beta is not None or pose is not None:
            beta, pose = np.atleast_2d(np.asarray(beta)), np.atleast_2d(np.asarray(pose))
            new[1] = self.speaker.rows("beta", beta, len(beta))
            new[2] = self.speaker.rows("pose", pose, len(beta))
        if audio is not None:
            audio = np.asarray(audio)
            rows = self._cepstra(audio)
            new[0] = self.speaker.rows("mfcc", rows, len(rows))
            self.axes = audio.ndim
        self.waiting = [
            torch.cat([old, x.cpu()], 1) for old, x in zip(self.waiting, new, strict=True)
        ]
        return self._answered()

    def finish(self) -> Motion:
        """The frames that still wait for sound, answered as if silence followed, as the offline run
        does. The stream ends here.
        """
        missing = self.waiting[1].shape[1]
        return self.push(
            np.zeros((missing, MFCC) if self.axes == 2 else missing * HOP + WINDOW, np.float32)
        )

    def _cepstra(self, audio: NDArray[Any]) -> NDArray[Any]:
        """Samples (n,) or ready cepstra -> cepstra (T, 29)."""
        if self.axes not in (0, audio.ndim):
            raise ElpError(
                "stream: samples and ready cepstra mixed: push samples (n,) or rows (T, 29), one "
                "kind throughout"
            )
        if audio.ndim != 1:
            return audio
        if not np.issubdtype(audio.dtype, np.floating) or not np.isfinite(audio).all():
            raise ElpError(
                f"stream: samples of {audio.dtype}, or NaN among them: give 16 kHz sound as "
                "float32 in [-1, 1]"
            )
        return self.cepstra.push(audio.astype(np.float32, copy=False))

    def _answered(self) -> Motion:
        """The motion of all frames that are heard and seen; they wait no longer."""
        count = min(x.shape[1] for x in self.waiting)
        ready = [x[:, :count].split(STEP, 1) for x in self.waiting]
        self.waiting = [x[:, count:] for x in self.waiting]
        if not count:
            beta, pose = (np.zeros((0, x.shape[-1]), np.float32) for x in self.waiting[1:])
            return Motion(beta=beta, pose=pose, blink=np.zeros(0, np.uint8))
        found = [self._answer(*piece) for piece in zip(*ready, strict=True)]
        beta, pose, blink = (
            np.concatenate([getattr(motion, name) for motion in found])
            for name in ("beta", "pose", "blink")
        )
        return Motion(beta=beta, pose=pose, blink=blink)

    def _answer(self, mfcc: Tensor, beta: Tensor, pose: Tensor) -> Motion:
        """The motion of T standardised frames."""
        uniform, blink = self.draws.next(mfcc.shape[1])
        step = self.step if self.program is None or mfcc.shape[1] > 1 else self.program
        style = self.style.push(beta, pose).to(self.device)
        return step(mfcc.to(self.device), style, uniform, self.state).motion(blink)


def _window(config: ASEConfig) -> int:
    """Frames of σ, where the model can stream."""
    if not config.causal:
        raise ElpError(
            "this checkpoint looks at future frames: stream with 'live', which ships, or train one "
            "with recipe 'live' or 'stream'"
        )
    if config.window == "clip":
        raise ElpError(
            "σ over the whole clip needs the whole clip: stream with a model whose window is a "
            "number of frames"
        )
    return config.window
