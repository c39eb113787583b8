"""Figures carry caption and text alternative, and come out the same every time."""

from __future__ import annotations

import html
import json
import re
from functools import cached_property

import numpy as np
import plotly.graph_objects as go
import pytest

from elp.book import encode, figures
from elp.book.mesh import shaded
from elp.errors import ElpError
from elp.face import FaceModel


@pytest.fixture
def shown(monkeypatch):
    bundles = []
    monkeypatch.setattr("IPython.display.display", lambda bundle, raw: bundles.append(bundle))
    return bundles


def plot():
    return go.Figure(go.Scatter(y=np.linspace(0, 1, 50), name="a</script>b"))


def test_a_plot_speaks_and_is_the_same_twice(shown):
    for _ in range(2):
        figures.show(plot(), caption="A line in <i>cm</i>.", alt='A "line" rises.', name="My line")
    page, caption = shown[0]["text/html"], shown[1]["text/html"]
    assert shown[:2] == shown[2:]
    assert 'id="fig-my-line"' in page
    assert 'aria-label="A &quot;line&quot; rises."' in page
    assert 'id="cap-my-line"' in caption
    assert "A line in <i>cm</i>." in caption
    spec = re.search(r'<script type="application/json">(.*?)</script>', page, re.S)
    # did not end the element it sits in
    assert json.loads(spec[1])["data"][0]["name"] == "a</script>b"
    assert shown[0]["application/vnd.plotly.v1+json"]["config"]["responsive"] is True


def test_floats_are_stored_in_32_bits(shown):
    figures.show(plot(), caption="c", alt="a")
    y = shown[0]["application/vnd.plotly.v1+json"]["data"][0]["y"]
    assert y["dtype"] == "f4"


def test_pictures_and_sound(shown):
    rng = np.random.default_rng(0)
    figures.image(rng.random((16, 20, 3)), caption="c", alt="noise")
    figures.image(
        np.zeros((9, 15, 21), np.uint8)[..., None].repeat(3, -1), caption="c", alt="black, moving"
    )
    figures.audio(0.1 * np.sin(np.arange(8000) / 5), 16000, caption="A tone.")
    image, video, sound = (b["text/html"] for b in shown[::2])
    assert 'alt="noise"' in image
    assert 'width="20" height="16"' in image
    assert "data:video/mp4" in video
    assert 'aria-label="black, moving"' in video
    assert "data:audio/mpeg" in sound
    assert 'aria-label="A tone."' in sound


@pytest.mark.parametrize("words", [{"caption": "", "alt": "a"}, {"caption": "c", "alt": " "}])
def test_a_mute_figure_is_refused(words):
    with pytest.raises(ElpError, match="caption and an alt text"):
        figures.show(plot(), **words)


def test_what_is_no_image_is_refused():
    with pytest.raises(ElpError, match="height, width"):
        figures.image(np.zeros((3, 4, 5, 6, 7)), caption="c", alt="a")
    with pytest.raises(ElpError, match="one channel"):
        figures.audio(np.zeros((2, 100)), 16000, caption="c")


class Thing:
    @cached_property
    def size(self):
        """How large."""
        return 2

    def method(self, x):
        # a comment belongs to the source
        return x


def test_a_listing_is_the_present_source(shown):
    for obj in (Thing, Thing.method, Thing.size):
        figures.source(obj)
    pages = [bundle["text/html"] for bundle in shown]
    assert "<code>tests/book/test_figures.py</code>" in pages[0]
    assert 'data-elp="tests.book.test_figures:Thing.method">Thing.method</code>' in pages[1]
    whole, method, size = (html.unescape(re.sub(r"<[^>]+>", "", page)) for page in pages)
    assert "class Thing:\n    @cached_property" in whole
    assert "def method(self, x):\n    # a comment belongs to the source\n    return x" in method
    assert "@cached_property\ndef size(self):" in size
    assert 'class="k">def</span>' in pages[1]  # coloured by classes that either theme knows
    assert shown[1]["text/plain"] == "Thing.method in tests/book/test_figures.py"


def luminance(colour):
    rgb = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(rgb <= 0.03928, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4) @ [
        0.2126,
        0.7152,
        0.0722,
    ]


@pytest.mark.parametrize("colour", [*figures.COLORS, figures.INK])
def test_colours_read_on_light_and_on_dark_pages(colour):
    light, dark, own = luminance("#ffffff"), luminance("#121212"), luminance(colour)
    assert (light + 0.05) / (own + 0.05) >= 3
    assert (own + 0.05) / (dark + 0.05) >= 3


def test_a_head_stands_on_any_ground() -> None:
    """What surrounds it is transparent, and a film, which cannot be, has it dark."""

    model = FaceModel.default()
    head = shaded(model.mean, model.triangles, size=64)
    assert head.shape == (64, 64, 4) and head[0, 0, 3] == 0 and head[32, 32, 3] == 255
    film = encode.on_ground(head)
    assert (film[0, 0] == encode.GROUND).all() and (film[32, 32] == head[32, 32, :3]).all()
