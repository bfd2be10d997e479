"""What a source itself is unsure of never becomes support in silence."""

import pytest

from appliance.grounding import Grounder


def test_a_number_on_which_two_decodings_disagree(speech):
    line = "D: Your weight is eighty kilograms and your pulse is seventy."
    grounder = Grounder([speech(line, doubts=("eighty",))])
    assert [finding.kind.value for finding in grounder.check("Weight is 80 kg.").findings] == ["doubtful_source"]
    assert grounder.check("Pulse is 70.").status == "supported"


def test_the_same_number_elsewhere_settles_it(speech):
    lines = ("D: Your weight is eighty kilograms.", "P: Yes, I weigh eighty kilograms.")
    assert Grounder([speech(*lines, doubts=("eighty",))]).check("Weight is 80 kg.").status == "supported"


def test_a_drug_that_was_heard_wrong_is_doubtful(speech):
    grounder = Grounder([speech("P: I take metforman twice a day.")])
    findings = grounder.check("Takes metformin twice a day.").findings
    assert [(finding.kind.value, finding.seen, finding.wanted) for finding in findings] == [
        ("doubtful_source", "metformin", "metforman")
    ]


@pytest.mark.parametrize("text", ["", " ", "...", "It is.", "None.", "\u200b\u200b"])
def test_what_cannot_be_judged_is_unsupported(check, text):
    assert check(text).status == "unsupported"


def test_a_reason_stands_in_place_of_the_source(check):
    assert check("None.").findings[0].wanted.startswith("not judged")
    assert check("cough " * 1000).findings[0].wanted.startswith("not judged: longer than 4000")
    assert check("pain cough fever " * 100).findings[0].wanted.startswith("not judged: more than 200 things")


def test_without_sources_nothing_is_supported():
    assert Grounder([]).check("Cough for three days.").status == "unsupported"


def test_sources_need_their_own_ids(speech):
    with pytest.raises(ValueError, match="two sources are called visit"):
        Grounder([speech("P: Hello."), speech("P: Hello.")])
