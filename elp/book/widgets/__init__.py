"""Components that work in JupyterLab and, without a kernel, in the page."""

from elp.book.widgets.listener import Listener, Talk, page, show, talk
from elp.book.widgets.live import LiveListener
from elp.book.widgets.map import clip_map
from elp.book.widgets.methods import Number, browse
from elp.book.widgets.story import Frame, story

__all__ = [
    "Frame",
    "Listener",
    "LiveListener",
    "Number",
    "Talk",
    "browse",
    "clip_map",
    "page",
    "show",
    "story",
    "talk",
]
