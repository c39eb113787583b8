"""The linear face model S(α, β) = S̄ + B_id α + B_exp β, its points, directions and camera.

In: coefficients and a head pose. Out: vertices in centimetres, points in pixels. Chapter "Parameter
extraction".
"""

from elp.face.ict import from_ict
from elp.face.model import FaceModel

__all__ = ["FaceModel", "from_ict"]
