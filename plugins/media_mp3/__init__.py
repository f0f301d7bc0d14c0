"""MP3 recordings as products: upload, validation, storage and streaming.

Switch it on for an organisation by naming ``media_mp3`` under ``plugins`` in its ini file; a section
``[media_mp3]`` is optional. Why an upload is refused: docs/mp3-upload-debugging-guide.md.
"""
