"""Audio: runs ffmpeg as a limited process of its own. Formats and their files belong to plugins.

`ffmpeg` finds and runs the program; `limited_program` limits the process before it becomes ffmpeg.
"""
