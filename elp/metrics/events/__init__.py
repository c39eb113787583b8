"""Metrics that see whether a listener answers cues: arrays in, per-clip terms and reducers of their
sums out (chapter "Metrics").
"""

from elp.metrics.events.blinks import at_breakpoint, blink_starts, blink_terms, off_breakpoint
from elp.metrics.events.columns import cued, head_and_lids
from elp.metrics.events.cues import Cues, find_cues, low_pitch
from elp.metrics.events.explained import explained_terms, seed_share, speaker_share
from elp.metrics.events.lids import (
    interval_terms,
    length_terms,
    median_interval,
    median_length,
    single_frame,
    soon_again,
)
from elp.metrics.events.modulation import flags, following, modulation_terms, ratio
from elp.metrics.events.nods import nod_power, nod_terms, phrase_nod_terms, swings
from elp.metrics.events.smiles import smile_onsets, smile_spans, smile_terms
from elp.metrics.events.spectra import (
    AXES,
    BANDS,
    REST,
    band_power,
    band_terms,
    median_speed,
    rest_share,
    speed_terms,
)
from elp.metrics.events.timescales import (
    autocorrelation,
    autocorrelation_terms,
    autocorrelation_time,
    slow_share,
    slow_terms,
)

__all__ = [
    "AXES",
    "BANDS",
    "REST",
    "Cues",
    "at_breakpoint",
    "autocorrelation",
    "autocorrelation_terms",
    "autocorrelation_time",
    "band_power",
    "band_terms",
    "blink_starts",
    "blink_terms",
    "cued",
    "explained_terms",
    "find_cues",
    "flags",
    "following",
    "head_and_lids",
    "interval_terms",
    "length_terms",
    "low_pitch",
    "median_interval",
    "median_length",
    "median_speed",
    "modulation_terms",
    "nod_power",
    "nod_terms",
    "off_breakpoint",
    "phrase_nod_terms",
    "ratio",
    "rest_share",
    "seed_share",
    "single_frame",
    "slow_share",
    "slow_terms",
    "smile_onsets",
    "smile_spans",
    "smile_terms",
    "soon_again",
    "speaker_share",
    "speed_terms",
    "swings",
]
