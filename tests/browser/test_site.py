"""The static book in a real browser, with the network cut."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import ROOT, cut

EVERY = sorted(p.stem for p in [*(ROOT / "book").glob("*.md"), *(ROOT / "book").glob("*.ipynb")])
# the rooms' pages of the API are made alike: one speaks for them
PAGES = [name for name in EVERY if not name.startswith("api-") or name == "api-model"]
# axe-core takes ten to thirty seconds a page: one of each kind
JUDGED = [
    *((name, "light") for name in ("intro", "01-extraction", "08-results")),
    *((name, "light") for name in ("13-your-own-study", "glossary")),
    *((name, "dark") for name in ("intro", "03-space")),
]
# bytes of a page's own, without the libraries of others that pages share (plotly.js, MathJax); and
# of a page in which the listener runs
WEIGHT, ALIVE = 1_500_000, 3 * 2**20
WIDTHS = {"desktop": 1280, "phone": 390}
# a page takes ten seconds: on a phone, too, one of each kind
PHONE = (
    "intro talk 01-extraction 03-space 06-renderer 08-results 09-emotion-space 13-your-own-study "
    "glossary status api-model"
).split()
VIEWS = [*((name, "desktop") for name in PAGES), *((name, "phone") for name in PHONE)]
THEME = ("THEBE_JS_URL", "invalid theme mode")  # two harmless lines of the theme
PROBE = """() => {
  const all = (selector, bad) => [...document.querySelectorAll(selector)].filter(bad);
  return {
    run_together: all('pre code', (c) => getComputedStyle(c).whiteSpace === 'normal').length,
    mute: all('article img, article video, article audio',
      (m) => !(m.alt || m.getAttribute('aria-label') || '').trim()).length,
    broken: all('img', (i) => !i.complete || !i.naturalWidth).map((i) => i.src.slice(0, 80)),
    formulas: all('.bd-article :is(div.math, div.math > mjx-container)',
      (m) => m.scrollWidth > m.clientWidth + 1).map((m) => m.id || m.parentElement.id),
    cut: all('.bd-article :is(button, select, input), .bd-article .updatemenu-button', (b) => {
      const place = b.getBoundingClientRect();
      return place.width && place.right > window.innerWidth + 1;
    }).map((b) => b.textContent),
    wide: document.documentElement.scrollWidth > window.innerWidth + 2,
    sideways: all('.elp-figure', (f) => f.scrollWidth > f.clientWidth + 1)
      .map((f) => f.getAttribute('aria-labelledby')),
    scrolled: all('.highlight-python pre, .highlight-ipython3 pre',
      (p) => p.checkVisibility({contentVisibilityAuto: true}) && p.innerText
        && p.scrollWidth > p.clientWidth + 1).map((p) => p.innerText.slice(0, 80)),
  };
}"""

# nothing of it is there with the load event
DRAWN = """() => {
  const every = (selector, good) => [...document.querySelectorAll(selector)].every(good);
  return every('.elp-plot', (d) => d.querySelector('.main-svg'))
    && every('.elp-widget', (d) => d.querySelector('canvas'))
    && every('.elp-component', (d) => !d.querySelector('.elp-module'))
    && every('.math', (d) => d.querySelector('mjx-container'));
}"""


def open_page(
    browser: Any, site: tuple[str, Path], name: str, width: int, **options: Any
) -> tuple[Any, set[str], list[str]]:
    page = browser.new_page(viewport={"width": width, "height": 900}, **options)
    left, wrong = cut(page, site[0]), []
    page.on("pageerror", lambda e: wrong.append(str(e)))
    page.on("response", lambda r: wrong.append(f"{r.status} {r.url}") if r.status >= 400 else None)
    page.goto(f"{site[0]}book/{name}.html", wait_until="load")
    page.wait_for_function(DRAWN, timeout=20_000)
    page.wait_for_timeout(400)
    return page, left, [w for w in wrong if not any(known in w for known in THEME)]


@pytest.mark.parametrize(("name", "width"), VIEWS)
def test_page_is_whole_and_stays_on_the_machine(
    browser: Any, site: tuple[str, Path], name: str, width: str
) -> None:
    page, left, wrong = open_page(browser, site, name, WIDTHS[width])
    seen = page.evaluate(PROBE)
    page.close()
    assert not left
    assert not wrong
    assert not {key: value for key, value in seen.items() if value}


@pytest.mark.parametrize("name", EVERY)
def test_page_is_light(site: tuple[str, Path], name: str) -> None:
    """Its HTML, with pictures, films and data inside, and the listener that it loads by itself."""
    page = site[1] / "book" / f"{name}.html"
    weight, alive = page.stat().st_size, 'class="elp-widget"' in page.read_text(encoding="utf-8")
    if alive:
        weight += (site[1] / "vendor" / "listener.js").stat().st_size
    assert weight < (ALIVE if alive else WEIGHT)


@pytest.mark.parametrize(("name", "scheme"), JUDGED)
def test_page_is_accessible(browser: Any, site: tuple[str, Path], name: str, scheme: str) -> None:
    """axe-core finds nothing serious or critical."""
    from axe_playwright_python.sync_playwright import Axe

    page, *_ = open_page(browser, site, name, 1280, color_scheme=scheme)
    found = Axe().run(page).response["violations"]
    page.close()
    bad = [
        (v["impact"], v["id"], [n["html"][:120] for n in v["nodes"][:3]])
        for v in found
        if v["impact"] in ("serious", "critical")
    ]
    assert not bad


def test_the_front_page_leads_into_the_book(browser: Any, site: tuple[str, Path]) -> None:
    page = browser.new_page()
    left = cut(page, site[0])
    page.goto(site[0])
    page.wait_for_url("**/book/intro.html")
    assert page.locator("svg.elp-pipeline").is_visible()
    page.close()
    assert not left


def listeners() -> list[str]:
    """Pages with a listener."""
    found = [p for p in (ROOT / "book").glob("*.*") if p.suffix in (".md", ".py")]
    return sorted(
        p.stem
        for p in found
        if re.search(r"widgets\.(Listener|page)\(", p.read_text(encoding="utf-8"))
    )


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", listeners())
def test_the_listener_answers_without_a_kernel(
    browser: Any, site: tuple[str, Path], name: str, width: str
) -> None:
    page, left, wrong = open_page(browser, site, name, WIDTHS[width])
    said = "() => document.querySelector('.elp-listener-status')?.textContent"
    page.wait_for_function(f"() => ({said})()?.includes('%')", timeout=60_000)
    smiles, handle = page.evaluate(said), page.locator(".elp-triangle-handle").first
    handle.press("Home")  # all negative
    page.wait_for_function(f"(before) => ({said})() !== before", arg=smiles, timeout=60_000)
    frowns, heads = page.evaluate(said), page.locator(".elp-heads").first
    heads.fill("1")
    page.wait_for_function(f"(before) => ({said})() !== before", arg=frowns, timeout=60_000)
    page.close()
    smile = [int(re.findall(r"smile (\d+)", text)[0]) for text in (smiles, frowns)]
    assert smile[0] > smile[1] + 10
    assert not left
    assert not wrong


def test_a_story_goes_on_by_keys_and_stands_still_without_scripts(
    browser: Any, site: tuple[str, Path]
) -> None:
    page, *_ = open_page(browser, site, "03-space", 390)
    story = page.locator(".elp-stepper")
    story.focus()
    said = [story.locator("strong").inner_text()]
    for _ in range(6):  # one more than there are
        page.keyboard.press("ArrowRight")
        said.append(story.locator("strong").inner_text())
    link = page.locator('.bd-article a.reference[href*="#equation-eq-"]').first
    link.focus()  # its number shows an equation
    page.locator("#elp-equation svg").first.wait_for()
    page.keyboard.press("Escape")
    assert page.locator("#elp-equation").is_hidden()
    before = story.locator("image").last.get_attribute("href")
    story.get_by_label("negative").check()
    after = story.locator("image").last.get_attribute("href")
    page.close()
    assert [title.split()[0] for title in said] == ["1", "2", "3", "4", "5", "6", "6"]
    assert before != after, "another emotion, the same face"
    still = browser.new_context(java_script_enabled=False).new_page()
    still.goto(f"{site[0]}book/03-space.html")
    assert still.locator("#fig-story svg").count() == 6
    still.close()


def test_a_map_shows_another_clip_for_every_step(browser: Any, site: tuple[str, Path]) -> None:
    page, *_ = open_page(browser, site, "09-emotion-space", 1280)
    dots = page.locator("#fig-map canvas").first
    says = page.locator("#fig-map [aria-live]")
    first = says.inner_text()
    dots.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowUp")
    assert says.inner_text() != first
    layout = page.locator("#fig-map select").first
    for name, count in (("V, trained without e", 254), ("U", 970)):
        layout.select_option(name)
        page.wait_for_timeout(1000)
        assert f" of {count}:" in says.inner_text()
    page.close()


def test_a_method_is_watched_beside_its_numbers(browser: Any, site: tuple[str, Path]) -> None:
    page, *_ = open_page(browser, site, "08-results", 1280)
    picture = "() => document.querySelectorAll('#fig-methods canvas')[1]?.toDataURL()"
    page.wait_for_function(f"() => ({picture})()?.length > 20000")
    page.locator("#fig-methods button").click()  # it stands still
    says, still = page.locator("#fig-methods [aria-live]"), page.evaluate(picture)
    first = says.inner_text()
    page.locator("#fig-methods").get_by_label("oracle", exact=True).check()
    page.wait_for_function(f"(before) => ({picture})() !== before", arg=still)
    assert says.inner_text() != first and "people" in first
    page.close()


def test_search_finds_without_a_network(browser: Any, site: tuple[str, Path]) -> None:
    page = browser.new_page()
    left = cut(page, site[0])
    page.goto(f"{site[0]}search.html?q=blink")
    page.wait_for_selector("#search-results li")
    page.close()
    assert not left
