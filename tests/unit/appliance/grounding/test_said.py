"""A statement as a whole: too little of what it tells was said."""

from appliance.grounding import Grounder

SAID = (
    "D: How is he?",
    "P: My child has a bad cough. I got nervous this morning.",
    "D: Any fever?",
    "P: No.",
)


def wanted(source, text):
    return [finding.wanted for finding in Grounder([source]).check(text).findings]


def test_an_invention_built_on_one_word_that_was_said_is_found(speech):
    text = "The patient's family is concerned about the child's symptoms and is asking the doctor for a diagnosis."
    assert wanted(speech(*SAID), text) == ["of 4 things that it tells, 3 were not said, or only in other words"]


def test_what_was_said_in_other_words_stays(speech):
    assert wanted(speech(*SAID), "Their child coughs badly.") == []
    assert wanted(speech(*SAID), "There is a bad cough since this morning.") == []


def test_a_near_word_is_half_of_what_was_said(speech):
    source = speech("D: That is okay. I will look at it.", "P: My hip hurts.")
    text = "of 2 things that it tells, 2 were not said, or only in other words"
    assert wanted(source, "The hip hurts.") == []
    assert wanted(source, "The hip is normal.") == []
    assert text not in wanted(source, "Normal and examined.")
    assert wanted(source, "Normal agreement.")[-1:] == [text]
