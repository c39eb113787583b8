"""The exported decoder and step in a real browser give PyTorch's numbers."""

from __future__ import annotations

import base64
import subprocess
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pytest
import torch

from elp.listener import ELPResponder, ResponseStream
from elp.listener.decoder import Decoder
from elp.listener.export import example, export_decoder, outputs
from elp.listener.export_step import export_step, speaker
from elp.model import checkpoint
from tests.browser.conftest import ROOT, cut, served

STEPS = 12  # frames
PAGE = """<!doctype html><meta charset="utf-8"><script type="module">
import * as ort from "./ort.wasm.bundle.min.mjs";
ort.env.wasm.numThreads = 1;
ort.env.wasm.wasmPaths = {wasm: new URL("ort-wasm-simd-threaded.wasm", location.href).href};
const KINDS = {int32: Int32Array, float32: Float32Array, float64: Float64Array};
const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer;
const text = (array) => {
  const all = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  return btoa(Array.from(all, (b) => String.fromCharCode(b)).join(""));
};
const sessions = {};
window.run = async (name, given, carried = []) => {
  sessions[name] ??= await ort.InferenceSession.create(name, {executionProviders: ["wasm"]});
  const tensors = Object.entries(given).map(([key, {kind, dims, data}]) =>
    [key, new ort.Tensor(kind, new KINDS[kind](bytes(data)), dims)]);
  const zeros = sessions[name].inputMetadata
    .filter((input) => carried.includes(input.name))
    .map(({name: key, type, shape}) =>
      [key, new ort.Tensor(type, new KINDS[type](shape.reduce((a, b) => a * b, 1)), shape)]);
  const feeds = {...Object.fromEntries([...tensors, ...zeros]), ...window.kept};
  const out = await sessions[name].run(feeds);
  window.kept = Object.fromEntries(carried.map((key) => [key, out[`next_${key}`]]));
  const sent = ([key, x]) => [key, {kind: x.type, dims: x.dims, data: text(x.data)}];
  return Object.fromEntries(Object.entries(out).map(sent));
};
</script>"""


@pytest.fixture(scope="module")
def page(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A page with the packaged model's decoders and step, and the runtime beside it: the
    WebAssembly loads over http only.
    """
    folder = tmp_path_factory.mktemp("exported")
    subprocess.run(
        [sys.executable, str(ROOT / "book" / "_tools" / "vendor.py"), "runtime"],
        check=True,
        timeout=300,
    )
    for path in (ROOT / "book" / "_runtime").iterdir():
        (folder / path.name).symlink_to(path)
    model = checkpoint.load("listener")[0]
    export_decoder(model, folder / "decoder.onnx")
    export_step(model, folder / "step.onnx")
    (folder / "index.html").write_text(PAGE)
    with served(folder) as address:
        opened, wrong = browser.new_page(), []
        left = cut(opened, address)
        opened.on("pageerror", lambda error: wrong.append(str(error)))
        opened.goto(address)
        opened.wait_for_function("() => window.run", timeout=60_000)
        yield opened
        opened.close()
    assert not wrong
    assert not left


def run(
    page: Any, name: str, inputs: Mapping[str, np.ndarray], carried: tuple[str, ...] = ()
) -> dict[str, np.ndarray]:
    """The outputs of an exported file. What is `carried` is zero at first, and then what the run
    before gave: the page keeps it.
    """
    sent = {
        key: {
            "kind": x.dtype.name,
            "dims": x.shape,
            "data": base64.b64encode(np.ascontiguousarray(x).tobytes()).decode(),
        }
        for key, x in inputs.items()
    }
    found = page.evaluate("(sent) => run(...sent)", [name, sent, list(carried)])
    return {
        key: np.frombuffer(base64.b64decode(x["data"]), x["kind"]).reshape(x["dims"])
        for key, x in found.items()
    }


def test_the_browser_gives_the_models_motion(page: Any) -> None:
    decoders = Decoder(checkpoint.load("listener")[0])
    for frames in (1, 50, 173):
        inputs = example(decoders.model, frames, seed=frames)
        found = run(page, "decoder.onnx", inputs)
        with torch.inference_mode():
            codes, e = (torch.from_numpy(x) for x in inputs.values())
            expected = decoders(codes.long(), e)
        for name, mine in zip(outputs(decoders.model), expected, strict=False):
            np.testing.assert_allclose(
                found[name], mine.numpy(), atol=1e-4, rtol=0, err_msg=f"{name}, {frames} frames"
            )


def test_the_browser_steps_as_the_stream_does(page: Any) -> None:
    responder = ELPResponder.from_checkpoint()
    rows = speaker(responder, STEPS, seed=5)
    draws = responder.sampler.start(torch.Generator().manual_seed(5))
    uniform, _ = draws.next(STEPS)
    rows |= {"uniform": uniform[0].numpy(), "events": draws.events(STEPS)[0].numpy()}
    rows["emotion"] = np.tile(np.float32([0.2, 0.3, 0.5]), (STEPS, 1))
    stream = ResponseStream(responder, (0.2, 0.3, 0.5), generator=torch.Generator().manual_seed(5))
    sound = np.column_stack([rows["mfcc"], rows["prosody"]])
    expected = stream.push(sound, rows["beta"], rows["pose"], rows["blink"][:, 0])
    for t in range(STEPS):
        frame = {name: x[t : t + 1] for name, x in rows.items()}
        found = run(page, "step.onnx", frame, carried=("state", "sums"))
        np.testing.assert_allclose(found["listener_beta"][0], expected.beta[t], atol=1e-5)
        np.testing.assert_allclose(found["listener_pose"][0], expected.pose[t], atol=1e-5)
        assert found["listener_blink"][0] == expected.blink[t]
