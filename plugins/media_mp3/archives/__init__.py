"""Archives: a whole release as one ZIP file in one format, which is put together while it is sent.

`domain` computes the bytes around the members, `names` and `credit_notes` what people read, and `services`
finds the members. `jobs` computes the checksums of files that were stored before there were any.
"""
