"""A visit for a person: the note with the words of the transcript that support each statement."""

from __future__ import annotations

from typing import Any

from rich.table import Table

from fleetctl.errors import printable
from fleetctl.lab.visit import statements

_QUOTE_CHARACTERS = 160


def visit_table(visit: dict[str, Any]) -> Table:
    """One row a statement; below, who signed and what proves it."""
    signature, proof = visit["signature"], visit["proof"]
    table = Table(
        "section",
        "statement",
        "said in the visit",
        title=f"Visit note of encounter {visit['encounter']}",
        caption=printable(
            f"signed by {signature['subject']} at {signature['at']}; entry {proof['index']} of {proof['size']} in the "
            f"audit log, proof {proof['verdict']}"
        ),
        show_lines=True,
    )
    text = visit["transcript"]["text"] or ""
    for title, statement in statements(visit["document"]):
        table.add_row(printable(title), printable(statement["text"]), printable(_sources(statement, text)))
    return table


def _sources(statement: dict[str, Any], text: str) -> str:
    if statement.get("author") == "template":
        return "(from the recorded consent events)"
    grounding = statement.get("grounding") or {}
    quotes = [text[place["start"] : place["end"]].strip() for place in grounding.get("evidence", ())]
    words = "\n".join(f"“{quote[:_QUOTE_CHARACTERS]}”" for quote in quotes if quote)
    if grounding.get("status") != "supported":
        return f"{words}\n(not supported: acknowledged by the clinician)".strip()
    return words
