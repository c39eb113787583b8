"""Section 3.4 as the paper has it: a network that draws a portrait making the motion of a mesh,
trained on simulated people (or a folder of videos).

In: a portrait and two views of its mesh. Out: pictures. Chapter "The renderer".
"""
