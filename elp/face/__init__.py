"""The linear face model S(α, β) = S̄ + B_id α + B_exp β, and how it is fitted to tracked points."""

from elp.face.model import FaceModel

__all__ = ["FaceModel"]
