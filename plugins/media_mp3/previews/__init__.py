"""Previews: what visitors hear of a track before they buy it.

`domain` decides which part, `formats` how it is made. The worker makes it like a rendition, see
`media_mp3.renditions`; `services` finds the finished one.
"""
