"""A statement as a whole: too little of it was said, or its words were said far apart."""

import time

import pytest

from appliance.clinical.source import Source
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
    assert wanted(speech(*SAID), text) == ["3 of 4 things it tells were not said"]


def test_what_was_said_in_other_words_stays(speech):
    assert wanted(speech(*SAID), "Their child coughs badly.") == []
    assert wanted(speech(*SAID), "There is a bad cough since this morning.") == []


def test_words_from_all_over_a_visit_make_no_statement(speech):
    talk = "P: We talked of this and that and then of something else and so on for quite a while and more."
    far = speech(
        "P: My cousin runs a garage.", *[talk] * 3, "D: The window stays open.", *[talk] * 3, "P: A letter came."
    )
    near = speech("P: My cousin runs a garage.", "D: The window stays open.", "P: A letter came.", *[talk] * 6)
    text = "The letter lies in the garage at the open window of a cousin."
    assert wanted(far, text) == ["what it tells was not said together"]
    assert wanted(near, text) == []


@pytest.mark.slow
def test_many_words_that_stand_everywhere_are_judged_in_bounded_time():
    names = [f"word{chr(97 + at // 26)}{chr(97 + at % 26)}" for at in range(150)]
    source = Source(id="record", kind="record", text=" ".join(names * 300))
    started_s = time.process_time()
    Grounder([source]).check(" ".join(reversed(names)))
    assert time.process_time() - started_s < 30
