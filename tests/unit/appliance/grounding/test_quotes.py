"""Whole sentences copied word for word, and what is no copy: cut, asked, taken back, given to another."""

import pytest

from appliance.grounding import Grounder


def status(source, text):
    return Grounder([source]).check(text).status


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        (("P: He's had a rough week. This is why he is like this.",), "This is why he is like this."),
        (("D: What happened?", "P: I am not exactly sure."), "I am not exactly sure."),
        (("D: What happened?", "P: I am not exactly sure."), "Patient: I am not exactly sure."),
    ],
)
def test_a_whole_sentence_that_was_said_is_supported_by_it(speech, lines, text):
    source = speech(*lines)
    found = Grounder([source]).check(text)
    assert found.status == "supported"
    assert len(found.evidence) == 1


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        pytest.param(("P: I don't think that he is like this.",), "He is like this.", id="cut out of a longer one"),
        pytest.param(("D: So he is like this?", "P: No."), "So he is like this.", id="asked"),
        pytest.param(("D: So he is like this.", "P: No, never."), "So he is like this.", id="taken back at once"),
        pytest.param(("D: He is like this now.",), "Patient: He is like this now.", id="given to another"),
        pytest.param(("D: Does he drink?", "P: No."), "No.", id="an answer without its question"),
    ],
)
def test_what_is_no_copy_is_read_like_any_statement(speech, lines, text):
    assert status(speech(*lines), text) == "unsupported"


def test_a_copy_of_what_was_heard_with_doubt_is_no_copy(speech):
    assert status(speech("P: I take fifty of them daily.", doubts=("fifty",)), "I take fifty of them daily.") == (
        "unsupported"
    )
    assert status(speech("P: I take fifty of them daily."), "I take fifty of them daily.") == "supported"
