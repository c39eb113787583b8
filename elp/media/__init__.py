"""Files in, arrays out: pictures, sound and tracked face points, and video out.

In: any file that FFmpeg reads. Out: RGB frames at 25 per second, samples at 16 kHz, 29 MFCC a
frame, face points in pixels. Chapter "Parameter extraction".
"""
