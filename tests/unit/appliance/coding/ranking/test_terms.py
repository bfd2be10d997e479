"""Terms: words that mean the same share a stem, and offsets are those of the text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.coding.ranking.terms import sentences, stem_texts, stems


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("renal tumours", "neoplasm of kidney"),
        ("haematuria", "hematuria"),
        ("oedema", "edemas"),
        ("adenopathies", "enlarged lymph nodes"),
        ("hypertensive", "hypertension"),
        ("ulcerated", "ulcers"),
        ("hepatic metastases", "secondary neoplasm of the liver"),
    ],
)
def test_means_the_same(one: str, other: str) -> None:
    assert sorted(stem_texts(one)) == sorted(stem_texts(other))


@pytest.mark.parametrize(("one", "other"), [("hyperkalemia", "hypokalemia"), ("ileus", "ileum"), ("anemia", "anuria")])
def test_means_something_else(one: str, other: str) -> None:
    assert stem_texts(one) != stem_texts(other)


@given(st.text(max_size=200))
def test_offsets_are_of_the_text(text: str) -> None:
    for start, end in sentences(text):
        for stem in stems(text, start, end):
            assert start <= stem.start < stem.end <= end
            assert text[stem.start : stem.end].strip() == text[stem.start : stem.end]


def test_offsets_after_a_letter_that_grows_when_it_is_folded() -> None:
    text = "\u1e9e \ufb03 Fi\u00e8vre and pyrexia"
    found = [stem for stem in stems(text) if text[stem.start : stem.end] == "pyrexia"]
    assert [stem.text for stem in found] == ["fever"]
