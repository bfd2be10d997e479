"""Server-sent events of a draft (WHATWG HTML, 9.2): a name and one line of JSON each."""

import json
from typing import Any

from appliance.drafting.events import Begun, Dropped, StatementDone, Text


def sse(name: str, data: dict[str, Any]) -> bytes:
    """Return one event."""
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False, separators=(',', ':'))}\n\n".encode()


def of_text(event: Text) -> bytes:
    """Return a preview of a sentence; the most frequent event, so it is built by hand."""
    return b'event: text\ndata: {"section":%s,"delta":%s,"part":%d}\n\n' % (
        json.dumps(event.section).encode(), json.dumps(event.delta, ensure_ascii=False).encode(), event.part,
    )  # fmt: skip


def of_begun(event: Begun, document: str | None) -> bytes:
    """Return what the draft is made of, and what stood out in the sources."""
    return sse(
        "begun",
        {
            "document": document,
            "kind": event.kind.value,
            "template": event.template,
            "template_sha256": event.template_sha256,
            "prompt_sha256": event.prompt_sha256,
            "model": event.model.name,
            "model_sha256": event.model.sha256,
            "parts": [
                {
                    "index": part.index, "tokens": part.tokens, "exact": part.exact,
                    "pieces": [{"source": one.source, "start": one.start, "end": one.end} for one in part.pieces],
                }
                for part in event.parts
            ],
            "suspects": [
                {"source": one.source, "start": one.start, "end": one.end, "rule": one.rule} for one in event.suspects
            ],
            "neutralised": event.neutralised,
            "fence": event.series.fence,
        },
    )  # fmt: skip


def of_statement(event: StatementDone) -> bytes:
    """Return a whole sentence with its evidence."""
    return sse(
        "statement",
        {"section": event.section, "part": event.part, "statement": event.statement.model_dump(mode="json")},
    )


def of_dropped(event: Dropped) -> bytes:
    """Return that a preview is no statement."""
    return sse("dropped", {"section": event.section, "reason": event.reason, "part": event.part})
