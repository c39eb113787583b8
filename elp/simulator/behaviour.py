"""What distinguishes the versions of the simulator: how often people answer, what their moods do,
how still they sit (chapter "Simulated dyads").

A version is frozen once a corpus has been made with it: another number is another version.
"""

from __future__ import annotations

from dataclasses import dataclass

from elp.errors import ElpError


@dataclass(frozen=True, kw_only=True)
class Answering:
    """Chances that a listener who misses nothing answers a cue of each kind."""

    low_pitch: float
    pause: float
    smile: float
    raised_brows: float


@dataclass(frozen=True, kw_only=True)
class Affect:
    """Valence that changes within a conversation; 1 is the distance between two named moods.

    Attributes:
        tau: s, in which the correlation of a person's valence with itself falls to 1/e.
        sigma: its standard deviation about the named mood.
        shared: correlation of the listener's valence with what has reached it of the speaker's.
        catching: s, time constant with which the speaker's valence reaches the listener.
        wide: smile (or frown) of a valence of 1 (or -1), in parts of the full movement.
        echo: part of version 1's quick echo of smiles and frowns that stays.
    """

    tau: float
    sigma: float
    shared: float
    catching: float
    wide: float
    echo: float


@dataclass(frozen=True, kw_only=True)
class Rests:
    """Episodes in which the head is held.

    Attributes:
        still: mean length in s.
    """

    still: float


@dataclass(frozen=True, kw_only=True)
class Behaviour:
    """One version of the simulator.

    Attributes:
        version: its number, as in a corpus's card.
        answering: chances of answers.
        affect: None: a mood is constant, and its expression comes and goes by itself.
        rests: None: a head never rests.
        tremble: degrees, tracking noise of the head's angles.
        apart: s, least distance between blinks.
    """

    version: int
    answering: Answering
    affect: Affect | None
    rests: Rests | None
    tremble: float
    apart: float


BEHAVIOURS = {
    1: Behaviour(
        version=1,
        answering=Answering(low_pitch=0.85, pause=0.5, smile=0.45, raised_brows=0.4),
        affect=None,
        rests=None,
        tremble=0.2,
        apart=0.4,
    ),
    # tau, shared and catching are fitted on the training dyads of VC-resolution
    # (experiments/simulator_fit.py); the rest is chosen: about ten gestures a minute, six of them
    # nods, moods that show as widely as before, heads that rest as much as people who sit quietly
    2: Behaviour(
        version=2,
        answering=Answering(low_pitch=0.4, pause=0.2, smile=0.2, raised_brows=0.15),
        affect=Affect(tau=2.7, sigma=0.5, shared=0.3, catching=1.5, wide=0.42, echo=0.3),
        rests=Rests(still=4.0),
        tremble=0.08,
        apart=0.5,
    ),
}


def behaviour(version: int) -> Behaviour:
    """The behaviour of a version; raises ElpError for one that does not exist."""
    if version not in BEHAVIOURS:
        known = ", ".join(map(str, BEHAVIOURS))
        raise ElpError(f"no version {version} of the simulator: choose one of {known}")
    return BEHAVIOURS[version]
