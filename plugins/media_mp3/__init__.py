"""MP3 recordings as products: upload, validation, storage and streaming.

To enable it for an organisation, add ``media_mp3`` to ``plugins`` in its ini file. A section
``[media_mp3]`` is optional. Why an upload is refused: docs/mp3-upload-debugging-guide.md.
"""
