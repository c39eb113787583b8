"""One frame of a listener as ONNX, for programs that step it as a conversation goes on (chapter
"Live").
"""

# D coefficient, H head, V category, N emotion, W window of σ, S numbers that are carried
from __future__ import annotations

import copy
import io
import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from elp.errors import ElpError
from elp.files import atomic
from elp.listener.export import OPSET, TOLERANCE, door
from elp.listener.export_graph import halve, spelled_out
from elp.listener.frame import Heard, Step, for_frames
from elp.listener.responder import ELPResponder
from elp.listener.speaker import LIMIT
from elp.listener.stream import ResponseStream, window
from elp.model.ase import ASE
from elp.model.layers import State
from elp.model.space import one_hot
from elp.motion import FPS, MFCC, POSE, PROSODY

INPUTS = "mfcc beta pose prosody blink emotion uniform events state sums".split()
OUTPUTS = "listener_beta listener_pose listener_blink inferred next_state next_sums".split()
COMPARED = 30  # frames


def export_step(model: ASE, path: str | Path, *, guidance: float | None = None) -> None:
    """Write one frame of a causal model as ONNX, whole or not at all, after frames that equal
    those of `ResponseStream`.

    Inputs, one row each: `mfcc` (1, 29), `beta` (1, D), `pose` (1, 6), `prosody` (1, 8), `blink`
    (1, 1) of the speaker in corpus units; `emotion` (1, N), a mixture that sums to 1, or zeros for
    the inferred one; the numbers of `elp.listener.sampling.Draws`, `uniform` (1, H, V) for the
    codes and `events` (1, 7) for lids and head; `state` (1, S) and `sums` (1, ...), zeros before
    the first frame and then what the frame before gave.

    Outputs: `listener_beta` (1, D), `listener_pose` (1, 6), `listener_blink` (1,), 1 or 0 of a
    model with event heads and else the probability of shut eyes; `inferred` (1, N), the emotion
    that the speaker so far suggests; `next_state`, `next_sums`.

    Numbers are computed as float32, the sums as float64. Weights are stored as float16 where that
    holds them exactly, as it does those of checkpoints that ship. Metadata hold the emotions'
    names, H, V and the frames a second.

    Args:
        model: trained. path: file ending in .onnx. guidance: of event heads, see `ELPResponder`.

    Raises:
        ElpError: another ending, the packages are missing, the model looks at future frames, or
            the exported frame does not give what the model gives.
    """
    onnx, onnxruntime = door(path)
    frames = window(model.config)
    responder = ELPResponder(copy.deepcopy(model).cpu(), guidance=guidance)
    graph = onnx.load_from_string(_traced(FrameGraph(responder, frames)))
    halve(onnx, graph)
    config = model.config
    facts = {"emotions": config.emotions, "heads": config.heads, "categories": config.categories}
    for key, value in {**facts, "fps": FPS}.items():
        graph.metadata_props.add(key=key, value=json.dumps(value))
    content = graph.SerializeToString()
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    _compare(responder, session)
    with atomic(path) as partial:
        partial.write_bytes(content)


class AskedStep(Step):
    """A step whose emotion is told with each frame, `asked` (1, N); zeros ask for the inferred
    one, `inferred` (1, 1, N).
    """

    asked: Tensor
    inferred: Tensor

    def emotion(self, style: Tensor, state: State) -> Tensor:
        self.inferred = one_hot(self.decoder.model.tdnn.so_far(style, state))
        asked = self.asked[:, None]
        return torch.where(asked.sum(-1, keepdim=True) > 0, asked, self.inferred)


class FrameGraph(nn.Module):
    """One frame of a response, all that it carries as two vectors.

    Args:
        responder: of a causal model. window: W.
    """

    def __init__(self, responder: ELPResponder, window: int) -> None:
        super().__init__()
        config, self.model, self.window = responder.model.config, responder.model, window
        traits = config.events.traits if config.events else 0
        step = AskedStep(
            responder.decoder,
            responder.sampler,
            None,
            guidance=responder.guidance,
            rest=torch.zeros(POSE if config.events else 0),
            traits=torch.zeros(traits),
        )
        self.step: Any = for_frames(step)
        self.motion = window, config.beta + POSE  # of what is remembered of the speaker
        self.layers: list[nn.Module] = []
        self.shapes: list[list[torch.Size]] = []
        # layers say what they carry by carrying it
        state: State = {}
        heard = Heard(*(torch.zeros(1, 1, width) for width in self.widths()))
        self.step.asked = torch.zeros(1, len(config.emotions))
        self.step(heard, *self._halves(), state)
        tdnn = self.step.decoder.model.tdnn
        self.sums = [x.shape for x in state.pop(tdnn)]
        for layer, value in state.items():
            self.layers.append(layer)
            self.shapes.append([x.shape for x in _parts(value)])
        self.kinds = [isinstance(value, tuple) for value in state.values()]

    def widths(self) -> tuple[int, int, int]:
        """Columns of what a step hears: cepstra, motion style, and what event heads hear."""
        return MFCC, self.model.config.motion_width, len(PROSODY) + 1

    def blank(self) -> dict[str, Tensor]:
        """Inputs of the first frame: a speaker at rest, numbers that favour nothing, no state."""
        config = self.model.config
        carried = 1 + self.motion[0] * self.motion[1]
        carried += sum(shape.numel() for shapes in self.shapes for shape in shapes)
        widths = {"mfcc": MFCC, "beta": config.beta, "pose": POSE, "prosody": len(PROSODY)}
        widths |= {"blink": 1, "emotion": len(config.emotions)}
        rows = {name: torch.zeros(1, width) for name, width in widths.items()}
        uniform, events = self._halves()
        sums = torch.zeros(1, sum(shape.numel() for shape in self.sums), dtype=torch.float64)
        rows |= {"uniform": uniform[0], "events": events[0]}
        return rows | {"state": torch.zeros(1, carried), "sums": sums}

    def forward(
        self,
        mfcc: Tensor,
        beta: Tensor,
        pose: Tensor,
        prosody: Tensor,
        blink: Tensor,
        emotion: Tensor,
        uniform: Tensor,
        events: Tensor,
        state: Tensor,
        sums: Tensor,
    ) -> tuple[Tensor, ...]:
        self.step.asked = emotion
        past, *carried = self._parted(state[:, 1:])
        recent, style = self._style(beta, pose, past, state[:, :1])
        layers: State = dict(zip(self.layers, carried, strict=True))
        tdnn = self.step.decoder.model.tdnn
        layers[tdnn] = tuple(_split(sums, self.sums))
        told = torch.cat([prosody, blink], 1)[:, None]
        heard = Heard(self._limited("mfcc", mfcc)[:, None], style, told)
        found = self.step(heard, uniform[None], events[None], layers)
        parts = [recent, *(layers[layer] for layer in self.layers)]
        flat = [part.reshape(1, -1) for value in parts for part in _parts(value)]
        kept = [part.reshape(1, -1) for part in layers[tdnn]]
        said = [x[:, 0] for x in (*found, self.step.inferred)]
        return *said, torch.cat([torch.ones_like(blink), *flat], 1), torch.cat(kept, 1)

    def _halves(self) -> tuple[Tensor, Tensor]:
        config = self.model.config
        codes = torch.full((1, 1, config.heads, config.categories), 0.5)
        return codes, torch.full((1, 1, self.step.sampler.events), 0.5)

    def _limited(self, name: str, x: Tensor) -> Tensor:
        return self.model.standardise(name, x).clamp(-LIMIT, LIMIT)

    def _style(
        self, beta: Tensor, pose: Tensor, past: Tensor, begun: Tensor
    ) -> tuple[Tensor, Tensor]:
        """The speaker's last W frames (1, W, D + 6), and `StyleStream`'s row (1, 1, ...)."""
        width = self.model.config.beta
        new = torch.cat([self._limited("beta", beta), self._limited("pose", pose)], 1)[:, None]
        # a face that was still before the first frame
        past = torch.where(begun[:, None] > 0, past, new.expand_as(past))
        recent = torch.cat([past, new], 1)
        speed = (recent[:, 1:] - recent[:, :-1]) * FPS
        values = torch.cat([recent[:, 1:, :width], speed], -1).double()
        apart = values - values.mean(1, keepdim=True)
        style = apart.square().mean(1, keepdim=True).sqrt().float()
        raw = self.model.config.raw_motion
        return recent[:, 1:], torch.cat([style, new], -1) if raw else style

    def _parted(self, flat: Tensor) -> list[Any]:
        """The window, then what each layer carries."""
        shapes = [[torch.Size((1, *self.motion))], *self.shapes]
        parts = iter(_split(flat, [shape for group in shapes for shape in group]))
        groups = [tuple(next(parts) for _ in group) for group in shapes]
        kinds = [False, *self.kinds]
        return [g if several else g[0] for g, several in zip(groups, kinds, strict=True)]


def _parts(value: Any) -> tuple[Tensor, ...]:
    return tuple(value) if isinstance(value, tuple) else (value,)


def _split(flat: Tensor, shapes: list[torch.Size]) -> list[Tensor]:
    """(1, S) -> tensors of these shapes."""
    parts = flat.split([shape.numel() for shape in shapes], 1)
    return [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)]


@torch.no_grad()
def _traced(graph: FrameGraph) -> bytes:
    blank, buffer = graph.blank(), io.BytesIO()
    with warnings.catch_warnings(), spelled_out():
        warnings.simplefilter("ignore")  # sizes become constants, and may: a frame is a frame
        torch.onnx.export(
            graph.eval(),
            tuple(blank.values()),
            buffer,  # type: ignore[arg-type]  # the old exporter takes buffers too
            dynamo=False,
            opset_version=OPSET,
            input_names=INPUTS,
            output_names=OUTPUTS,
        )
    return buffer.getvalue()


class Stepper:
    """An exported frame at work: what another program has to do, in Python.

    Args:
        session: of onnxruntime.
    """

    def __init__(self, session: Any) -> None:
        self.session = session
        kinds = {"tensor(float)": np.float32, "tensor(double)": np.float64}
        self.carried = {
            x.name: np.zeros(x.shape, kinds[x.type])
            for x in session.get_inputs()
            if x.name in ("state", "sums")
        }

    def __call__(self, frame: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """The next frame's inputs but `state` and `sums` -> all outputs."""
        asked = {x.name for x in self.session.get_inputs()}
        inputs = {name: x for name, x in (frame | self.carried).items() if name in asked}
        found = dict(zip(OUTPUTS, self.session.run(OUTPUTS, inputs), strict=True))
        self.carried = {name: found[f"next_{name}"] for name in self.carried}
        return found


def speaker(responder: ELPResponder, frames: int, seed: int = 0) -> dict[str, NDArray[Any]]:
    """Rows of a speaker that nobody ever was: noise of the corpus's spread, (T, ...) by name."""
    rng, model = np.random.default_rng(seed), responder.model
    rows = {}
    for name in ("mfcc", "beta", "pose"):
        mean, std = (np.asarray(x) for x in model.moments(name))
        rows[name] = (mean + std * rng.normal(size=(frames, len(mean)))).astype(np.float32)
    rows["prosody"] = rng.normal(size=(frames, len(PROSODY))).astype(np.float32)
    rows["blink"] = (rng.random((frames, 1)) < 0.1).astype(np.float32)
    return rows


def _compare(responder: ELPResponder, session: Any) -> None:
    """Raises ElpError where the file's frames are not those of `ResponseStream`."""
    rows = speaker(responder, COMPARED)
    e = np.eye(len(responder.emotions), dtype=np.float32)[:1]
    stream = ResponseStream(responder, e[0].tolist(), generator=torch.Generator().manual_seed(0))
    draws = responder.sampler.start(torch.Generator().manual_seed(0))
    step = Stepper(session)
    for t in range(COMPARED):
        frame = {name: x[t : t + 1] for name, x in rows.items()}
        sound = np.column_stack([frame["mfcc"], frame["prosody"]])
        heard = sound if responder.model.config.events else frame["mfcc"]
        expected = stream.push(heard, frame["beta"], frame["pose"], frame["blink"][:, 0])
        uniform, _ = draws.next(1)
        frame |= {"emotion": e, "uniform": uniform[0].numpy(), "events": draws.events(1)[0].numpy()}
        found = step(frame)
        for name in ("beta", "pose"):
            wanted, given = getattr(expected, name), found[f"listener_{name}"]
            error = float(np.abs(wanted - given).max())
            if not error < TOLERANCE * max(1.0, float(np.abs(wanted).max())):
                raise ElpError(
                    f"the exported {name} of frame {t} differs from the model's by {error:.2g}: "
                    "please report this with the checkpoint"
                )
