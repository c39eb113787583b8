"""How long from moving a control of the first page to the listener's face?

    python benchmarks/sliders.py book/_build/html -o book/results/sliders.json

Chromium opens the built book's first page, the network cut, and moves H and the emotion 120 times
each while the conversation plays. A move is *drawn* when the handler of its event has painted the
face into its canvas, and *on screen* after the page's next picture, for which it waits up to a
sixtieth of a second. *Work* is the processor time that the page's own thread spends on a move and
what follows from it, measured again while the conversation stands still: other programs hardly
change it. `--before` names an older build that is measured first.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from playwright.sync_api import CDPSession, Page, sync_playwright

from elp.records import run_card, write_json

CHROMIUM = os.environ.get("ELP_CHROMIUM", "/usr/bin/chromium")
FLAGS = (
    "--no-sandbox --disable-gpu --disable-background-networking --disable-component-update".split()
)
MOVES = 120
STILL = 60  # of them once more, while the conversation stands still
PAUSE = (30, 60)  # ms between moves, about as a hand drags
ANSWERED = "() => document.querySelector('.elp-live')?.dataset.answered"
# one move: when its event began, when its handler had drawn, when the next picture was shown
MOVE = """([control, value, pause]) => new Promise((resolve) => {
  const shown = new MessageChannel();
  const began = performance.now();
  let drawn;
  shown.port1.onmessage = () => {
    const seen = performance.now();
    setTimeout(() => resolve([drawn - began, seen - began]), pause);
  };
  if (control === 'heads') {
    const input = document.querySelector('.elp-heads');
    input.value = value;
    input.dispatchEvent(new Event('input', { bubbles: true }));
  } else {
    const handle = document.querySelector('.elp-triangle-handle');
    handle.dispatchEvent(new KeyboardEvent('keydown', { key: value, bubbles: true }));
  }
  drawn = performance.now();
  requestAnimationFrame(() => shown.port2.postMessage(0));
})"""


def values(control: str, heads: int, rng: np.random.Generator) -> list[Any]:
    """What the control is moved to: H up and down, the emotion by the triangle's arrow keys."""
    if control == "heads":
        return [1 + abs((3 * k) % (2 * heads - 2) - (heads - 1)) for k in range(MOVES)]
    return rng.choice(["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"], MOVES).tolist()


def measured(page: Page, control: str) -> dict[str, dict[str, float]]:
    """Median and 99th percentile over the moves of one control, in ms."""
    rng = np.random.default_rng(0)
    heads = int(page.get_attribute(".elp-heads", "max") or 1)
    moves = [[control, value, float(rng.uniform(*PAUSE))] for value in values(control, heads, rng)]
    drawn, shown = np.array([page.evaluate(MOVE, move) for move in moves]).T
    cdp = page.context.new_cdp_session(page)
    cdp.send("Performance.enable", {"timeDomain": "threadTicks"})
    page.get_by_role("button", name="Pause").click()
    spent = [busy(cdp)]
    for move in moves[:STILL]:
        page.evaluate(MOVE, move)
        spent.append(busy(cdp))
    cdp.detach()
    page.get_by_role("button", name="Play").click()
    work = 1000 * np.diff(spent)
    return {"drawn": summary(drawn), "on_screen": summary(shown), "work": summary(work)}


def busy(cdp: CDPSession) -> float:
    """Seconds of processor time that the page's own thread has spent on tasks."""
    metrics = cdp.send("Performance.getMetrics")["metrics"]
    return float(next(each["value"] for each in metrics if each["name"] == "TaskDuration"))


def summary(times: np.ndarray) -> dict[str, float]:
    median, most = np.percentile(times, (50, 99))
    return {k: round(float(v), 1) for k, v in zip(("median", "p99"), (median, most), strict=True)}


def opened(site: Path) -> dict[str, Any]:
    """What the first page of one build takes, of each control."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.route("http*://**", lambda route: route.abort())
        page.goto((site / "book" / "intro.html").resolve().as_uri())
        page.wait_for_function(ANSWERED, timeout=60_000)
        page.locator(".elp-live").scroll_into_view_if_needed()
        page.wait_for_timeout(3000)  # the page has loaded what it loads
        found = {control: measured(page, control) for control in ("heads", "emotion")}
        browser.close()
    return found


def main(
    site: Path,
    output: Annotated[Path, typer.Option("-o", "--output", help="The result file (.json).")],
    before: Annotated[Path | None, typer.Option(help="An older build of the site.")] = None,
) -> None:
    """Measure, and write what was found."""
    started, load = time.time(), os.getloadavg()[0]
    found = {"before": opened(before)} if before else {}
    found["now"] = opened(site)
    loads = [round(load, 1), round(os.getloadavg()[0], 1)]
    card = run_card(seed=0, started=started)
    write_json(output, {**card, "load": loads, "moves": MOVES, **found})
    print(found)


if __name__ == "__main__":
    typer.run(main)
