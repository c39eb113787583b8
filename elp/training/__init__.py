"""Eq 3 to 7: losses, recipes, the sampler of clips and the trainer.

In: a corpus and a recipe. Out: a checkpoint, its log and its card. Chapter "Training".
"""

from elp.training.run import train

__all__ = ["train"]
