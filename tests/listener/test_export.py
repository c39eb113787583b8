"""The exported decoders give what the model gives, for every option and any number of frames."""

from dataclasses import replace

import numpy as np
import onnxruntime
import pytest
import torch

from elp.errors import ElpError
from elp.listener import export
from elp.listener.decoder import Decoder
from elp.listener.export import example, export_decoder
from elp.model import ASE, checkpoint
from tests.model.test_ase import SMALL

OPTIONS = [
    {},
    {"coding": "value"},
    {"space": "V"},
    {"space": "V+e"},
    {"causal": True},
    {"heads": 1},
    {"heads": 5, "emotions": ("a", "b")},
]


def made(**options) -> ASE:
    torch.manual_seed(0)
    model = ASE(replace(SMALL, **options))
    model.beta_mean += 1
    model.pose_std *= 3
    return model.eval()


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_any_number_of_frames_gives_the_models_motion(tmp_path, options):
    model = made(**options)
    export_decoder(model, tmp_path / "d.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "d.onnx", providers=["CPUExecutionProvider"])
    decoder = Decoder(model)
    for frames in (1, 2, 13, 120):
        inputs = example(model, frames, seed=frames)
        codes, e = (torch.from_numpy(x) for x in inputs.values())
        with torch.inference_mode():
            expected = decoder.in_pieces(codes.long(), e)
        for mine, theirs in zip(
            expected, session.run(["beta", "pose", "blink"], inputs), strict=True
        ):
            np.testing.assert_allclose(theirs, mine.numpy(), atol=1e-4)


def test_the_file_says_what_it_takes(tmp_path):
    export_decoder(made(), tmp_path / "d.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "d.onnx", providers=["CPUExecutionProvider"])
    assert [(i.name, i.type, i.shape) for i in session.get_inputs()] == [
        ("codes", "tensor(int32)", [1, "frames", 8]),
        ("emotion", "tensor(float)", [1, "frames", 3]),
    ]
    assert session.get_modelmeta().custom_metadata_map == {
        "emotions": '["negative", "neutral", "positive"]',
        "heads": "8",
        "categories": "4",
    }


def test_an_export_that_differs_is_not_written(tmp_path, monkeypatch):
    traced = export._traced

    def wrong(decoder: Decoder) -> bytes:
        with torch.no_grad():
            decoder.model.blink.out[-1].bias += 0.01
            content = traced(decoder)
            decoder.model.blink.out[-1].bias -= 0.01
        return content

    monkeypatch.setattr(export, "_traced", wrong)
    with pytest.raises(ElpError, match="blink of 1 frames differs"):
        export_decoder(made(), tmp_path / "d.onnx")
    assert not list(tmp_path.iterdir())


def test_exporting_leaves_the_model_as_it_was(tmp_path):
    model = made().train()
    before = {name: x.clone() for name, x in model.state_dict().items()}
    export_decoder(model, tmp_path / "d.onnx")
    assert model.training
    assert all(torch.equal(x, before[name]) for name, x in model.state_dict().items())


def test_codes_beside_event_heads_say_the_face_alone(tmp_path):
    model = checkpoint.load("listener")[0]
    export_decoder(model, tmp_path / "d.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "d.onnx", providers=["CPUExecutionProvider"])
    assert [x.name for x in session.get_outputs()] == ["beta"]
    inputs = example(model, 9, seed=1)
    with torch.inference_mode():
        expected = Decoder(model)(*(torch.from_numpy(x) for x in inputs.values())).beta
    np.testing.assert_allclose(session.run(None, inputs)[0], expected.numpy(), atol=1e-4)
