"""The one error that a user of `elp` meets when the input is at fault."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator


class ElpError(ValueError):
    """Bad input, said in one sentence that tells what to do; the command line turns it into exit
    code 2.
    """


@contextlib.contextmanager
def one_sentence() -> Iterator[None]:
    """What a script does: an `ElpError` ends it with its sentence on stderr and exit code 2."""
    try:
        yield
    except ElpError as error:
        print(f"elp: {error}", file=sys.stderr)
        sys.exit(2)
