"""Metrics of listener motion: arrays in, floats out, each with its convention and direction
declared (chapter "Metrics").
"""

from elp.metrics.controls import BREAKAGES
from elp.metrics.distance import dtw, mse, sts
from elp.metrics.diversity import (
    EXPRESSION_CLUSTERS,
    POSE_CLUSTERS,
    cluster,
    entropy,
    variance,
    variance_flat,
)
from elp.metrics.evaluate import CONVENTIONS, blink_scores, evaluate
from elp.metrics.frechet import (
    Gaussian,
    barycentre,
    frechet,
    frechet_pooled,
    gaussian_distance,
    gaussian_terms,
    l1_distance,
    paired_frechet,
)
from elp.metrics.react import ccc, fr_corr, fr_dist, fr_div, fr_dvs, fr_syn, fr_var
from elp.metrics.registry import ARROWS, METRICS, Metric, metric_of
from elp.metrics.synchrony import (
    MAX_LAG,
    WINDOW,
    Correlogram,
    blink_wtlcc,
    chance,
    correlograms,
    gain,
    gain_terms,
    lagged,
    pcc,
    pcc_flat,
    pearson,
    rpcc,
    wtlcc,
)

__all__ = [
    "ARROWS",
    "BREAKAGES",
    "CONVENTIONS",
    "EXPRESSION_CLUSTERS",
    "MAX_LAG",
    "METRICS",
    "POSE_CLUSTERS",
    "WINDOW",
    "Correlogram",
    "Gaussian",
    "Metric",
    "barycentre",
    "blink_scores",
    "blink_wtlcc",
    "ccc",
    "chance",
    "cluster",
    "correlograms",
    "dtw",
    "entropy",
    "evaluate",
    "fr_corr",
    "fr_dist",
    "fr_div",
    "fr_dvs",
    "fr_syn",
    "fr_var",
    "frechet",
    "frechet_pooled",
    "gain",
    "gain_terms",
    "gaussian_distance",
    "gaussian_terms",
    "l1_distance",
    "lagged",
    "metric_of",
    "mse",
    "paired_frechet",
    "pcc",
    "pcc_flat",
    "pearson",
    "rpcc",
    "sts",
    "variance",
    "variance_flat",
    "wtlcc",
]
