"""What simulated people really did: the cues that listeners answered, as the metrics of events take
them, and where people looked (chapter "Metrics").
"""

# T frame
from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from elp.corpus.format import Corpus
from elp.errors import ElpError
from elp.metrics.events import Cues, flags
from elp.motion import FPS
from elp.simulator.dyads import CLIP, PREROLL, _meeting, conversation
from elp.simulator.gaze import LISTENING, SPEAKING, looks
from elp.simulator.speaker import per_frame
from elp.simulator.speech import low_pitch_cues


def knows(corpus: Corpus) -> bool:
    """Whether this simulator made the corpus, so that it can tell what was meant."""
    try:
        _meeting(corpus, str(corpus.index["clip"].iloc[0]))
    except ElpError:
        return False
    return True


def true_cues(corpus: Corpus, pair: Any) -> Cues:
    """Cues of the speaker of a simulated pair, from the plan of speech instead of the sound.

    Raises:
        ElpError: the corpus was not simulated, or by another version of the simulator.
    """
    meeting, seed = _meeting(corpus, pair.clip)
    speech, frames = conversation(meeting, seed).speech, int(pair.length)
    talking = per_frame(speech.talking.astype(np.float64), PREROLL + frames)[PREROLL:]
    begun = PREROLL / FPS
    return Cues(
        low_pitch=flags(low_pitch_cues(speech) - begun, frames),
        phrase_ends=flags(speech.phrases[:, 1] - begun, frames),
        talking=talking > 0.5,
    )


def gaze(corpus: Corpus, pair: Any) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Whether speaker and listener of a simulated pair look at each other's face: (T,) each, true
    to people's shares and lengths, and drawn beside the motion, which carries no eyes.
    """
    meeting, seed = _meeting(corpus, pair.clip)
    rng = np.random.default_rng([seed, CLIP, meeting.number, 3])
    frames = int(pair.length)
    return looks(rng, frames, SPEAKING), looks(rng, frames, LISTENING)
