"""What nobody should have to bear: damaged files, full disks, signals, two at once, a long stream.

`make hostile` runs it, about a quarter of an hour, and writes report.json; no other target does.
"""
