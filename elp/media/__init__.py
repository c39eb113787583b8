"""Files in, arrays out: video, sound and tracked faces."""
