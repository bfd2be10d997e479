"""A transcript that grows: the same findings as when it is read at once, and only what is new is read."""

from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.grounding import Grounder

LINES = (
    "D: Any fever?",
    "P: No.",
    "P: My left knee hurts since three days.",
    "D: Take ibuprofen four hundred milligrams.",
    "P: I am forty.",
)
STATEMENTS = (
    "Denies fever.",
    "Left knee pain for 3 days.",
    "Ibuprofen 400 mg.",
    "She is 40 years old.",
    "Right knee pain.",
)


def test_what_is_said_later_supports_later(speech):
    grounder = Grounder([speech(*LINES[:1])])
    assert grounder.check("Denies fever.").status == "unsupported"
    grounder.extend(speech(*LINES[:2]))
    assert grounder.check("Denies fever.").status == "supported"


def test_earlier_turns_are_kept(speech):
    grounder = Grounder([speech(*LINES[:4])])
    assert grounder.extend(speech(*LINES)) == 3  # the last one is read again: it may have grown


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(st.sampled_from(LINES), max_size=8), min_size=1, max_size=4))
def test_growing_and_changing_equals_reading_at_once(speech, versions):
    grounder = Grounder([speech()])
    for version in versions:
        grounder.extend(speech(*version))
    fresh = Grounder([speech(*versions[-1])])
    for text in STATEMENTS:
        assert grounder.check(text) == fresh.check(text)


def test_a_new_source_counts(speech):
    grounder = Grounder([speech(*LINES[:2])])
    record = speech("P: I have asthma.").model_copy(update={"id": "record"})
    assert grounder.extend(record) == 0
    supported = grounder.check("History of asthma.")
    assert supported.status == "supported"
    assert {piece.source for piece in supported.evidence} == {"record"}


def test_the_sex_is_known_when_somebody_says_it(speech):
    assert Grounder([speech(*LINES)]).sex is None
    assert Grounder([speech("D: Hello, sir.", *LINES)]).sex == "male"
