"""Sets of clips: what is unseen in one is unseen in all that are measured together."""

from __future__ import annotations

import numpy as np
import pytest

from elp.errors import ElpError
from elp.metrics.clips import aligned


def test_clips_that_were_checked_with_others_are_checked_again() -> None:
    one = np.ones((1, 5, 2))
    hole = one.copy()
    hole[0, 3] = np.nan
    (a, _), (b, _) = aligned(x=one, y=one), aligned(x=hole, y=hole)
    for clips in aligned(x=a, y=b):
        assert np.isnan(clips[0]).all(1).tolist() == [False] * 3 + [True, False]
    (longer, _) = aligned(x=np.ones((1, 6, 2)), y=np.ones((1, 6, 2)))
    with pytest.raises(ElpError, match="same shape"):
        aligned(x=a, y=longer)
