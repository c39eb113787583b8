"""What a page of the book shows: plots, images, short animations and sound, each with a caption and
a text for who cannot see it.

The same output is live in JupyterLab (plotly's mimetype) and in the static page, where
`book/_static/elp.js` draws the figure from the data inside it, with the network cut. Used by every
chapter, explained in "How to read".
"""

from __future__ import annotations

import base64
import hashlib
import html
import inspect
import json
import os
import re
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from elp.book import encode
from elp.errors import ElpError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import plotly.graph_objects as go
    from numpy.typing import NDArray

# at least 4:1 on white and on near-black; the static page replaces it by the theme's own text
# colour
INK = "#757575"
LINE = "rgba(128,128,128,0.3)"
# distinct for red-green and blue-yellow colour blindness (after Okabe & Ito), each at least 3:1 on
# white and on near-black
COLORS = ("#2f7fc1", "#d5600a", "#0b9a70", "#b9629d", "#a87b00", "#7f7f7f", "#6a6fd6", "#c0504d")
EMOTIONS = {
    "negative": COLORS[1],
    "neutral": COLORS[5],
    "positive": COLORS[0],
    "unpositive": COLORS[1],
}
SYMBOLS = ("circle", "x", "diamond", "square")
CONFIG = {"responsive": True, "displayModeBar": False, "showTips": False}
HEIGHT = 380  # pixels


def setup() -> None:
    """Make a page the same wherever it runs: one thread, fixed seeds, no log lines, the book's
    plotly template as default.

    Called in the first code cell of every chapter; prints nothing.
    """
    # for what is imported later
    os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")
    os.environ.update(GLOG_minloglevel="2", TF_CPP_MIN_LOG_LEVEL="3")
    import random

    import numpy as np
    import plotly.io as pio
    import torch
    from threadpoolctl import threadpool_limits

    threadpool_limits(1)  # for what is imported already
    torch.set_num_threads(1)
    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)
    pio.templates["elp"] = template()
    pio.templates.default = "elp"


def template() -> go.layout.Template:
    """The book's plotly template: transparent, legend below, colours that read on light and on dark
    pages.
    """
    import plotly.graph_objects as go

    axis = {
        "gridcolor": LINE,
        "linecolor": LINE,
        "zerolinecolor": LINE,
        "ticks": "",
        "automargin": True,
        "title": {"standoff": 8},
        "zerolinewidth": 1,
    }
    scene = {"gridcolor": LINE, "linecolor": LINE, "zerolinecolor": LINE, "showbackground": False}
    layout = go.Layout(
        colorway=COLORS,
        font={"family": "system-ui, sans-serif", "size": 13, "color": INK},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        margin={"l": 8, "r": 8, "t": 28, "b": 8},
        height=HEIGHT,
        legend={
            "orientation": "h",
            "yref": "container",
            "y": 0,
            "yanchor": "bottom",
            "x": 0,
            "title": {"text": ""},
        },
        title={"x": 0, "xanchor": "left", "font": {"size": 14}},
        xaxis=axis,
        yaxis=axis,
        scene={"xaxis": scene, "yaxis": scene, "zaxis": scene},
        coloraxis={"colorbar": {"thickness": 12, "outlinewidth": 0}},
        colorscale={"sequential": "Cividis", "sequentialminus": "Cividis", "diverging": "RdBu_r"},
        hoverlabel={"font": {"family": "system-ui, sans-serif"}},
        dragmode=False,  # a finger that scrolls the page must not zoom the plot
    )
    data = {
        "heatmap": [
            go.Heatmap(colorscale="Cividis", colorbar={"thickness": 12, "outlinewidth": 0})
        ],
        "scatter": [go.Scatter(line={"width": 2})],
    }
    return go.layout.Template(layout=layout, data=data)


def show(fig: go.Figure, *, caption: str, alt: str, name: str = "") -> None:
    """Display a plotly figure with a visible caption and a text alternative (chapter "How to
    read").

    Args:
        fig: the figure; its height is kept, its width follows the page.
        caption: one or two sentences shown below: what is plotted, and in which unit. `<i>`, `<b>`,
            `<sub>` may be used.
        alt: what a sighted reader learns from the figure, for a screen reader.
        name: short unique name in the page; gives the element's id. Default: a digest of the
            content.

    Raises:
        ElpError: caption or alt is empty.
    """
    spec = _slim(fig.to_dict()) | {"config": CONFIG}
    data = json.dumps(spec, cls=_encoder(), sort_keys=True, separators=(",", ":"))
    name = element_name(name, data, caption, alt)
    height = int(fig.layout.height or HEIGHT)
    inline = data.replace("</", "<\\/")  # the text must not end the script element it sits in
    body = (
        f'<div id="fig-{name}" class="plotly-graph-div elp-plot" role="img" '
        f'aria-label="{html.escape(alt)}" style="height:{height}px">'
        f'<script type="application/json">{inline}</script></div>'
    )
    emit(
        body,
        caption=caption,
        alt=alt,
        name=name,
        bundle={"application/vnd.plotly.v1+json": json.loads(data)},
    )


def image(
    picture: NDArray[np.generic] | Sequence[NDArray[np.generic]],
    *,
    caption: str,
    alt: str,
    name: str = "",
    fps: float = 25.0,
    scale: int = 1,
) -> None:
    """Display a still image, or a list of frames as a short looping video with controls.

    Args:
        picture: (height, width) or (height, width, 3) uint8, or float in [0, 1], or with a fourth
            channel that says how opaque it is; a list or an array with one more axis is an
            animation.
        caption, alt, name: as for `show`.
        fps: frames per second of an animation.
        scale: the image is drawn at this multiple of its size, never wider than the page.

    Raises:
        ElpError: caption or alt is empty, or the array is not an image.
    """
    import numpy as np

    moving = isinstance(picture, (list, tuple)) or np.ndim(picture) == 4
    frames = [encode.pixels(frame) for frame in (picture if moving else [picture])]
    if not frames:
        raise ElpError("image: no frames to show: pass at least one (height, width, 3) array")
    width, height = frames[0].shape[1] * scale, frames[0].shape[0] * scale
    style = f'width="{width}" height="{height}" style="max-width:100%;height:auto"'
    if len(frames) == 1:
        data = encode.still(frames[0])
        body = f'<img src="{data}" alt="{html.escape(alt)}" {style}>'
    else:
        data = encode.video([encode.on_ground(frame) for frame in frames], fps)
        play = "controls loop muted autoplay playsinline"
        body = f'<video src="{data}" aria-label="{html.escape(alt)}" {style} {play}></video>'
    name = element_name(name, data, caption, alt)
    emit(body, caption=caption, alt=alt, name=name)


def audio(samples: NDArray[np.floating[Any]], sr: int, *, caption: str, name: str = "") -> None:
    """Display a player for a sound.

    Args:
        samples: (n,) float in [-1, 1].
        sr: samples per second.
        caption: shown below, read by screen readers.
        name: as for `show`.

    Raises:
        ElpError: caption is empty or the samples are not one-dimensional.
    """
    import numpy as np

    if np.ndim(samples) != 1 or not len(samples):
        raise ElpError(
            f"audio: expected (n,) samples, got shape {np.shape(samples)}: pass one channel"
        )
    data = encode.sound(samples, sr)
    name = element_name(name, data, caption, caption)
    label = html.escape(_plain(caption))
    style = 'style="width:100%;max-width:420px"'
    body = f'<audio src="{data}" aria-label="{label}" controls preload="metadata" {style}></audio>'
    emit(body, caption=caption, alt=_plain(caption), name=name)


def table(frame: pd.DataFrame, *, fold: str = "") -> None:
    """Display a table whose cells hold HTML (small type, non-breaking intervals).

    Args:
        frame: rows and columns in the order in which they are shown.
        fold: of a large table, what it holds: it is folded under this line.
    """
    from IPython.display import HTML, display

    page = frame.to_html(escape=False, na_rep="–")
    if fold:
        summary = f"<summary>{html.escape(fold)}</summary>"
        page = f'<details class="elp-fold">{summary}{page}</details>'
    display(HTML(page))


def source(obj: Any) -> None:
    """Display the present source of a function, class, method or cached property (chapter "How to
    read").

    JupyterLab and the static page colour it in their own theme, light or dark; the page adds a
    button to copy, and a link to the whole file. `tests/test_book.py` compares what a notebook
    shows with what the object's source is now.
    """
    from IPython.display import display

    obj = _plain_function(obj)
    display(
        {"text/html": listing(obj), "text/plain": f"{obj.__qualname__} in {_file(obj)}"}, raw=True
    )


def listing(obj: Any) -> str:
    """HTML of `source`: a line that names object and file, and the coloured source."""
    from pygments import highlight
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import PythonLexer

    obj = _plain_function(obj)
    code = highlight(code_of(obj), PythonLexer(), HtmlFormatter(wrapcode=True))
    name, file = html.escape(obj.__qualname__), _file(obj)
    where = f'<code data-elp="{obj.__module__}:{name}">{name}</code> in <code>{file}</code>'
    return f'<p class="elp-where">{where}</p>\n<div class="highlight-python">{code}</div>'


def code_of(obj: Any) -> str:
    """The dedented source that `listing` shows."""
    return textwrap.dedent(inspect.getsource(inspect.unwrap(_plain_function(obj)))).rstrip()


def _plain_function(obj: Any) -> Any:
    return getattr(obj, "func", obj)  # of a cached property


def _file(obj: Any) -> str:
    return f"{obj.__module__.replace('.', '/')}.py"


def emit(
    body: str, *, caption: str, alt: str, name: str, bundle: dict[str, Any] | None = None
) -> None:
    """Display the HTML of a figure and its caption; `bundle` adds what JupyterLab prefers to the
    HTML.
    """
    from IPython.display import display

    figure = f'<div class="elp-figure" role="group" aria-labelledby="cap-{name}">{body}</div>'
    display({"text/html": figure, "text/plain": alt, **(bundle or {})}, raw=True)
    style = "font-size:0.9em;max-width:46em"
    text = f'<p id="cap-{name}" class="elp-caption" style="{style}">{caption}</p>'
    display({"text/html": text, "text/plain": _plain(caption)}, raw=True)


def _encoder() -> type[json.JSONEncoder]:
    from plotly.utils import PlotlyJSONEncoder

    return PlotlyJSONEncoder


def _slim(value: Any) -> Any:
    """The figure with its 64-bit arrays stored in 32 bits: half the bytes, the same picture."""
    import numpy as np

    if isinstance(value, dict):
        if value.get("dtype") == "f8" and "bdata" in value:
            array = np.frombuffer(base64.b64decode(value["bdata"]), np.float64).astype(np.float32)
            return value | {"dtype": "f4", "bdata": base64.b64encode(array.tobytes()).decode()}
        return {key: _slim(item) for key, item in value.items()}
    return [_slim(item) for item in value] if isinstance(value, (list, tuple)) else value


def _plain(text: str) -> str:
    return html.unescape(re.sub(r"<[^>]+>", "", text))


def element_name(name: str, data: str, caption: str, alt: str) -> str:
    """The name in an element's id: a slug of `name`, or a digest of the content; raises ElpError
    without caption or alt.
    """
    if not caption.strip() or not alt.strip():
        raise ElpError("figure: give every figure a caption and an alt text")
    return (
        re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
        or hashlib.sha256(data.encode()).hexdigest()[:12]
    )
