"""What does "Talk to it" ask of a browser: load, work a frame, latency, memory over half an hour?

    python benchmarks/page.py SITE VIDEO --minutes 30 -o book/results/page.json

Chromium opens the built book's page and lets it listen to a video, played over and over as its
camera and microphone, the network cut. Each minute the garbage is collected and what stays is
measured: the page's own heap, and the resident memory of the whole renderer process, in which the
worker's heap and all WebAssembly lie. `--before` names an older build whose calibration is
measured, too. Then both faces, drawn and a portrait, listen to the microphone alone, where
Chromium itself draws the page and where a program (SwiftShader) plays its graphics processor.
Aims: a step of the model in 4 ms, a picture of the speaker answered on the screen after 120 ms at
the median, 20 pictures a second.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
import time
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import cv2
import numpy as np
import typer
from playwright.sync_api import Page, sync_playwright

from elp.media.audio import read_audio
from elp.media.video import frames
from elp.records import run_card, write_json

CHROMIUM = os.environ.get("ELP_CHROMIUM", "/usr/bin/chromium")
FLAGS = (
    "--no-sandbox --disable-background-networking --disable-component-update "
    "--use-fake-device-for-media-stream --use-fake-ui-for-media-stream"
).split()
DRAWS = {  # who draws the page on a machine without a graphics processor
    "chromium": ["--disable-gpu"],
    "swiftshader": [
        "--use-angle=swiftshader",
        "--enable-unsafe-swiftshader",
        "--ignore-gpu-blocklist",
    ],
}
FACES = ("drawn", "painted")
SHOWN, RATE = 30, 48000  # pictures and samples a second, as Chromium plays files
SIZE = (640, 480)
SETTLING = 20  # s after the calibration before anything is measured
MEASURED = 30  # s over which pictures are counted
LOOKED = 5  # s after another face was chosen
TASKS = """
window.tasks = [];
new PerformanceObserver((list) => tasks.push(...list.getEntries().map((each) => each.duration)))
  .observe({ type: "longtask" });
"""
ROOT = "document.querySelector('.elp-talking')"


def film(video: Path, folder: Path) -> tuple[Path, Path]:
    """A video as Chromium's fake devices take it: JPEGs one after the other, and a WAV."""
    seen, heard = folder / "camera.mjpeg", folder / "microphone.wav"
    with seen.open("wb") as out:
        for image in frames(video, SHOWN):
            high, wide = image.shape[:2]
            beside = max(0, round((high * SIZE[0] / SIZE[1] - wide) / 2))
            whole = cv2.copyMakeBorder(image, 0, 0, beside, beside, cv2.BORDER_REPLICATE)
            small = cv2.resize(whole, SIZE, interpolation=cv2.INTER_AREA)
            out.write(cv2.imencode(".jpg", small[..., ::-1])[1].tobytes())
    samples = read_audio(video, RATE)
    assert samples is not None
    with wave.open(str(heard), "wb") as sound:
        sound.setparams((1, 2, RATE, 0, "NONE", ""))
        sound.writeframes((32767 * np.clip(samples, -1, 1)).astype("<i2").tobytes())
    return seen, heard


@contextlib.contextmanager
def opened(site: Path, films: tuple[Path, Path], draws: str = "chromium") -> Iterator[Page]:
    """The page from the disk, with a camera and a microphone that play the film."""
    seen, heard = films
    played = (
        f"--use-file-for-fake-video-capture={seen}",
        f"--use-file-for-fake-audio-capture={heard}",
    )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=[*FLAGS, *DRAWS[draws], *played]
        )
        page = browser.new_page()
        page.route("http*://**", lambda route: route.abort())
        page.add_init_script(TASKS)
        page.goto((site / "book" / "talk.html").resolve().as_uri())
        yield page
        browser.close()


def begun(page: Page) -> dict[str, Any]:
    """Seconds until the page listens, knows its speaker and watches, and the longest tasks of the
    page's own thread in each time, in ms.
    """
    found: dict[str, Any] = {}

    def reaches(name: str, *states: str) -> None:
        start = time.perf_counter()
        page.evaluate("tasks.length = 0")
        asked = f"(s) => s.includes({ROOT}?.dataset.state)"
        page.wait_for_function(asked, arg=list(states), timeout=180_000, polling=50)
        page.wait_for_timeout(100)  # the observer hears of a task after its end
        found[name] = round(time.perf_counter() - start - 0.1, 1)
        found[f"{name}_tasks"] = tasks(page)

    page.wait_for_selector(".elp-wake:enabled")
    page.click(".elp-wake")
    reaches("load_s", "ready")
    page.click(".elp-camera")
    reaches("eyes_s", "calibrating")
    reaches("calibration_s", "watching")
    return found


def tasks(page: Page) -> dict[str, float]:
    """Tasks above 50 ms: how many, the longest and their sum in ms."""
    long = page.evaluate("tasks")
    return {"count": len(long), "longest": max(long, default=0), "sum": sum(long)}


def working(page: Page, *, seeing: bool = True) -> dict[str, Any]:
    """Work and latency in ms, as the page itself says, and what it draws and, `seeing`, looks at a
    second.
    """
    data = f"({{ ...{ROOT}.dataset }})"
    one, start = page.evaluate(data), time.perf_counter()
    page.evaluate("tasks.length = 0")
    said = []
    while time.perf_counter() - start < MEASURED:
        page.wait_for_timeout(500)
        said.append(page.evaluate(data))
    spent = time.perf_counter() - start

    def rate(name: str) -> float:
        return round((float(said[-1][name]) - float(one[name])) / spent, 1)

    def median(name: str) -> float:
        return round(float(np.median([float(row[name]) for row in said])), 1)

    found = {
        "step_ms": median("spent"),
        "sound_to_picture_ms": median("delay"),
        "steps_a_second": rate("frames"),
        "drawn_a_second": rate("drawn"),
        "tasks": tasks(page),
    }
    if not seeing:
        return found
    return found | {
        "capture_to_picture_ms": median("age"),
        "look_ms": looks([json.loads(row["look"]) for row in said]),
        "looked_at_a_second": rate("looked"),
    }


def faces(site: Path, films: tuple[Path, Path]) -> dict[str, Any]:
    """`working` of each face, without a camera, by who draws the page."""
    found: dict[str, Any] = {}
    for draws in DRAWS:
        found[draws] = {}
        for face in FACES:
            with opened(site, films, draws) as page:
                page.wait_for_selector(".elp-wake:enabled")
                page.click(".elp-wake")
                page.wait_for_function(f"() => {ROOT}?.dataset.state === 'ready'", timeout=60_000)
                page.select_option(".elp-worn", face)
                page.wait_for_function(f"() => ({ROOT}.dataset.face ?? 'drawn') === '{face}'")
                page.click(".elp-microphone")
                page.wait_for_timeout(1000 * LOOKED)
                found[draws][face] = working(page, seeing=False)
                print(draws, face, found[draws][face], flush=True)
    return found


def looks(rows: list[dict[str, float]]) -> dict[str, float]:
    """Medians of what a picture's age is made of when its numbers are there; see `camera.js`."""
    return {name: round(float(np.median([row[name] for row in rows])), 1) for name in rows[0]}


def memory(page: Page, minutes: float) -> list[dict[str, float]]:
    """MB that stay after garbage was collected, once a minute."""
    cdp = page.context.new_cdp_session(page)
    cdp.send("Performance.enable")
    browser = page.context.browser
    assert browser is not None
    system = browser.new_browser_cdp_session()
    start, rows = time.monotonic(), []
    while True:
        cdp.send("HeapProfiler.collectGarbage")
        metrics = cdp.send("Performance.getMetrics")["metrics"]
        heap = next(each["value"] for each in metrics if each["name"] == "JSHeapUsedSize")
        processes = system.send("SystemInfo.getProcessInfo")["processInfo"]
        resident = max(rss(each["id"]) for each in processes if each["type"] == "renderer")
        minute = round((time.monotonic() - start) / 60, 1)
        rows.append({"minute": minute, "heap": mb(heap), "process": mb(resident)})
        print(rows[-1], flush=True)
        if minute >= minutes:
            return rows
        page.wait_for_timeout(60_000)


def rss(pid: int) -> int:
    """Resident bytes of a process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def mb(count: float) -> float:
    return round(count / 1e6, 2)


def main(
    site: Path,
    video: Path,
    output: Annotated[Path, typer.Option("-o", "--output", help="The result file (.json).")],
    minutes: float = 30,
    before: Annotated[Path | None, typer.Option(help="An older build of the site.")] = None,
) -> None:
    """Measure, and write what was found."""
    started, load = time.time(), os.getloadavg()[0]
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        films = film(video, Path(folder))
        if before:
            with opened(before, films) as page:
                found["before"] = begun(page)
        with opened(site, films) as page:
            found["begun"] = begun(page)
            page.wait_for_timeout(1000 * SETTLING)
            found["working"] = working(page)
            found["memory"] = memory(page, minutes)
            found["after"] = working(page)
        found["faces"] = faces(site, films)
    loads = [round(load, 1), round(os.getloadavg()[0], 1)]
    write_json(output, {**run_card(seed=None, started=started), "load": loads, **found})


if __name__ == "__main__":
    typer.run(main)
