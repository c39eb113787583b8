"""Bring JavaScript from packages, npm and `elp` to where pages find it; git ignores all of it.

    python book/_tools/vendor.py            plotly.js, MathJax, the listener that runs in the
                                            pages of the offline book, and what finds its reader's
                                            face, into book/_vendor/
    python book/_tools/vendor.py tracker    the last of these alone
    python book/_tools/vendor.py runtime    ONNX Runtime for the browser, of the exported
                                            decoder's test, into book/_runtime/

What `elp` makes is made again when something changed that it is made of. plotly.js lies in the
plotly wheel; npm comes as `elp.book.widgets.runtime` says.
"""

from __future__ import annotations

import hashlib
import shutil
import sys
from pathlib import Path

from elp.book.widgets import runtime
from elp.book.widgets.runtime import Package, npm
from elp.errors import one_sentence

import executions

# Sphinx copies what _vendor holds to the site's root
VENDOR = Path(__file__).parents[1] / "_vendor" / "vendor"
# not under _vendor: no page of the book needs its twelve megabytes
RUNTIME = Path(__file__).parents[1] / "_runtime"


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

    target.write_text(script(runtime.fetch()), encoding="utf-8", newline="")


def own() -> None:
    """Write what `elp` makes, unless it was made of the same sources."""
    paths = [VENDOR / f"{name}.js" for name in ("listener", "talk", "portrait", "tracker")]
    made, this = RUNTIME / "made", hashlib.sha256(Path(__file__).read_bytes()).hexdigest()
    of = f"{executions.fingerprint()} {this}"
    runtime.fetch()  # kernels need it, too
    if all(path.exists() for path in [made, *paths]) and made.read_text(encoding="utf-8") == of:
        return
    listener(*paths[:3])
    tracker(paths[3])
    RUNTIME.mkdir(parents=True, exist_ok=True)
    made.write_text(of, encoding="utf-8")


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
    own()
    npm(MATHJAX, VENDOR / "tex-svg.js")


if __name__ == "__main__":
    with one_sentence():
        main(" ".join(sys.argv[1:]))
