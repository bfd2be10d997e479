"""Files that a practice gives by mistake: the archive around the table, a workbook, a web page. Each is told by name.

Read as text they would be refused all the same, at a byte in line 1 that helps nobody.
"""

from __future__ import annotations

import re

from appliance.coding.tables.refusal import wrong

_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_PAGE = re.compile(rb"\s*(?:<!--.{0,200}?-->\s*)?<(?:!doctype\s+html|html)\b", re.IGNORECASE | re.DOTALL)
# First bytes of formats (their publishers' specifications), and what to do with such a file.
_FORMATS = (
    (b"%PDF-", "a PDF document; the table is another file beside it"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a document of an office program; save the sheet as CSV in UTF-8"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive; unpack it and give the file in it"),
    (b"Rar!\x1a\x07", "a RAR archive; unpack it and give the file in it"),
    (b"BZh", "packed with bzip2; unpack it"),
    (b"\xfd7zXZ\x00", "packed with xz; unpack it"),
    (b"\x28\xb5\x2f\xfd", "packed with zstd; unpack it"),
)  # fmt: skip
_ZIP = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
_WORKBOOK = (b"xl/", b"[Content_Types].xml", b"mimetypeapplication/vnd.oasis")
_HEAD_BYTES = 4096


def refuse_foreign(content: bytes, name: str) -> None:
    """Raise TableFileError for what is empty, packed otherwise than with gzip, or no text of a table at all."""
    head = content[:_HEAD_BYTES]
    if not head.strip():
        raise wrong(name, 0, "the file is empty" if not content else "the file begins with nothing but blanks")
    if head.startswith(_ZIP):
        if any(each in head for each in _WORKBOOK):
            raise wrong(name, 0, "a workbook of a spreadsheet program; save the sheet as CSV in UTF-8")
        raise wrong(name, 0, "a zip archive; unpack it and give the file of the table that lies in it")
    for first, told in _FORMATS:
        if head.startswith(first):
            raise wrong(name, 0, told)
    # XML names its encoding itself, and its reader knows UTF-16.
    if head.startswith(_UTF_16) and b"<" not in head[2:4]:
        raise wrong(name, 0, 'text in UTF-16, as "Unicode text" of a spreadsheet program is; save it as CSV in UTF-8')
    if _PAGE.match(head):
        raise wrong(name, 0, "a page of a web site, not the file that it offers; download the file again")
