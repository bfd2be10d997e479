"""What codes a note names, in every form that the tabular list writes them in."""

from __future__ import annotations

import re

import pytest

from appliance.coding.note_references import among, references
from appliance.coding.tables.builtin import built_in_table


@pytest.mark.parametrize(
    ("note", "inside", "outside"),
    [
        ("type 1 diabetes mellitus (E10.-)", ["E10.9", "E1065"], ["E11.9", "E1"]),
        ("tuberculous enteritis (A18.32)", ["A18.32"], ["A18.3", "A18.39"]),
        ("toxic effect (T61-T62)", ["T61.01XA", "T62.9X1A"], ["T60.0X1A", "T63.0"]),
        ("hookworm (B76.0-B76.9)", ["B76.0", "B76.9"], ["B77.0"]),
        ("occlusion (I63.3-I63.5-)", ["I63.30", "I63.59"], ["I63.6", "I63.20"]),
        ("pregnancy (O00-O9A)", ["O00.0", "O9A.111", "O99.4"], ["P00.0", "N99.1"]),
        ("sepsis (T80.22-, T80.29-)", ["T80.22XA", "T80.29XD"], ["T80.21XA"]),
        ("open fracture (S32.1--S32.9 with 7th character B)", ["S32.10XB"], ["S32.10XA", "S31.0XXB"]),
        (
            "drug (T36-T50 with fifth or sixth character 5)",
            ["T36.0X5A", "T45.515A"],
            ["T36.0X1A", "T51.0X5A", "T45.511A"],
        ),
        ("poisoning (T36-T65 with fifth or sixth character 1-4)", ["T36.0X1A", "T40.414A"], ["T36.0X5A", "T45.515A"]),
        ("amyotrophy (E08-E13 with .44)", ["E11.44"], ["E11.9", "E11.64", "E11.3544"]),
        ("polyneuropathy in leprosy (QA0.01-)", ["QA0.0101"], ["QA0.1"]),
        ("fluency disorder (I69. with final characters -23)", ["I69.023", "I69.323"], ["I69.021"]),
        ("organism (B95, B96)", ["B95.0", "B96.20"], ["B97.0"]),
        ("mental disorders (F70-F79) of any kind, gout (M1A.-)", ["F70", "M1A.00X0"], ["M10.0", "F80"]),
        ("injury (S06.0-)", ["S06.0X0A"], ["S06.1X0A"]),
    ],
)
def test_named_codes(note: str, inside: list[str], outside: list[str]) -> None:
    ranges = references(note)
    assert [among(code, ranges) for code in inside] == [True] * len(inside)
    assert [among(code, ranges) for code in outside] == [False] * len(outside)


@pytest.mark.parametrize(
    "note",
    [
        "underlying disease",
        "hypertension (arterial) (benign)",
        "Acute nephritic syndrome (with C3 glomerulopathy)",
        "code (Chapter 20) to identify external cause",
        "glutaric aciduria (type 1) NOS",
        "something (S02.- with open fracture of a kind)",
        "backwards (E13-E08)",
        "(" * 500,
    ],
)
def test_what_names_no_code_names_none(note: str) -> None:
    assert references(note) == ()


def test_nearly_every_code_in_parentheses_is_read() -> None:
    """Of the notes of the whole list that have a code in parentheses: those that are not understood are counted."""
    notes = {
        note.text for entry in built_in_table().entries() for note in entry.notes
        if note.kind in ("excludes1", "code_first") and re.search(r"\([A-Z][0-9][0-9A-Z]", note.text)
    }  # fmt: skip
    unread = sorted(text for text in notes if not references(text))
    assert len(notes) > 2000
    assert len(unread) <= 0.01 * len(notes), unread
