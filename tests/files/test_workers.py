"""How workers begin."""

from __future__ import annotations

import sys

import pytest

from elp.files.workers import no_main


def test_the_script_is_hidden_until_the_last_worker_has_begun(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    main = sys.modules["__main__"]
    monkeypatch.setattr(main, "__file__", "script.py", raising=False)
    spec, one, other = main.__spec__, no_main(), no_main()
    one.__enter__()
    other.__enter__()
    one.__exit__(None, None, None)
    assert not hasattr(main, "__file__") and main.__spec__ is None
    other.__exit__(None, None, None)
    assert main.__file__ == "script.py" and main.__spec__ is spec
