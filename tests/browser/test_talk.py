"""The page "Talk to it" with a fake microphone and camera, the network cut."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import cut
from tests.browser.test_camera import film  # noqa: F401
from tests.browser.test_site import THEME

STREAMS = """
const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
window.streams = [];
navigator.mediaDevices.getUserMedia = async (constraints) => {
  const stream = await ask(constraints);
  streams.push({ constraints, stream });
  return stream;
};
"""
OFF = (
    "() => streams.every(({ stream }) => stream.getTracks().every((t) => t.readyState === 'ended'))"
)


@pytest.fixture(scope="module")
def fake(launch: Callable[..., Any], film: Path) -> Iterator[Any]:  # noqa: F811
    """A browser whose microphone beeps, and whose camera sees a face come and go."""
    seen = f"--use-file-for-fake-video-capture={film}"
    opened = launch("--use-fake-device-for-media-stream", seen)
    yield opened
    opened.close()


class Talk:
    """The page, opened and awake."""

    def __init__(self, browser: Any, address: str, *, allowed: tuple[str, ...] = ()) -> None:
        self.context = browser.new_context()
        self.context.grant_permissions(list(allowed))
        self.page = self.context.new_page()
        self.left, self.wrong, self.asked = cut(self.page, address.split("book/")[0]), [], []
        self.page.add_init_script(STREAMS)
        self.page.on("pageerror", lambda e: self.wrong.append(str(e)))
        self.page.on("request", lambda r: self.asked.append(r.url))
        self.page.goto(address)

    def wake(self) -> None:
        for button in self.page.locator(".elp-wake").all()[::-1]:  # a pressed one goes
            button.click()
        self.reaches("ready")

    def reaches(self, state: str, *, at: int = 0) -> str:
        """Waits for a state of one widget; what the reader is told of it."""
        ask = "([at, s]) => document.querySelectorAll('.elp-talking')[at]?.dataset.state === s"
        self.page.wait_for_function(ask, arg=[at, state], timeout=300_000)
        return str(self.page.locator(".elp-listener-status").nth(at).inner_text())

    def wears(self, face: str) -> str:
        """Waits until the listener has a face; what the reader is told."""
        ask = "(f) => document.querySelector('.elp-talking').dataset.face === f"
        self.page.wait_for_function(ask, arg=face, timeout=60_000)
        return str(self.page.locator(".elp-listener-status").first.inner_text())

    def answers_on(self, *, at: int = 0) -> None:
        """Waits until 25 more frames were answered."""
        root = self.page.locator(".elp-talking").nth(at)
        self.answers(int(root.get_attribute("data-frames") or 0) + 25, at=at)

    def answers(self, frames: int, *, at: int = 0) -> None:
        """Waits until so many frames were answered."""
        ask = "([at, n]) => document.querySelectorAll('.elp-talking')[at].dataset.frames >= n"
        self.page.wait_for_function(ask, arg=[at, frames], timeout=60_000)

    def press(self, which: str, *, at: int = 0) -> None:
        self.page.locator(f".elp-{which}").nth(at).click()

    def close(self) -> None:
        self.context.close()
        assert not self.left, "something was asked of another host"
        assert not [line for line in self.wrong if not any(known in line for known in THEME)]


def test_a_recording_is_answered_and_ends(fake: Any, site: tuple[str, Path]) -> None:
    talk = Talk(fake, f"{site[0]}book/talk.html")
    assert not [url for url in talk.asked if url.startswith(f"{site[0]}vendor/")], (
        "loaded before it was asked for"
    )
    assert (site[1] / "book" / "talk.html").stat().st_size < 150_000
    talk.wake()
    worn = talk.page.locator(".elp-worn")
    worn.select_option("painted")
    talk.wears("painted")
    talk.page.locator(".elp-file").set_input_files(Path(__file__))
    assert "no portrait" in talk.wears("drawn")
    worn.select_option("painted")
    talk.wears("painted")
    talk.press("recording")
    talk.reaches("recording")
    talk.answers(50)
    talk.page.locator(".elp-triangle-handle").press("Home")  # while it listens
    talk.page.locator(".elp-heads").fill("1")
    assert "over" in talk.reaches("over")
    assert "blinks" in talk.page.locator(".elp-counted").inner_text()
    assert talk.page.evaluate("() => streams.length") == 0
    talk.close()


def test_the_microphone_is_heard_stopped_and_heard_again(fake: Any, site: tuple[str, Path]) -> None:
    talk = Talk(fake, f"{site[0]}book/talk.html", allowed=("microphone",))
    talk.wake()
    for _ in range(2):
        talk.press("microphone")
        talk.reaches("microphone")
        talk.answers(25)
        talk.press("stop")
        assert "off" in talk.reaches("stopped")
        assert talk.page.evaluate(OFF)
    asked = talk.page.evaluate("() => streams.map((s) => s.constraints)")
    off = {"echoCancellation": False, "noiseSuppression": False, "autoGainControl": False}
    assert asked == [{"audio": off}] * 2
    talk.press("microphone")
    talk.reaches("microphone")
    hide = "(so) => { Object.defineProperty(document, 'hidden', { value: so, configurable: true });"
    hide += " document.dispatchEvent(new Event('visibilitychange')); }"
    talk.page.evaluate(hide, True)
    assert "background" in talk.reaches("hidden")
    assert not talk.page.evaluate("() => streams.at(-1).stream.getTracks()[0].enabled")
    talk.page.evaluate(hide, False)
    talk.reaches("microphone")
    # a device that is pulled out, before the sound that was held can go on
    pulled = "() => streams.at(-1).stream.getTracks()[0].dispatchEvent(new Event('ended'))"
    talk.page.evaluate(f"() => {{ ({hide})(true); ({hide})(false); ({pulled})(); }}")
    assert "taken away" in talk.reaches("lost")
    assert talk.page.evaluate(OFF)
    talk.close()


def test_a_refused_microphone_is_said_and_the_recording_still_plays(
    fake: Any, site: tuple[str, Path]
) -> None:
    talk = Talk(fake, f"{site[0]}book/talk.html")
    talk.wake()
    talk.press("microphone")
    assert "refused" in talk.reaches("trouble")
    talk.press("recording")
    talk.reaches("recording")
    talk.close()


def test_a_camera_is_calibrated_watches_loses_and_finds(fake: Any, site: tuple[str, Path]) -> None:
    """All the while the listener answers; stopped, the camera is off, and can be used again."""
    talk = Talk(fake, f"{site[0]}book/talk.html", allowed=("microphone", "camera"))
    talk.wake()
    assert not [url for url in talk.asked if "tracker" in url]
    talk.press("camera")
    assert "Keep still" in talk.reaches("calibrating")
    talk.answers_on()
    assert "watches" in talk.reaches("watching")
    talk.answers_on()
    assert "out of sight" in talk.reaches("unseen")
    talk.answers_on()
    talk.reaches("watching")
    assert "picture of you" in talk.page.locator(".elp-counted").inner_text()
    assert not talk.page.evaluate(OFF)
    talk.press("stop")
    assert "off" in talk.reaches("stopped")
    assert talk.page.evaluate(OFF)
    assert talk.page.evaluate("() => streams.length") == 2
    talk.press("camera")  # somebody else may sit there now
    talk.reaches("calibrating")
    assert not talk.page.evaluate(OFF)
    talk.close()


def test_a_refused_camera_is_said(fake: Any, site: tuple[str, Path]) -> None:
    talk = Talk(fake, f"{site[0]}book/talk.html", allowed=("microphone",))
    talk.wake()
    talk.press("camera")
    assert "camera was refused" in talk.reaches("trouble")
    assert talk.page.evaluate(OFF)
    talk.press("microphone")
    talk.reaches("microphone")
    talk.close()


def test_two_of_them_from_a_disk(fake: Any, site: tuple[str, Path]) -> None:
    """Each with its own sound, on a page that was opened as a file."""
    page = (site[1] / "book" / "talk.html").read_text(encoding="utf-8")
    start = page.index('<div class="elp-talk"')
    box = page[start : page.index("</div>", start) + len("</div>")]
    two = site[1] / "book" / "talk-two.html"
    two.write_text(page.replace(box, box + box), encoding="utf-8")
    try:
        talk = Talk(fake, two.as_uri(), allowed=("microphone", "camera"))
        talk.wake()
        for at in range(2):
            talk.reaches("ready", at=at)
            talk.press("recording", at=at)
        for at in range(2):
            talk.answers(25, at=at)
            assert "over" in talk.reaches("over", at=at)
        for at in range(2):
            talk.press("camera", at=at)
        for at in range(2):
            talk.reaches("calibrating", at=at)
        talk.press("stop", at=0)
        assert not talk.page.evaluate(OFF)
        talk.answers_on(at=1)
        talk.press("stop", at=1)
        assert talk.page.evaluate(OFF)
        talk.close()
    finally:
        two.unlink()
