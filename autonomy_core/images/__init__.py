"""Images that staff upload: covers of products, and whatever plugins have images of.

An upload is inspected and scaled in a limited child process (`processing`, `pillow_processor`), stored by its
content (`services`), and served by public URLs that never change (`views`). A thing without an image has a
`placeholder`. A periodic job removes images that nothing uses (`collecting`).
"""
