"""Components that work in JupyterLab and, over precomputed data, in the page without a kernel."""

from elp.book.widgets.explorer import listener

__all__ = ["listener"]
