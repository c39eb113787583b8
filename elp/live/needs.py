"""Packages of the extra `live`, which load when they are used."""

from __future__ import annotations

import importlib
from typing import Any

from elp.errors import ElpError


def needed(module: str, package: str, what: str, otherwise: str = "") -> Any:
    """The module; raises ElpError, what needs it and how to get it or do without (`otherwise`),
    where it is missing.
    """
    try:
        return importlib.import_module(module)
    except (ImportError, OSError, RuntimeError) as error:
        get = 'pip install -e ".[live]" in the clone'
        if not isinstance(error, ImportError):  # it is there, and the library that it wraps is not
            get = "install that library with your system's package manager"
        raise ElpError(f"{what} needs {package} ({error}): {get}{otherwise}") from error
