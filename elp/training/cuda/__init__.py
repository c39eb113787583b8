"""What makes a training step fast on CUDA and changes nothing of what it computes: layers that are
put into the half-precision copy, streams, and the whole step as one graph.
"""
