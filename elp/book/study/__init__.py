"""A rating study of one's own, as in the paper's Table 4: the plan that each rater follows, the
file of answers, the analysis with intervals, and raters simulated with a known truth.

In: names of methods and speakers, answers. Out: plans, tables, intervals, power. The page that
raters see is `elp.book.widgets.rating`. Chapter "Your own study".
"""

from elp.book.study.analysis import attention, attentive, scores, strengths
from elp.book.study.answers import COLUMNS, gather, read, unblinded, write
from elp.book.study.design import QUESTIONS, SCALE, Study, Trial, williams
from elp.book.study.films import Films, drawn, films
from elp.book.study.power import power
from elp.book.study.raters import Truth, simulate

__all__ = [
    "COLUMNS",
    "QUESTIONS",
    "SCALE",
    "Films",
    "Study",
    "Trial",
    "Truth",
    "attention",
    "attentive",
    "drawn",
    "films",
    "gather",
    "power",
    "read",
    "scores",
    "simulate",
    "strengths",
    "unblinded",
    "williams",
    "write",
]
