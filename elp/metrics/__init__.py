"""Metrics of listener motion: arrays in, floats out. Each metric is one file: its formula as terms
of single clips and a reducer, its direction, its unit, its convention (chapter "Metrics").
"""

from elp.metrics.absolute import l1_distance
from elp.metrics.blinks import blink_wtlcc
from elp.metrics.chance import chance
from elp.metrics.controls import BREAKAGES
from elp.metrics.correlation import lagged, pcc, pcc_flat, pearson, rpcc
from elp.metrics.dtw import dtw
from elp.metrics.entropy import EXPRESSION_CLUSTERS, POSE_CLUSTERS, cluster, entropy
from elp.metrics.evaluate import CONVENTIONS, FITTED, evaluate
from elp.metrics.frechet import frechet, frechet_pooled, paired_frechet
from elp.metrics.gain import gain, gain_terms
from elp.metrics.gaussian import Gaussian, barycentre, gaussian_distance, gaussian_terms
from elp.metrics.metric import ARROWS, MAX_LAG, WINDOW, Case, Metric
from elp.metrics.react import ccc, fr_corr, fr_dist, fr_div, fr_dvs, fr_syn, fr_var
from elp.metrics.registry import METRICS, TABLED, added, measured, metric_of
from elp.metrics.squared import mse
from elp.metrics.sts import sts
from elp.metrics.variance import variance, variance_flat
from elp.metrics.windows import correlograms
from elp.metrics.wtlcc import Correlogram, wtlcc

__all__ = [
    "ARROWS",
    "BREAKAGES",
    "CONVENTIONS",
    "EXPRESSION_CLUSTERS",
    "FITTED",
    "MAX_LAG",
    "METRICS",
    "POSE_CLUSTERS",
    "TABLED",
    "WINDOW",
    "Case",
    "Correlogram",
    "Gaussian",
    "Metric",
    "added",
    "barycentre",
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
    "measured",
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
