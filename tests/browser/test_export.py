"""The exported decoder in a real browser gives PyTorch's numbers."""

from __future__ import annotations

import base64
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from elp.listener.decoder import Decoder
from elp.listener.export import example, export_decoder, outputs
from elp.model import checkpoint
from tests.browser.conftest import ROOT, cut, served

PAGE = """<!doctype html><meta charset="utf-8"><script type="module">
import * as ort from "./ort.wasm.bundle.min.mjs";
ort.env.wasm.numThreads = 1;
ort.env.wasm.wasmPaths = {wasm: new URL("ort-wasm-simd-threaded.wasm", location.href).href};
const session = await ort.InferenceSession.create("decoder.onnx", {executionProviders: ["wasm"]});
const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer;
const text = (array) => {
  const all = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  return btoa(Array.from(all, (b) => String.fromCharCode(b)).join(""));
};
window.decode = async (codes, emotion, frames, heads, emotions) => {
  const out = await session.run({
    codes: new ort.Tensor("int32", new Int32Array(bytes(codes)), [1, frames, heads]),
    emotion: new ort.Tensor("float32", new Float32Array(bytes(emotion)), [1, frames, emotions]),
  });
  const sent = ([name, x]) => [name, {dims: x.dims, data: text(x.data)}];
  return Object.fromEntries(Object.entries(out).map(sent));
};
</script>"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A page with the packaged model's decoders and the runtime beside it: the WebAssembly loads
    over http only.
    """
    subprocess.run(
        [sys.executable, str(ROOT / "book" / "_tools" / "vendor.py"), "runtime"],
        check=True,
        timeout=300,
    )
    for path in (ROOT / "book" / "_runtime").iterdir():
        (tmp_path / path.name).symlink_to(path)
    export_decoder(checkpoint.load("listener")[0], tmp_path / "decoder.onnx")
    (tmp_path / "index.html").write_text(PAGE)
    return tmp_path


def test_the_browser_gives_the_models_motion(browser: Any, folder: Path) -> None:
    decoders = Decoder(checkpoint.load("listener")[0])
    with served(folder) as address:
        page, wrong = browser.new_page(), []
        left = cut(page, address)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.goto(address)
        page.wait_for_function("() => window.decode", timeout=60_000)
        for frames in (1, 50, 173):
            inputs = example(decoders.model, frames, seed=frames)
            sent = [base64.b64encode(x.tobytes()).decode() for x in inputs.values()]
            sizes = [frames, inputs["codes"].shape[-1], inputs["emotion"].shape[-1]]
            found = page.evaluate("(sent) => window.decode(...sent)", [*sent, *sizes])
            with torch.inference_mode():
                codes, e = (torch.from_numpy(x) for x in inputs.values())
                expected = decoders(codes.long(), e)
            for name, mine in zip(outputs(decoders.model), expected, strict=False):
                theirs = np.frombuffer(base64.b64decode(found[name]["data"]), np.float32).reshape(
                    found[name]["dims"]
                )
                np.testing.assert_allclose(
                    theirs, mine.numpy(), atol=1e-4, rtol=0, err_msg=f"{name}, {frames} frames"
                )
        page.close()
    assert not wrong
    assert not left
