"""The text of a table's file, whether it came plain or as gzip."""

from __future__ import annotations

import re
import zlib

from appliance.coding.tables.foreign import refuse_foreign
from appliance.coding.tables.refusal import wrong

MAX_BYTES = 256 << 20
# Characters that steer a terminal or turn the order of what is read: titles are shown to people.
CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069]")
GZIP = b"\x1f\x8b"


def plain(content: bytes, name: str, encoding: str = "utf-8", limit: int = MAX_BYTES, older: str = "") -> str:
    """The text; a byte order mark is taken off.

    Args:
        content: The file.
        name: Its name, for messages.
        encoding: How its publisher writes it.
        limit: Bytes that it may have when it is unpacked.
        older: How its publisher wrote it before; tried when it is not in `encoding`.

    Raises:
        TableFileError: damaged, too large, not in that encoding, or not text (with line and column).
    """
    if content.startswith(GZIP):
        opened = zlib.decompressobj(zlib.MAX_WBITS | 16)
        try:
            content = opened.decompress(content, limit)
        except zlib.error:
            raise wrong(name, 0, "the gzip file is damaged") from None
        if not opened.eof and (opened.unconsumed_tail or len(content) >= limit):
            raise wrong(name, 0, f"the gzip file holds more than {limit >> 20} MiB, the most that such a table has")
        if not opened.eof:
            raise wrong(name, 0, "the gzip file breaks off")
        if opened.unused_data.strip(b"\0"):
            # A second member may be the rest of the table: half of one is none.
            raise wrong(name, 0, "more stands behind the end of the gzip file; unpack it and give what was in it")
        refuse_foreign(content, name)
    content = content.removeprefix(b"\xef\xbb\xbf")
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        if older:
            return plain(content, name, older, limit)
        before = content[: error.start]
        line = before.count(b"\n") + 1
        column = error.start - (before.rfind(b"\n") + 1) + 1
        raise wrong(name, line, f"a byte that is not {encoding}", column=column) from None
    found = CONTROLS.search(text)
    if found:
        at = found.start()
        line, column = text.count("\n", 0, at) + 1, at - (text.rfind("\n", 0, at) + 1) + 1
        raise wrong(name, line, "a control character, which no table has", column=column, seen=found.group())
    return text
