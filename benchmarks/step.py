"""Milliseconds of one frame of the exported listener, in a browser and in Python.

    python benchmarks/step.py -o book/results/step.json

What `elp export --step` writes is stepped by onnxruntime-web in Chromium, and by onnxruntime, with
one thread each; every frame gets what the frame before gave. Aim: 4 ms in the browser.
"""

from __future__ import annotations

import functools
import http.server
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Annotated

import numpy as np
import onnxruntime
import typer
from playwright.sync_api import sync_playwright

from elp.listener import ELPResponder
from elp.listener.export_step import Stepper, export_step, speaker
from elp.records import run_card, write_json

ROOT = Path(__file__).parents[1]
CHROMIUM = os.environ.get("ELP_CHROMIUM", "/usr/bin/chromium")
PAGE = """<!doctype html><meta charset="utf-8"><script type="module">
import * as ort from "./ort.wasm.bundle.min.mjs";
ort.env.wasm.numThreads = 1;
ort.env.wasm.wasmPaths = { wasm: new URL("ort-wasm-simd-threaded.wasm", location.href).href };
const KINDS = { float32: Float32Array, float64: Float64Array };
const session = await ort.InferenceSession.create("step.onnx", { executionProviders: ["wasm"] });
window.times = async (frames) => {
  const feeds = Object.fromEntries(session.inputMetadata.map(({ name, type, shape }) =>
    [name, new ort.Tensor(type, new KINDS[type](shape.reduce((a, b) => a * b, 1)), shape)]));
  feeds.uniform.data.fill(0.5);
  feeds.events.data.fill(0.5);
  const found = [];
  for (let t = 0; t < frames; t++) {
    for (const name of ["mfcc", "beta", "pose", "prosody"]) {
      for (let i = 0; i < feeds[name].data.length; i++) feeds[name].data[i] = Math.random() - 0.5;
    }
    const start = performance.now();
    const out = await session.run(feeds);
    found.push(performance.now() - start);
    Object.assign(feeds, { state: out.next_state, sums: out.next_sums });
  }
  return found;
};
</script>"""


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


def in_browser(folder: Path, frames: int) -> list[float]:
    """Times in ms; the WebAssembly loads over http only."""
    (folder / "index.html").write_text(PAGE)
    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
            )
            page = browser.new_page()
            page.goto(f"http://127.0.0.1:{server.server_port}")
            page.wait_for_function("() => window.times", timeout=60_000)
            found: list[float] = page.evaluate("(frames) => times(frames)", frames)
            browser.close()
        server.shutdown()
    return found


def in_python(path: Path, responder: ELPResponder, frames: int) -> list[float]:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    step = Stepper(onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"]))
    rows = speaker(responder, frames)
    sizes = {x.name: x.shape for x in step.session.get_inputs()}
    asked = {name: np.full(sizes[name], 0.5, np.float32) for name in ("uniform", "events")}
    asked["emotion"] = np.zeros(sizes["emotion"], np.float32)
    found = []
    for t in range(frames):
        start = time.perf_counter()
        step({name: x[t : t + 1] for name, x in rows.items()} | asked)
        found.append(1000 * (time.perf_counter() - start))
    return found


def summary(times: list[float]) -> dict[str, float]:
    """Median and 95th percentile, without the first frames, in which code is still compiled."""
    rest = times[len(times) // 5 :]
    quantiles = {"median_ms": 0.5, "p95_ms": 0.95}
    return {name: round(float(np.quantile(rest, q)), 2) for name, q in quantiles.items()}


def main(
    output: Annotated[Path, typer.Option("-o", "--output", help="The result file (.json).")],
    frames: int = 1000,
) -> None:
    """Measure, and write what was found."""
    started, load = time.time(), os.getloadavg()[0]
    responder = ELPResponder.from_checkpoint()
    subprocess.run([sys.executable, ROOT / "book/_tools/vendor.py", "runtime"], check=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for path in (ROOT / "book/_runtime").glob("ort*"):
            (folder / path.name).symlink_to(path)
        export_step(responder.model, folder / "step.onnx")
        size = (folder / "step.onnx").stat().st_size
        found = {
            "onnxruntime-web": summary(in_browser(folder, frames)),
            "onnxruntime": summary(in_python(folder / "step.onnx", responder, frames)),
        }
    print(found)
    facts = {"load": round(load, 1), "frames": frames, "bytes": size}
    write_json(output, {**run_card(seed=None, started=started), **facts, **found})


if __name__ == "__main__":
    typer.run(main)
