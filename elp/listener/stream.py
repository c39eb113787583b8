"""A response to a speaker who is still speaking (chapter "Your own video")."""

# T frame, D coefficient, n sample
from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from elp.errors import ElpError
from elp.media.audio import HOP, WINDOW, CepstraStream
from elp.model.layers import State
from elp.model.space import one_hot
from elp.model.style import StyleStream
from elp.motion import MFCC, POSE, Motion

if TYPE_CHECKING:
    from elp.listener.responder import ELPResponder, Emotion

STEP = 250  # frames answered at once where more have come


class ResponseStream:
    """A response piece by piece, equal to the offline one of the same causal model and generator,
    however the input is cut.

    A frame is answered as soon as its β, p and the 32 ms of sound after its time t / 25 s are
    there. That lies within the frame's own 40 ms: sound and pictures pushed frame by frame are
    answered frame by frame.

    Raises:
        ElpError: the model looks at future frames, or σ's window is the whole clip.
    """

    def __init__(
        self, responder: ELPResponder, emotion: Emotion = "auto", *, generator: torch.Generator
    ) -> None:
        config = responder.model.config
        if not config.causal:
            raise ElpError(
                "this checkpoint looks at future frames: stream with 'live', which ships, or train one with recipe 'live' or 'stream'"
            )
        if config.window == "clip":
            raise ElpError(
                "σ over the whole clip needs the whole clip: stream with a model whose window is a number of frames"
            )
        self.responder, self.e = responder, responder.weights(emotion)
        self.noise, self.cepstra, self.style = (
            responder.noise(generator),
            CepstraStream(),
            StyleStream(config.window, plain=config.plain),
        )
        self.state: State = {}
        self.program: Any = None  # `_step` of one frame, recorded
        self.axes = 0  # of the sound: 1 of samples, 2 of cepstra, 0 while nothing was heard
        # frames heard but not seen, or seen but not heard
        self.waiting = [torch.zeros(1, 0, width) for width in (MFCC, config.beta, POSE)]
        if responder.model.beta_mean.device.type == "cpu":
            self._record()

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
            new[1:] = (
                self.responder.input("beta", beta, len(beta)),
                self.responder.input("pose", pose, len(beta)),
            )
        if audio is not None:
            audio = np.asarray(audio)
            rows = self._rows(audio)
            new[0] = self.responder.input("mfcc", rows, len(rows))
            self.axes = audio.ndim
        self.waiting = [
            torch.cat([old, x.cpu()], 1) for old, x in zip(self.waiting, new, strict=True)
        ]
        count = min(x.shape[1] for x in self.waiting)
        if not count:
            empty = np.zeros((0, self.waiting[1].shape[-1]), np.float32)
            return Motion(
                beta=empty, pose=np.zeros((0, POSE), np.float32), blink=np.zeros(0, np.uint8)
            )
        ready = [x[:, :count].split(STEP, 1) for x in self.waiting]
        self.waiting = [x[:, count:] for x in self.waiting]
        parts = zip(*(self._answer(*piece) for piece in zip(*ready, strict=True)), strict=True)
        beta, pose, blink = (torch.cat(part).cpu().numpy() for part in parts)
        return Motion(beta=beta, pose=pose, blink=blink.astype(np.uint8))

    def finish(self) -> Motion:
        """The frames that still wait for sound, answered as if silence followed, as the offline run
        does. The stream ends here.
        """
        missing = self.waiting[1].shape[1]
        return self.push(
            np.zeros((missing, MFCC) if self.axes == 2 else missing * HOP + WINDOW, np.float32)
        )

    def _rows(self, audio: NDArray[Any]) -> NDArray[Any]:
        if self.axes not in (0, audio.ndim):
            raise ElpError(
                "stream: samples and ready cepstra mixed: push samples (n,) or rows (T, 29), one kind throughout"
            )
        if audio.ndim != 1:
            return audio
        if not np.issubdtype(audio.dtype, np.floating) or not np.isfinite(audio).all():
            raise ElpError(
                f"stream: samples of {audio.dtype}, or NaN among them: give 16 kHz sound as float32 in [-1, 1]"
            )
        return self.cepstra.push(audio.astype(np.float32, copy=False))

    def _answer(self, mfcc: Tensor, beta: Tensor, pose: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """T standardised frames -> β (T, D), p (T, 6), blinks (T,)."""
        device = self.responder.model.beta_mean.device
        uniform, blink = self.responder.draws(self.noise, mfcc.shape[1])
        inputs = mfcc.to(device), self.style.push(beta, pose).to(device), uniform
        if self.program is not None and mfcc.shape[1] == 1:
            *found, carried = self.program(*inputs, tuple(self.state.values()))
            self.state = dict(zip(self.state, carried, strict=True))
        else:
            found = self._step(*inputs, self.state)
        return found[0][0], found[1][0], blink[0] < found[2][0].cpu()

    def _step(
        self, mfcc: Tensor, motion: Tensor, uniform: Tensor, state: State
    ) -> tuple[Tensor, Tensor, Tensor]:
        model = self.responder.model
        style = model.style(mfcc, motion, state)
        codes = self.responder.choice(model.encoder(style, state), uniform)
        e = (
            one_hot(model.tdnn.so_far(style, state))
            if self.e is None
            else self.e.to(codes.device).expand(1, codes.shape[1], -1)
        )
        return self.responder.decode(codes, e, state)

    @torch.inference_mode()
    def _record(self) -> None:
        """Record `_step` of one frame as a program: without Python between its hundreds of small
        operations it takes half as long.

        About a second's work, done before the speaker begins; so are the program's first runs, in
        which it is optimised.
        """
        model = self.responder.model
        half = torch.full((1, 1, model.config.heads, model.config.categories), 0.5)
        inputs = torch.zeros(1, 1, MFCC), torch.zeros(1, 1, len(model.style_mean)), half
        state: State = {}
        self._step(*inputs, state)
        # what is packed becomes constants
        blank = {layer: _zeros(x) for layer, x in state.items() if isinstance(layer, nn.Module)}
        arguments = (*inputs, tuple(blank.values()))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # sizes become constants, and may: a frame is a frame
            frame = _Frame(self, list(blank)).eval()
            self.program = torch.jit.freeze(torch.jit.trace(frame, arguments, check_trace=False))
        for _ in range(3):
            self.program(*arguments)
        self.state = blank


class _Frame(nn.Module):
    """`ResponseStream._step` with the state as an argument and a result."""

    def __init__(self, stream: ResponseStream, layers: list[nn.Module]) -> None:
        super().__init__()
        self.model = stream.responder.model
        self.step, self.layers = stream._step, layers

    def forward(
        self, mfcc: Tensor, motion: Tensor, uniform: Tensor, carried: tuple[Any, ...]
    ) -> tuple[Any, ...]:
        state = dict(zip(self.layers, carried, strict=True))
        return *self.step(mfcc, motion, uniform, state), tuple(
            state[layer] for layer in self.layers
        )


def _zeros(x: Any) -> Any:
    return tuple(map(_zeros, x)) if isinstance(x, tuple) else torch.zeros_like(x)
