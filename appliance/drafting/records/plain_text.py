"""Reads a record that is plain text: a passage for each line, pages where form feeds part them."""

from appliance.clinical.source import MAX_SOURCE_CHARS, Passage, Source
from appliance.drafting.records.errors import RecordRefusedError

_HINT = "send plain UTF-8 text"


def read_text(data: bytes, *, identifier: str = "record") -> Source:
    """Return the source. Raises RecordRefusedError for what is no text, or too long."""
    if len(data) > 4 * MAX_SOURCE_CHARS:
        raise RecordRefusedError(f"the text has {len(data):,} bytes", hint=_HINT, code="record_too_long")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise RecordRefusedError("the text is not UTF-8", hint=_HINT, code="record_invalid") from None
    if "\0" in text:
        raise RecordRefusedError("the text holds NUL bytes: it is some other format", hint=_HINT, code="record_invalid")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if len(text) > MAX_SOURCE_CHARS:
        raise RecordRefusedError(
            f"the text has {len(text):,} characters; at most {MAX_SOURCE_CHARS:,} are read",
            hint="send the years that matter",
            code="record_too_long",
        )
    if not text.strip():
        raise RecordRefusedError("the text is empty", hint=_HINT, code="record_invalid")
    passages, at, page = [], 0, 1
    paged = "\f" in text
    for number, line in enumerate(text.split("\n"), 1):
        stripped = line.strip()
        page += line[: len(line) - len(line.lstrip())].count("\f")
        if stripped:
            start = at + line.index(stripped)
            label = f"Page {page}" if paged else f"Line {number}"
            passages.append(Passage(start=start, end=start + len(stripped), label=label))
        page += stripped.count("\f") + line[len(line.rstrip()) :].count("\f") if stripped else 0
        at += len(line) + 1
    return Source(id=identifier, kind="record", text=text, passages=tuple(passages))
