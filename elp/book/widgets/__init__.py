"""Components that work in JupyterLab and, without a kernel, in the page."""

from elp.book.widgets.listener import Listener, Talk, page, show, talk

__all__ = ["Listener", "Talk", "page", "show", "talk"]
