"""The page's tracker sees what Python's does: boxes, crops, points, and how well a face is seen."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import skimage.data

from elp.book.widgets import bundle
from elp.media import weights
from elp.media.detect import Detector
from elp.media.network import Crop, Network, patch
from elp.media.people import People
from tests.browser.conftest import ROOT, cut

PHOTOGRAPH = skimage.data.astronaut()[0:240, 100:340]  # NASA, public domain; the face: 92 pixels
PAGE = """<!doctype html><meta charset="utf-8"><script src="tracker.js"></script>
<script type="module">
const source = new Blob([MODULE], { type: "text/javascript" });
window.elp = await import(URL.createObjectURL(source));
const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
const { face, ...files } = await elp.unzipped(elpTracker.files);
const tracker = await elp.createTracker(files);
const picture = (data, width, height) => ({ data: bytes(data), width, height, channels: 4 });
window.network = async (name, data) => {
  const found = await tracker.networks[name].run(new Float32Array(bytes(data).buffer));
  return found.map((out) => [...out]);
};
const text = (array) => btoa(Array.from(array, (byte) => String.fromCharCode(byte)).join(""));
window.patched = (crop, pixels, ...shown) => text(elp.patch(picture(...shown), crop, pixels));
window.faces = (which, crop, ...shown) => tracker.faces(picture(...shown), which, crop);
window.forget = () => tracker.forget();
window.track = async (...shown) => {
  const found = await tracker.track(picture(...shown));
  return found && { ...found, points: [...found.points] };
};
window.ready = true;
</script>"""


def shown(image: np.ndarray) -> list[Any]:
    """A picture as the page's functions take it."""
    whole = np.dstack([image, np.full(image.shape[:2], 255, np.uint8)])
    return [text(whole), image.shape[1], image.shape[0]]


def text(array: np.ndarray) -> str:
    return base64.b64encode(array.tobytes()).decode()


def scene(side: int, x: int, y: int, size: tuple[int, int] = (360, 480)) -> np.ndarray:
    image = np.full((*size, 3), 120, np.uint8)
    image[y : y + side, x : x + side] = cv2.resize(PHOTOGRAPH, (side, side))
    return image


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("tracker")
    command = [sys.executable, str(ROOT / "book" / "_tools" / "vendor.py")]
    subprocess.run([*command, "tracker"], check=True, timeout=300)
    (made / "tracker.js").symlink_to(ROOT / "book" / "_vendor" / "vendor" / "tracker.js")
    parts = json.dumps(bundle.joined(bundle.WATCHER, exported=True))
    (made / "index.html").write_text(PAGE.replace("MODULE", parts.replace("</", "<\\/")))
    return made


@pytest.fixture(scope="module")
def page(browser: Any, folder: Path) -> Any:
    """The tracker in a page opened from a disk, which may do less than one from a server."""
    opened = browser.new_page()
    left = cut(opened, "file://")
    opened.goto((folder / "index.html").as_uri())
    opened.wait_for_function("window.ready", timeout=60_000)
    yield opened
    assert not left
    opened.close()


def test_patches_are_equal_to_the_last_bit(page: Any) -> None:
    image = cv2.resize(PHOTOGRAPH, (500, 333))
    for crop, pixels in [
        (Crop(250, 166.5, 500), 128),
        (Crop(250, 166.5, 500), 192),  # by two
        (Crop(231.3, 160.2, 211.7, 0.21), 256),
        (Crop(200.0, 60.0, 460.3, -0.4), 96),  # by four, beyond the upper edge
        (Crop(240.0, 170.0, 590.0, 0.1), 64),  # by nine: four and a half samples
    ]:
        asked = [crop._asdict(), pixels, *shown(image)]
        found = base64.b64decode(page.evaluate("(all) => patched(...all)", asked))
        assert found == patch(image, crop, pixels).tobytes()


@pytest.mark.parametrize("name", ["near", "far", "landmarks"])
def test_networks_give_the_same_numbers(page: Any, name: str) -> None:
    side = {"near": 128, "far": 192, "landmarks": 256}[name]
    seen = cv2.resize(PHOTOGRAPH, (side, side)).astype(np.float32) / np.float32(255)
    found = page.evaluate("([name, data]) => network(name, data)", [name, text(seen)])
    theirs = Network(weights.find(name))(seen)
    for mine, right in zip(found, theirs, strict=True):
        if name == "far":  # a sparse network: other sums on other processors
            np.testing.assert_allclose(mine, right.ravel(), rtol=1e-5, atol=5e-4)
        else:
            np.testing.assert_array_equal(np.float32(mine), right.ravel())


@pytest.mark.parametrize("which", ["near", "far"])
def test_detectors_find_the_same_boxes(page: Any, which: str) -> None:
    image, window = scene(240, 150, 60), Crop(240, 180, 480)
    asked = [which, window._asdict(), *shown(image)]
    found = page.evaluate("(all) => faces(...all)", asked)
    np.testing.assert_allclose(found, Detector(which)(image, window), atol=1e-3)


def test_a_face_is_followed_through_the_same_points(page: Any) -> None:
    """Found, followed, looked at twice, lost, and found elsewhere: to a tenth of a pixel."""
    empty = np.full((360, 480, 3), 120, np.uint8)
    images = [scene(200, 60 + 6 * k, 60) for k in range(13)]
    images += [empty] * 2 + [scene(140, 290, 160)] * 2
    people, met = People(), []
    page.evaluate("() => forget()")
    for image in images:
        theirs = people(image)
        mine = page.evaluate("(all) => track(...all)", shown(image))
        met.append(mine is not None)
        assert len(theirs) == met[-1]
        for sighting in theirs:
            found = np.reshape(mine["points"], (-1, 3))
            np.testing.assert_allclose(found, sighting.points, atol=0.1)
            np.testing.assert_allclose(mine["confidence"], sighting.sight.confidence, atol=0.01)
            np.testing.assert_allclose(mine["eyes"], sighting.sight.eyes, atol=0.01)
    assert met == [True] * 13 + [False] * 2 + [True] * 2
