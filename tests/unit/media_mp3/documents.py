"""Files that come with a product."""

import io
import zipfile

from PIL import Image


def image(kind):
    written = io.BytesIO()
    Image.new("RGB", (30, 20), "teal").save(written, kind)
    return written.getvalue()


def archive(**files):
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as target:
        for name, content in files.items():
            target.writestr(name, content)
    return written.getvalue()


PDF = b"%PDF-1.4\n1 0 obj << /Type /Pages >> endobj\n%%EOF\n"
ZIP = archive(drums="boom", bass="dum")
