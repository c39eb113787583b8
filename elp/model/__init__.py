"""The Adaptive Space Encoder (chapters "Style features", "Base, Transformed, U" and "Training")."""

from elp.model.ase import ASE, ASEConfig

__all__ = ["ASE", "ASEConfig"]
