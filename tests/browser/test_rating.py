"""A rater in a real browser: with the keyboard alone, a reload in the middle, a file at the end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from elp.book import encode
from elp.book.study import SCALE, Study, attention, gather
from elp.book.widgets.rating import page as write_page
from tests.browser.conftest import cut, served

STUDY = Study(methods=("ELP", "mean face"), speakers=("anna",), pairs=1, repeats=1, checks=1)
SCREEN = """(at) => document.querySelector('.elp-rating h3')
  ?.innerText.startsWith(`Screen ${at} `)"""
WATCH = """() => Promise.all([...document.querySelectorAll('video')].map(async (v) => {
  const ended = new Promise((done, failed) => {
    v.addEventListener('ended', done);
    setTimeout(() => failed(new Error('no end of the video')), 30000);
  });
  v.muted = true;
  await v.play();
  await ended;
}))"""
PROBE = """() => ({
  unnamed: [...document.querySelectorAll('video, button, input, progress, fieldset, a')]
    .filter((x) => !(x.getAttribute('aria-label') || x.labels?.[0]?.innerText
      || x.querySelector?.('legend')?.innerText || x.innerText || '').trim())
    .map((x) => x.outerHTML),
  wide: document.documentElement.scrollWidth > window.innerWidth,
  small: [...document.querySelectorAll('button, label')].filter((x) => x.offsetHeight < 24).length,
})"""


@pytest.fixture
def address(tmp_path: Path) -> Any:
    rng = np.random.default_rng(0)
    films = {
        clip: encode.video(list(rng.integers(0, 255, (3, 32, 64, 3), np.uint8)), 25.0)
        for clip in STUDY.clips.values()
    }
    write_page(tmp_path / "rater.html", STUDY, films, 0)
    with served(tmp_path) as found:
        yield found


def answer(page: Any, at: int) -> None:
    """One screen by keyboard: the first button is refused until all is seen and answered."""
    page.wait_for_function(SCREEN, arg=at)
    root = page.locator(".elp-rating")
    forward, status = root.get_by_role("button", name="Next"), root.get_by_role("status")
    forward.press("Enter")
    assert "watch" in status.inner_text()
    page.evaluate(WATCH)
    forward.press("Enter")
    assert "no answer yet" in status.inner_text()
    root.locator("input").first.focus()
    for legend in root.locator("legend").all_inner_texts():
        told = [str(n) for n, word in enumerate(SCALE, 1) if f"“{word}”" in legend]
        page.keyboard.press(told[0] if told else "2")
    page.keyboard.press("Enter")


@pytest.mark.parametrize("width", [1280, 390])
def test_a_rater_needs_the_keyboard_only(
    browser: Any, address: str, tmp_path: Path, width: int
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 800}, accept_downloads=True)
    page, wrong = context.new_page(), []
    left = cut(page, address)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto(f"{address}rater.html")
    page.get_by_role("button", name="I agree").wait_for()  # drawn after the load event
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    screens = len(STUDY.plan(0))
    for at in range(1, screens + 1):
        if at == 3:
            page.reload()  # nothing is lost
        answer(page, at)
        found = page.evaluate(PROBE)
        assert not {key: value for key, value in found.items() if value}
    with page.expect_download() as download:
        page.get_by_role("link", name="Save the answers").click()
    download.value.save_as(tmp_path / "rater.csv")
    context.close()
    ratings = gather([tmp_path / "rater.csv"], STUDY)
    assert ratings["trial"].max() == screens
    assert set(ratings.loc[ratings["kind"] != "check", "answer"]) == {2}
    assert attention(ratings)["kept"].all()
    assert not wrong
    assert not left
