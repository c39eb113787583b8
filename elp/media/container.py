"""Media files, opened to be read (chapter "Parameter extraction")."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from elp.errors import ElpError


@contextlib.contextmanager
def opened(path: str | Path) -> Iterator[Any]:
    """The file as a PyAV container; raises ElpError for a missing or unreadable one."""
    import av

    if not Path(path).is_file():
        raise ElpError(
            f"{path}: {'a folder' if Path(path).is_dir() else 'no such file'}: "
            "give the name of a video"
        )
    try:
        container = av.open(str(path))
    except (av.error.FFmpegError, OSError) as error:
        raise ElpError(
            f"{path}: not a readable video: "
            "it is corrupt, cut off or of another kind; copy or convert it again"
        ) from error
    with container:
        yield container
