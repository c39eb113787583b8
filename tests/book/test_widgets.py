"""The listener widget: what it packs is what it was given."""

from __future__ import annotations

import base64
import zlib

import numpy as np
import pytest

from elp.book.widgets import explorer, listener
from elp.book.widgets.explorer import COMPONENTS, Packer, describe, mixture, widget_class
from elp.errors import ElpError
from elp.face import FaceModel
from elp.motion import Motion

T, H = 20, 16


def respond(emotion: float, heads: int) -> tuple[Motion, np.ndarray]:
    model = FaceModel.default()
    beta = np.zeros((T, len(model.expression)), np.float32)
    for side in "lr":
        at = model.index(f"smile_{side}")
        beta[:, at] = emotion * model.full[at]
    pose = np.zeros((T, 6), np.float32)
    pose[:, 0] = np.deg2rad(np.linspace(0, 10, T))
    codes = np.full((T, H), 1 + 64 * round(1 + emotion))
    codes[:, heads:] = 0
    return Motion(beta=beta, pose=pose, blink=np.arange(T) % 10 == 5), codes


@pytest.fixture
def shown(monkeypatch):
    bundles = []
    monkeypatch.setattr("IPython.display.display", lambda bundle, raw: bundles.append(bundle))
    return bundles


def test_page_and_lab_get_the_same(shown):
    listener(
        respond,
        emotions=(-1, 0, 1),
        heads=(4, H),
        caption="A listener.",
        alt="A face under two sliders.",
    )
    page, caption = (b["text/html"] for b in shown)
    assert 'class="elp-widget"' in page
    assert 'aria-label="A face under two sliders."' in page
    assert "A listener." in caption
    assert "application/vnd.jupyter.widget-view+json" in shown[0]
    assert len(page) < 200_000


def test_the_kernel_computes_where_the_slider_stands(monkeypatch, shown):
    model = FaceModel.default()
    asked = []

    def compute(emotion, heads):
        asked.append((emotion, heads))
        return respond(emotion, heads)

    live = []
    kind = widget_class()
    monkeypatch.setattr(
        explorer, "widget_class", lambda: lambda **state: live.append(kind(**state)) or live[-1]
    )
    listener(compute, emotions=(-1, 0, 1), heads=(4, H), model=model, caption="c", alt="a")
    before = live[0].shown
    live[0].position = [2, 0]
    assert asked[-1] == (1, 4)
    assert live[0].shown["says"].startswith("smile 100%")
    assert live[0].shown["data"] != before["data"]


def test_packed_motion_comes_back():
    model = FaceModel.default()
    motion, codes = respond(1.0, 8)
    packer = Packer(model, [motion, respond(-1.0, 8)[0]], codes.shape, 64)
    raw = zlib.decompress(base64.b64decode(packer.clip(motion, codes)["data"]))
    k = min(COMPONENTS, len(packer.axes))
    weights = np.frombuffer(raw, "<i2", T * k).reshape(T, k) * packer.scales["weights"]
    points = model.mean + np.tensordot(weights, packer.basis, 1)
    assert np.abs(points - model.shape(beta=motion.beta)).max() < 0.01  # cm
    back = np.frombuffer(raw, np.uint8)[-T * H :].reshape(T, H)
    assert np.array_equal(back, codes)


def test_words():
    motion, _ = respond(0.5, 8)
    assert (
        describe(motion, FaceModel.default()) == "smile 50%, frown 0%, blinks 2, head moves 10.0°"
    )
    assert [mixture(x) for x in (-1, -0.5, 0, 1)] == [
        "negative",
        "50% negative",
        "neutral",
        "positive",
    ]


def test_responses_of_two_lengths_are_refused():
    def ragged(emotion, heads):
        motion, codes = respond(emotion, heads)
        return (motion[:10], codes[:10]) if emotion > 0 else (motion, codes)

    with pytest.raises(ElpError, match="same, positive number of frames"):
        listener(ragged, caption="c", alt="a")
