"""Layers for single frames: what they compute is what the layers of the model do."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from elp.listener import ELPResponder, frame_layers
from elp.listener.frame import FrameProgram, Step
from elp.listener.frame_layers import product
from tests.listener.test_export_step import EVENTS, made

sizes = st.integers(1, 70)


@settings(max_examples=30)
@given(st.integers(1, 2), sizes, sizes, st.booleans(), st.booleans(), st.integers(0, 9))
def test_a_product_is_one_whatever_its_matrix_holds(rows, outputs, inputs, half, biased, seed):
    rng = torch.Generator().manual_seed(seed)
    x, weight, bias = (
        torch.randn(*n, generator=rng) for n in ((rows, inputs), (outputs, inputs), (outputs,))
    )
    weight = weight.half().float() if half else weight
    found = product(x, weight, bias if biased else None)
    expected = x.double() @ weight.double().T + bias.double() * biased
    torch.testing.assert_close(found.double(), expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("fbgemm", [False, frame_layers.FBGEMM])
def test_a_program_holds_all_that_does_not_change(fbgemm, monkeypatch):
    """Neither weights nor the emotion's codewords are prepared again at every frame."""
    monkeypatch.setattr(frame_layers, "FBGEMM", fbgemm)
    responder = ELPResponder(made(events=EVENTS, raw_motion=True, coding="embedding"))
    step = Step(
        responder.decoder,
        responder.sampler,
        torch.tensor([0.2, 0.5, 0.3]),
        guidance=2.0,
        rest=torch.zeros(6),
        traits=torch.zeros(EVENTS.traits),
    )
    graph = str(FrameProgram(step).program.graph)
    assert ("fbgemm_linear" in graph) is fbgemm
    for costly in ("fbgemm_pack", "aten::contiguous", "aten::matmul", "aten::half"):
        assert costly not in graph
