"""Evidence in which a word of course belongs to another condition than the one that a title names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.coding.rules.scattered import together

KIDNEY, EDEMA = "Chronic kidney disease, unspecified", "Chronic pulmonary edema"


@pytest.mark.parametrize(
    ("title", "text", "speaks"),
    [
        (KIDNEY, "Chronic kidney disease.", True), (KIDNEY, "chronic renal failure", True),
        (KIDNEY, "Kidney disease, chronic.", True), (KIDNEY, "The kidney disease is chronic.", True),
        (KIDNEY, "chronic diabetic kidney disease", True), (KIDNEY, "acute on chronic kidney injury", True),
        (KIDNEY, "chronic, progressive kidney disease", True),
        # Nothing to compare: other words than the title's, or no word of course.
        (KIDNEY, "CKD", True), (KIDNEY, "chronic nephropathy", True), (KIDNEY, "kidney disease", True),
        (KIDNEY, "chronic cough, kidney stones", False),
        (KIDNEY, "chronic low back pain and a kidney infection", False),
        (KIDNEY, "chronic migraine, and history of kidney stones", False),
        (KIDNEY, "renal failure, in the context of a chronic liver disease", False),
        (KIDNEY, "kidney stones, chronic cough", False), (KIDNEY, "Chronic pain. Kidney disease", False),
        (EDEMA, "Chronic pulmonary edema", True), (EDEMA, "Chronic bronchitis, pulmonary edema", False),
        (EDEMA, "COPD, chronic, with leg edema and pulmonary nodules", False),
        ("Acute pulmonary edema", "acute pain in the left knee, pulmonary edema", False),
        # Titles without a word of course, however far their words stand apart.
        ("Pain in left knee", "pain, swelling and warmth of the left knee", True),
        ("Calculus of kidney", "chronic cough, kidney stones", True),
    ],
)  # fmt: skip
def test_a_word_of_course_belongs_to_what_it_stands_at(title: str, text: str, speaks: bool) -> None:
    before = "Seen today. "
    place = (len(before), len(before) + len(text))
    assert together(before + text + ".", [place], title) == ((place,) if speaks else ())


def test_each_place_is_judged_by_itself() -> None:
    text = "Chronic cough, kidney stones. Chronic kidney disease, stage 3."
    first, second = (0, 21), (30, 52)
    assert together(text, [first, second], KIDNEY) == (second,)


@given(st.text(max_size=80), st.text(max_size=40), st.data())
def test_any_text_is_read_and_no_place_is_made_up(text: str, title: str, data: st.DataObject) -> None:
    ends = sorted(data.draw(st.lists(st.integers(0, len(text)), min_size=2, max_size=2)))
    places = [(ends[0], ends[1])]
    assert set(together(text, places, title)) <= set(places)
    assert together(text, places, "Pain") == tuple(places)
