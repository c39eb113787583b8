"""The exported frame, stepped, is a `ResponseStream` of the same draws."""

from dataclasses import replace

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from elp.errors import ElpError
from elp.listener import ELPResponder, export_step
from elp.listener.export_step import Stepper, speaker
from elp.listener.stream import ResponseStream
from elp.model import ASE
from elp.model.events import EventConfig
from tests.model.test_ase import SMALL

T = 200
EVENTS = EventConfig(bins=5, hidden=8, width=6, lid_hidden=4, lid_width=3, traits=2)
OPTIONS = {
    "event heads": {"events": EVENTS, "raw_motion": True, "coding": "embedding"},
    "decoders alone": {"holds": (1, 3), "emotion_branch": "linear", "space": "V+e"},
}


def made(**options) -> ASE:
    torch.manual_seed(0)
    model = ASE(replace(SMALL, causal=True, **options))
    model.beta_mean += 1
    model.mfcc_std *= 3
    if model.events is not None:
        rng = torch.Generator().manual_seed(1)
        velocity = torch.randn(100, 6, generator=rng) / 50
        model.events.calibrate(velocity.cumsum(0), velocity)
    return model.half().float().eval()


@pytest.fixture(scope="module", params=list(OPTIONS))
def exported(request, tmp_path_factory):
    """A model and its exported frame."""
    model = made(**OPTIONS[request.param])
    path = tmp_path_factory.mktemp("step") / "step.onnx"
    export_step.export_step(model, path, guidance=2.0)
    return ELPResponder(model, guidance=2.0), path


def test_stepped_it_is_the_stream(exported):
    responder, path = exported
    emotion = "auto" if responder.model.config.events else (0.5, 0.2, 0.3)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    asked = np.zeros(3) if emotion == "auto" else emotion
    rows = speaker(responder, T, seed=3) | {"emotion": np.tile(np.float32(asked), (T, 1))}
    draws = responder.sampler.start(torch.Generator().manual_seed(7))
    uniform, decision = draws.next(T)
    rows |= {"uniform": uniform[0].numpy(), "events": draws.events(T)[0].numpy()}
    step, beta, pose, shut = Stepper(session), [], [], []
    for t in range(T):
        found = step({name: x[t : t + 1] for name, x in rows.items()})
        beta.append(found["listener_beta"][0])
        pose.append(found["listener_pose"][0])
        shut.append(float(decision[0, t]) < found["listener_blink"][0])
    stream = ResponseStream(responder, emotion, generator=torch.Generator().manual_seed(7))
    heard = np.column_stack([rows["mfcc"], rows["prosody"]])
    sound = heard if responder.model.config.events else rows["mfcc"]
    expected = stream.push(sound, rows["beta"], rows["pose"], rows["blink"][:, 0])
    np.testing.assert_allclose(np.stack(beta), expected.beta, atol=1e-5)
    np.testing.assert_allclose(np.stack(pose), expected.pose, atol=1e-5)
    assert np.array_equal(shut, expected.blink)


def test_weights_are_halves_and_the_file_says_what_it_is(exported):
    _, path = exported
    graph = onnx.load(path)
    weights = {x.name: x.data_type for x in graph.graph.initializer if np.prod(x.dims) > 1000}
    assert weights
    assert set(weights.values()) == {onnx.TensorProto.FLOAT16}
    facts = {x.key: x.value for x in graph.metadata_props}
    assert facts["emotions"] == '["negative", "neutral", "positive"]'
    assert facts["fps"] == "25.0"


def test_a_model_that_looks_ahead_has_no_frame(tmp_path):
    with pytest.raises(ElpError, match="looks at future frames"):
        export_step.export_step(ASE(SMALL), tmp_path / "step.onnx")
    with pytest.raises(ElpError, match=r"give the file that ending"):
        export_step.export_step(ASE(replace(SMALL, causal=True)), tmp_path / "step.pt")
    assert not list(tmp_path.iterdir())
