"""Builds default_face.npz, the face model that ships: `python -m experiments.face_model`.

Chapter "Parameter extraction".

1. Mean: MediaPipe 0.10.14's landmarks, kept in photograph.npz, of one public-domain photograph
   (scikit-image's astronaut, NASA) and of its mirror image, averaged, made symmetric, scaled to an
   interpupillary distance of 6.3 cm, turned upright; its smile is then undone and its lips closed
   by the proportions of Farkas (Anthropometry of the Head and Face, 1994): mouth 4.8 cm wide, nose
   to lips 2.1 cm, lips to chin 4.2 cm; lids, brows and mouth corners are settled by shares of the
   named directions.
2. Expression: the 28 named directions (`directions.py`), free of the skull's rigid motion and
   scale, made orthonormal symmetrically (Löwdin), then the 72 strongest modes of a smooth random
   field on the mesh's Laplacian eigenfunctions in what the named ones leave over.
3. Identity: the 80 strongest modes of smooth random fields over the whole face and of what passes
   for a resting expression.

The mesh's edges are MediaPipe's; they are taken from the model that ships.
"""
