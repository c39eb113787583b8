"""A portrait that the page draws looks as Python's renderer draws it."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from skimage import data

from elp.book.widgets import bundle
from elp.render import Portrait, WarpRenderer
from elp.render.page import packed
from tests.browser.conftest import cut

PARTS = ("wasm", "matrices", "portrait", "shaders", "passes")
PAGE = """<!doctype html><meta charset="utf-8"><canvas></canvas><script type="module">
const source = new Blob([MODULE], { type: "text/javascript" });
const { Painted } = await import(URL.createObjectURL(source));
const bytes = Uint8Array.from(atob("FILE"), (c) => c.charCodeAt(0));
const canvas = document.querySelector("canvas");
const painted = new Painted(canvas, bytes.buffer, COUNT);
window.draw = (beta, pose) => {
  painted.draw(Float64Array.from(beta), 0, pose);
  return canvas.toDataURL("image/png").split(",")[1];
};
</script>"""


def test_the_page_paints_pythons_pictures(browser: Any, tmp_path: Path) -> None:
    portrait = Portrait.load(data.astronaut())
    # the page does not light faces anew
    renderer, model = WarpRenderer(portrait, 128, shade=False), portrait.model
    module = json.dumps(bundle.joined(PARTS, exported=True)).replace("</", "<\\/")
    text = PAGE.replace("MODULE", module).replace("COUNT", str(len(model.expression)))
    page = browser.new_page()
    left = cut(page, "file://")
    (tmp_path / "index.html").write_text(
        text.replace("FILE", base64.b64encode(packed(renderer)).decode())
    )
    page.goto((tmp_path / "index.html").as_uri())
    page.wait_for_function("() => window.draw", timeout=60_000)

    def face(**share: float) -> np.ndarray:
        beta = np.zeros(len(model.expression))
        for name, value in share.items():
            for k in (k for k, known in enumerate(model.names) if known.startswith(name)):
                beta[k] = value * model.full[k]
        return beta

    turned = np.array([0.15, -0.2, 0.05, 0.5, 0, 0])
    for beta, pose in (
        (face(), np.zeros(6)),
        (face(smile=1.0), turned),
        (face(jaw_open=0.9), np.zeros(6)),
        (face(blink=1.0, brow_down=0.5), -turned),
    ):
        shown = page.evaluate("(asked) => draw(...asked)", [beta.tolist(), pose.tolist()])
        buffer = np.frombuffer(base64.b64decode(shown), np.uint8)
        mine = cv2.imdecode(buffer, cv2.IMREAD_COLOR)[..., ::-1].astype(int)
        apart = np.abs(mine - renderer.frame(beta, pose))
        # edges are smoothed in another way: a few pixels differ by a few grey levels
        assert apart.mean() < 0.6
        assert np.percentile(apart, 99) <= 6
        assert apart.max() < 48
    page.close()
    assert not left
