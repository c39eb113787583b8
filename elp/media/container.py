"""Media files, opened to be read (chapter "Parameter extraction")."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from elp.errors import ElpError

# codecs of photographs, which some videos are made of, too
STILLS = {"bmp", "gif", "jpeg2000", "jpegls", "mjpeg", "png", "tiff", "webp"}
# pixels of a picture: beyond 8K; some decoders hold twenty pictures at once
LARGEST = 36_000_000


@contextlib.contextmanager
def opened(path: str | Path) -> Iterator[Any]:
    """The file as a PyAV container; raises ElpError for a missing or unreadable one."""
    _check(Path(path))
    broken = "it is corrupt, cut off or of another kind; copy or convert it again"
    with _open(url(path), f"{path}: not a readable video: {broken}") as container:
        yield container


@contextlib.contextmanager
def piped(address: str, name: str) -> Iterator[Any]:
    """What another program writes, as a PyAV container; waits for its beginning.

    Args:
        address: as FFmpeg takes it. name: for what is said.

    Raises:
        ElpError: it cannot be read as it comes.
    """
    kinds = "pipe MPEG-TS or Matroska (ffmpeg ... -f mpegts -)"
    with _open(address, f"{name}: no video that can be read as it comes: {kinds}") as container:
        yield container


def _open(address: str, broken: str) -> Any:
    import av

    # a title in another encoding than UTF-8 is no reason to refuse what it names
    limits = {"max_pixels": str(LARGEST)}
    try:
        return av.open(address, options=limits, metadata_errors="replace")
    except (av.error.FFmpegError, OSError) as error:
        raise ElpError(broken) from error


def url(path: str | Path) -> str:
    """The file's name as FFmpeg takes it: it reads "12:30.mp4" as an address otherwise."""
    return f"file:{path}"


def _check(path: Path) -> None:
    try:
        if path.is_file():
            return
        what = "no such file"
        if path.is_dir():
            what = "a folder"
        elif path.exists():
            what = "a pipe or a device"  # it would be waited for, or never end
    except (OSError, ValueError):
        what = "not a file name"
    raise ElpError(f"{path}: {what}: give the name of a video")


def pictures_of(container: Any, path: str | Path) -> Any:
    """The video track that FFmpeg would show: no cover, no thumbnail.

    Raises ElpError where there is none, or its pictures are too large.
    """
    stream = container.streams.best("video")
    if stream is None:
        raise ElpError(f"{path}: no pictures in it, only sound: give a video")
    if _codec(stream) in STILLS:  # a cover that is marked as the track to show
        moving = [s for s in container.streams.video if _codec(s) not in {None, *STILLS}]
        stream = moving[0] if moving else stream
    if stream.codec_context is None:
        raise ElpError(f"{path}: its pictures are of an unknown kind: convert it to H.264")
    width, height = stream.codec_context.width, stream.codec_context.height
    if width * height > LARGEST:
        raise ElpError(
            f"{path}: its pictures have {width}x{height} pixels, 8192x4320 are read at most: "
            "make it smaller"
        )
    stream.codec_context.options = {"max_pixels": str(LARGEST)}
    return stream


def _codec(stream: Any) -> str | None:
    return None if stream.codec_context is None else stream.codec_context.name


def sound_of(container: Any) -> Any | None:
    """The sound track that FFmpeg would play: the one marked as default; None without sound."""
    stream = container.streams.best("audio")
    return stream if stream is not None and stream.codec_context is not None else None
