"""A camera before the page: calibrated, watched, never in the way; test_talk has the rest."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from elp.book.widgets import bundle
from tests.browser.conftest import cut
from tests.browser.test_tracker import folder, scene  # noqa: F401

PAGE = """<!doctype html><meta charset="utf-8"><script src="tracker.js"></script>
<script type="module">
const source = new Blob([globalThis.elpTracker.module], { type: "text/javascript" });
const { createCamera } = await import(URL.createObjectURL(source));
window.camera = await createCamera(globalThis.elpTracker);
window.states = [];
window.spent = [];
window.start = async () => {
  window.stream = await navigator.mediaDevices.getUserMedia({ video: true });
  await camera.open(stream, (state) => states.push(state));
};
window.ready = true;
</script>"""
TOGETHER, ALONE = 240, 120  # pictures with a face and without, 30 a second, over and over


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the camera sees: a photograph that sways, then an empty room."""
    path = tmp_path_factory.mktemp("film") / "camera.mjpeg"
    sway = np.round(4 * np.sin(np.arange(TOGETHER) / 10)).astype(int)
    pictures = [scene(240, 120 + int(x), 60) for x in sway]
    pictures += [np.full_like(pictures[0], 120)] * ALONE
    shown = [cv2.imencode(".jpg", p[..., ::-1])[1].tobytes() for p in pictures]
    path.write_bytes(b"".join(shown))
    return path


@pytest.fixture
def page(launch: Callable[..., Any], folder: Path, film: Path) -> Iterator[Any]:  # noqa: F811
    fake = "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"
    filmed = launch(*fake, f"--use-file-for-fake-video-capture={film}")
    opened = filmed.new_page()
    left = cut(opened, "file://")
    (folder / "camera.html").write_text(PAGE)
    opened.goto((folder / "camera.html").as_uri())
    opened.wait_for_function("window.ready", timeout=60_000)
    yield opened
    assert not left
    filmed.close()


def test_who_sits_before_the_camera_is_seen(page: Any) -> None:
    page.evaluate("start()")
    page.wait_for_function("camera.state === 'watching'", timeout=120_000)
    page.wait_for_function("camera.seen.pose[3] !== 0", timeout=30_000)
    places, sway = [], 0.0
    while sway < 0.1 and len(places) < 160:  # cm: the film goes round twice in that time
        places.append(page.evaluate("[...camera.seen.pose]"))
        sway = np.ptp(places, axis=0)[3]
        page.wait_for_timeout(150)
    assert sway > 0.1  # it sways by eight pixels
    assert np.abs(places).max() < 5
    assert page.evaluate("states.slice(0, 2)") == ["looking", "calibrating"]
    one, half, other = page.evaluate("""() => {
      const [a, b] = camera.past.slice(-2);
      return [a, camera.at((a.time + b.time) / 2), b].map(({ pose }) => [...pose]);
    }""")
    np.testing.assert_allclose(half, np.mean([one, other], axis=0), atol=1e-5)
    page.evaluate("camera.close()")
    assert page.evaluate("stream.getTracks().map((track) => track.readyState)") == ["ended"]
    # where a browser gives a worker no pictures, and where it knows no VideoFrame either
    for missing in ("MediaStreamTrackProcessor", "VideoFrame"):
        page.evaluate("(name) => { delete globalThis[name]; states.length = 0; start(); }", missing)
        page.wait_for_function("camera.state === 'calibrating'", timeout=30_000)
        page.evaluate("camera.close()")


LATE = """async (late) => {
  const source = URL.createObjectURL(new Blob([MODULE], { type: "text/javascript" }));
  const { Pictures } = await import(source);
  const [left, taken] = [[], []];
  let clock = 0;
  performance.now = () => clock;
  const stream = new ReadableStream({ pull(controller) {
    const number = left.length + taken.length; // as many were read before
    if (number === late.length) return controller.close();
    clock = 40 * number + late[number];
    const timestamp = 1000 * (40 * number + 7e6); // microseconds of a clock that began elsewhere
    controller.enqueue({ timestamp, number, close: () => left.push(number) });
  } }, { highWaterMark: 0 });
  const pictures = new Pictures(stream);
  for (let [frame, time] = await pictures.next(); frame; [frame, time] = await pictures.next()) {
    taken.push([frame.number, time - performance.timeOrigin - 40 * frame.number]);
  }
  return { left, taken };
}"""


def test_a_picture_that_had_to_wait_is_left_out(browser: Any) -> None:
    page = browser.new_page()
    module = json.dumps(bundle.joined(("pictures",), exported=True))
    found = page.evaluate(LATE.replace("MODULE", module), [6, 4, 30, 5, 25])
    page.close()
    assert found["left"] == [2, 4]
    assert [number for number, _ in found["taken"]] == [0, 1, 3]
    # what the quickest one so far waited for is no delay, but for a little that clocks drift by
    np.testing.assert_allclose([late for _, late in found["taken"]], [6, 4, 4.2], atol=1e-3)
