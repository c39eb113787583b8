"""Packages of the extra `live`, which load when they are used."""

from __future__ import annotations

import importlib
from typing import Any

from elp.errors import ElpError


def needed(module: str, package: str, what: str) -> Any:
    """The module; raises ElpError, what needs it and how to get it, where it is missing."""
    try:
        return importlib.import_module(module)
    except (ImportError, OSError, RuntimeError) as error:  # a library that it wraps is missing
        raise ElpError(
            f'{what} needs {package} ({error}): pip install -e ".[live]" in the clone'
        ) from error
