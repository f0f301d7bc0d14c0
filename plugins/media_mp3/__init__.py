"""MP3 recordings as products: upload, validation, storage and streaming."""
