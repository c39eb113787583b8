"""A response to a speaker who is still speaking (chapter "Your own video")."""

# T frame, D coefficient, n sample
from __future__ import annotations

from typing import Any, NoReturn

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from elp.errors import ElpError
from elp.listener.contract import Emotion, mixture
from elp.listener.frame import FrameProgram, Heard, Step
from elp.listener.responder import ELPResponder
from elp.media.audio import HOP, WINDOW, CepstraStream
from elp.media.prosody import ProsodyStream
from elp.model.config import ASEConfig
from elp.model.layers import State, one_thread
from elp.model.style import StyleStream
from elp.motion import MFCC, PROSODY, SILENT, Motion

STEP = 250  # frames answered at once where more have come
AHEAD = 8  # frames whose numbers are drawn together: a frame's alone take three times as long
LOUDEST = 1000.0  # a sample: far beyond full scale, and still its power is a number


class ResponseStream:
    """A response piece by piece, equal to the offline one of the same causal model and generator,
    however the input is cut.

    Equal to 1e-4 but for draws that rounding decides: frames that come one by one are summed in
    another order than frames that come together. Where two categories of a code tie to seven
    digits, about once in four minutes at most, some five frames differ, by less than 0.1 (of 45,000
    frames 5, by 0.016). Event heads remember what they drew: after a tie the head may be elsewhere
    for a minute or two (in one of three streams of 160 s, by up to 0.003 rad and 0.14 cm), and β
    differ in a tenth of the frames, by up to 0.4. No other way of drawing has no ties: rounded
    probabilities tie as often, where they are rounded.

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
        self.style = StyleStream(window(config), raw_motion=config.raw_motion)
        self.cepstra, self.draws = CepstraStream(), responder.sampler.start(generator)
        self.prosody = ProsodyStream() if config.events else None
        self.drawn = list(self.draws.next(AHEAD))  # for the next frames
        rest, traits = responder.who(self.draws)
        self.step = Step(
            responder.decoder,
            responder.sampler,
            e,
            guidance=responder.guidance,
            rest=rest,
            traits=traits,
        )
        self.device = responder.model.holds.device
        self.program = FrameProgram(self.step) if self.device.type == "cpu" else None
        self.state: State = {} if self.program is None else self.program.start()
        self.axes = 0  # of the sound: 1 of samples, 2 of cepstra, 0 while nothing was heard
        self.ended = False
        # frames heard but not seen, or seen but not heard
        widths = self.speaker.widths | {"prosody": len(PROSODY), "blink": 1}
        self.waiting = {name: torch.zeros(1, 0, width) for name, width in widths.items()}

    @torch.inference_mode()
    def push(
        self,
        audio: NDArray[Any] | None = None,
        beta: NDArray[Any] | None = None,
        pose: NDArray[Any] | None = None,
        blink: NDArray[Any] | int | None = None,
    ) -> Motion:
        """The listener's next frames. Sound and pictures need not come in step.

        Args:
            audio: (n,) float samples at 16 kHz in [-1, 1], any number of them, the stream's first
                at the first frame's time; or rows of `media.audio.mfcc`, (T, 29), for event heads
                with those of `media.prosody.prosody` beside them, (T, 37). A stream takes one kind.
            beta: (T, D) or (D,), the speaker's next frames or frame, in corpus units. pose: (T, 6)
                or (6,), as many. blink: (T,) or one number, 1 while the speaker's eyes are shut; 0
                where it is left out.

        Returns:
            β, p and blinks of all frames that can be answered by now; perhaps none.

        Raises:
            ElpError: shapes that do not fit, NaN, samples that are whole numbers or far beyond full
                scale, no numbers; or the stream has ended. Nothing of this push counts then, and
                the stream is as it was before.
        """
        if self.ended:
            raise ElpError("stream: it has ended: begin another one")
        new = self._seen(beta, pose, blink)
        if audio is not None:
            # checked as a whole before it is heard: what is refused leaves no trace
            sound = _numbers("audio", audio)
            rows, prosody = self._sound(sound)
            new["mfcc"] = self.speaker.rows("mfcc", rows, len(rows))
            new["prosody"] = torch.from_numpy(prosody)[None]
            self.axes = sound.ndim
        for name, x in new.items():
            before = self.waiting[name]
            self.waiting[name] = torch.cat([before, x.cpu()], 1) if before.shape[1] else x.cpu()
        with one_thread():
            return self._answered()

    def _seen(
        self,
        beta: NDArray[Any] | None,
        pose: NDArray[Any] | None,
        blink: NDArray[Any] | int | None,
    ) -> dict[str, Tensor]:
        """The speaker's next frames as the model takes them."""
        if beta is None and pose is None and blink is None:
            return {}
        if beta is None or pose is None:
            raise ElpError("stream: β and p of a frame belong together: push both, or neither")
        rows = {
            name: np.atleast_2d(_numbers(name, x)) for name, x in (("beta", beta), ("pose", pose))
        }
        frames = len(rows["beta"])
        found = {name: self.speaker.rows(name, x, frames) for name, x in rows.items()}
        return found | {"blink": _flags(blink, frames)}

    def finish(self) -> Motion:
        """The frames that still wait for sound, answered as if silence followed, as the offline run
        does. The stream ends here.
        """
        missing = self.waiting["beta"].shape[1]
        silence = np.zeros(missing * HOP + WINDOW, np.float32)
        if self.axes == 2:
            silence = np.zeros((missing, MFCC), np.float32)
            if self.prosody is not None:
                silence = np.column_stack([silence, self._silent(missing)])
        found = self.push(silence)
        self.ended = True
        return found

    def __reduce__(self) -> NoReturn:
        raise ElpError("stream: it cannot be copied to another process: begin one there")

    def _sound(self, audio: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.float32]]:
        """Samples (n,) or ready rows -> cepstra (T, 29) and prosody (T, 8), which is that of
        silence for a model without event heads.
        """
        if self.axes not in (0, audio.ndim):
            raise ElpError(
                "stream: samples and ready cepstra mixed: push samples (n,) or rows (T, 29), one "
                "kind throughout"
            )
        if audio.ndim != 1:
            return self._ready(audio)
        if audio.dtype.kind != "f" or not (np.abs(audio) <= LOUDEST).all():
            raise ElpError(
                f"stream: samples of {audio.dtype}, or beyond {LOUDEST:g} or NaN among them: give "
                "16 kHz sound as float32 in [-1, 1]"
            )
        samples = audio.astype(np.float32, copy=False)
        rows = self.cepstra.push(samples)
        return rows, self._silent(len(rows)) if self.prosody is None else self.prosody.push(samples)

    def _ready(self, rows: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.float32]]:
        if self.prosody is None:
            return rows, self._silent(len(rows))
        if rows.shape[1:] != (MFCC + len(PROSODY),) or not np.isfinite(rows).all():
            raise ElpError(
                f"stream: rows of shape {rows.shape}, or NaN among them: this model needs "
                f"{MFCC} cepstra and {len(PROSODY)} numbers of prosody a frame, or samples"
            )
        return rows[:, :MFCC], rows[:, MFCC:].astype(np.float32)

    @staticmethod
    def _silent(frames: int) -> NDArray[np.float32]:
        return np.tile(np.asarray(SILENT, np.float32), (frames, 1))

    def _answered(self) -> Motion:
        """The motion of all frames that are heard and seen; they wait no longer."""
        count = min(x.shape[1] for x in self.waiting.values())
        if not count:
            widths = self.speaker.widths
            beta, pose = (np.zeros((0, widths[name]), np.float32) for name in ("beta", "pose"))
            return Motion(beta=beta, pose=pose, blink=np.zeros(0, np.uint8))
        waiting, found = self.waiting, []
        self.waiting = {name: x[:, count:] for name, x in waiting.items()}
        for first in range(0, count, STEP):
            piece = slice(first, min(first + STEP, count))
            found.append(self._answer(**{name: x[:, piece] for name, x in waiting.items()}))
        if len(found) == 1:
            return found[0]
        beta, pose, blink = (
            np.concatenate([getattr(motion, name) for motion in found])
            for name in ("beta", "pose", "blink")
        )
        return Motion(beta=beta, pose=pose, blink=blink)

    def _answer(
        self, mfcc: Tensor, beta: Tensor, pose: Tensor, prosody: Tensor, blink: Tensor
    ) -> Motion:
        """The motion of T frames, the first three series standardised."""
        frames, device = mfcc.shape[1], self.device
        uniform, decision = self._drawn(frames)
        events = self.draws.events(frames).to(device)
        step = self.step if self.program is None or frames > 1 else self.program
        said = mfcc, self.style.push(beta, pose), torch.cat([prosody, blink], -1)
        heard = Heard(*(x.to(device) for x in said))
        return step(heard, uniform, events, self.state).motion(decision)

    def _drawn(self, frames: int) -> tuple[Tensor, Tensor]:
        """What `Draws.next` gives."""
        missing = frames - self.drawn[0].shape[1]
        if missing > 0:
            more = self.draws.next(max(missing, AHEAD))
            self.drawn = [torch.cat(pair, 1) for pair in zip(self.drawn, more, strict=True)]
        uniform, decision = (x[:, :frames] for x in self.drawn)
        self.drawn = [x[:, frames:] for x in self.drawn]
        return uniform, decision


def window(config: ASEConfig) -> int:
    """Frames of σ, where the model can stream."""
    if not config.causal:
        raise ElpError(
            "this checkpoint looks at future frames: stream with 'listener', which ships, or train "
            "one with recipe 'listener', 'live' or 'stream'"
        )
    if config.window == "clip":
        raise ElpError(
            "σ over the whole clip needs the whole clip: stream with a model whose window is a "
            "number of frames"
        )
    return config.window


def _numbers(name: str, x: Any) -> NDArray[Any]:
    """x as an array; raises ElpError where it holds no numbers."""
    try:
        found = np.asarray(x)
    except (TypeError, ValueError) as error:
        raise ElpError(f"stream: {name} is no array of numbers: give one") from error
    if found.dtype.kind not in "fiub" or (not found.ndim and name != "blink"):
        raise ElpError(f"stream: {name} is no array of numbers but {found.dtype}: give one")
    return found


def _flags(blink: NDArray[Any] | int | None, frames: int) -> Tensor:
    """The speaker's blinks as (1, frames, 1), 0 where they are not known."""
    given = np.zeros(frames) if blink is None else np.atleast_1d(_numbers("blink", blink))
    if given.shape != (frames,) or not ((given == 0) | (given == 1)).all():
        raise ElpError(
            f"stream: blink of shape {given.shape} for {frames} frames: give one 0 or 1 a frame"
        )
    return torch.from_numpy(given.astype(np.float32))[None, :, None]
