"""Sections and sentences of a note, whatever form its headers have."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.coding.headers import key_of
from appliance.coding.sections import layout, segments


def read(text: str) -> list[tuple[str, str]]:
    return [(one.section, text[one.start : one.end]) for one in segments(text)]


@pytest.mark.parametrize(
    "header",
    [
        "FAMILY HISTORY\nMother had asthma.", "Family History:\nMother had asthma.", "FH: Mother had asthma.",
        "## Family history\nMother had asthma.", "**Family History:** Mother had asthma.", "FHx: Mother had asthma.",
        "4. FAMILY HISTORY: Mother had asthma.", "Family history - Mother had asthma.",
        "FAMILY HISTORY Mother had asthma.", "  - Family Hx:\n    Mother had asthma.",
        "family history\r\nMother had asthma.",
        "The patient is well. FH: Mother had asthma.", "Pertinent family history: Mother had asthma.",
    ],
)  # fmt: skip
def test_a_header_in_any_form_opens_its_section(header: str) -> None:
    assert read(header)[-1] == ("family_history", "Mother had asthma.")


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("Assessment and Plan", "assessment"), ("A/P", "assessment"), ("A&P", "assessment"),
        ("ASSESSMENT & PLAN", "assessment"),
        ("Assessment/Plan", "assessment"), ("Past Medical/Surgical History", "surgical_history"),
        ("PMHx", "past_history"),
        ("Review of Systems", "review_of_systems"), ("Patient's Medications", "medications"), ("DDx", "differential"),
        ("Blood pressure", ""), ("Mother", ""), ("", ""), ("x" * 500, ""),
    ],
)  # fmt: skip
def test_names_lead_to_one_key(written: str, key: str) -> None:
    assert key_of(written) == key


def test_a_value_with_a_colon_is_no_header() -> None:
    assert read("VITALS\nTemp: 98.6\nBP: 120/80")[-1] == ("vitals", "BP: 120/80")


def test_a_header_nobody_knows_ends_what_a_section_says_of_a_mention() -> None:
    assert read("FAMILY HISTORY\nFather: stroke.\nEXTREMITY SURVEY\nEdema.")[-1] == ("", "Edema.")
    assert read("ASSESSMENT\nHYPERTENSION\nStable.")[-1] == ("assessment", "Stable.")


def test_points_of_an_assessment_stay_in_it() -> None:
    assert read("A/P:\n1. Gout.\n- Medications: start colchicine.\n2. Asthma.")[-1] == ("assessment", "Asthma.")


def test_lines_broken_by_width_are_one_sentence_and_list_points_are_not() -> None:
    assert read("Denies chest pain,\nfever and\nchills. Has cough.") == [
        ("", "Denies chest pain,\nfever and\nchills."),
        ("", "Has cough."),
    ]
    assert len(read("- no fever\n- cough\n- rash")) == 3


def test_abbreviations_end_no_sentence() -> None:
    assert [text for _, text in read("Dr. Ames saw her. She is well.")] == ["Dr. Ames saw her.", "She is well."]


def test_a_dialogue_is_read_by_turns() -> None:
    found = layout("[doctor] hi . any pain ?\n[patient] no\nnot now\n[doctor] good")
    assert [turn.speaker for turn in found.turns] == ["clinician", "patient", "clinician"]
    assert not layout("Doctor: Smith\nAllergies: none").turns


@given(st.text(alphabet="FH: aA.\n-*#;?!1)\r\t", max_size=300))
def test_sentences_are_in_order_apart_and_hold_every_letter_but_those_of_headers(text: str) -> None:
    at = 0
    for one in segments(text):
        assert at <= one.start < one.end <= len(text)
        assert text[one.start : one.end].strip() == text[one.start : one.end]
        at = one.end
