"""Make the notebooks from their text twins: `python book/_tools/pairs.py [book/03-space.py ...]`
(default: every chapter).

The twin is the source. Each notebook is executed from its first cell to its last and written with
what does not change from run to run only: no timings, no random ids, no widget models of a kernel
that is gone.
"""

from __future__ import annotations

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

BOOK = Path(__file__).parents[1]
WIDGET = "application/vnd.jupyter.widget-view+json"


def make(twin: Path) -> str:
    """Execute one twin and write its notebook; returns "" or what went wrong."""
    start = time.time()
    notebook = jupytext.read(twin)
    notebook.metadata = nbformat.from_dict(
        {
            "jupytext": {"formats": "ipynb,py:percent"},
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        }
    )
    client = NotebookClient(
        notebook,
        timeout=300,
        record_timing=False,
        coalesce_streams=True,
        store_widget_state=False,
        resources={"metadata": {"path": str(BOOK)}},
    )
    try:
        client.execute()
    except CellExecutionError as error:
        number = next(
            i
            for i, c in enumerate(notebook.cells)
            if any(o.output_type == "error" for o in c.get("outputs", []))
        )
        where = f"{twin.name}, cell {number}:\n{notebook.cells[number].source}"
        return f"{where}\n-> {error.ename}: {error.evalue}"
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{number:02}"
        for output in cell.get("outputs", []):
            output.get("data", {}).pop(WIDGET, None)
            if output.get("name") == "stderr":
                return f"{twin.name}: cell {number} writes to stderr: {output.text.strip()[:400]}"
    notebook.metadata.language_info = {"name": "python"}  # the kernel adds its own version
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    target = twin.with_suffix(".ipynb")
    partial = target.with_suffix(".partial")
    nbformat.write(notebook, partial)
    partial.replace(target)
    size = sum(
        len(nbformat.v4.writes(nbformat.v4.new_notebook(cells=[c])))
        for c in notebook.cells
        if c.cell_type == "code"
    )
    seconds = time.time() - start
    print(
        f"{target.name}: {len(notebook.cells)} cells, {size / 1000:.0f} kB, {seconds:.0f} s",
        flush=True,
    )
    return ""


def main(names: list[str]) -> int:
    twins = [Path(n).with_suffix(".py") for n in names] or sorted(BOOK.glob("[0-9][0-9]*-*.py"))
    with ThreadPoolExecutor(2) as pool:  # the work is done in the kernels' processes
        problems = [p for p in pool.map(make, twins) if p]
    print(*problems, sep="\n", file=sys.stderr)
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
