"""Components that work in JupyterLab and, over precomputed data, in the page without a kernel."""

from elp.widgets.listener import listener

__all__ = ["listener"]
