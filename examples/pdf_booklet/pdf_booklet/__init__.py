"""A product comes with a booklet: a PDF that the staff upload, and that customers who own the product read.

Enable it by naming ``pdf_booklet`` under ``plugins`` in an organisation's ini file; a section
``[pdf_booklet]`` is optional.
"""
