"""Audio: ffmpeg as a limited process of its own, and the formats that it makes. Files belong to plugins.

`ffmpeg` finds and runs the program; `limited_program` limits the process before it becomes ffmpeg. `formats`
has the core's formats, and `encoding` makes a file of a format, with tags and a cover.
"""
