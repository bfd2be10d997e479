"""A cause that nobody named."""

import pytest

from appliance.grounding import Grounder

VISIT = ("D: You have anemia and asthma. I see a tear.", "P: My back hurts because of the fall.")


@pytest.mark.parametrize("text", ["Anemia due to asthma.", "Asthma contributing to anemia.", "A tear caused anemia."])
def test_a_cause_needs_somebody_who_names_one(speech, text):
    found = Grounder([speech(*VISIT)]).check(text)
    assert "nobody names a cause" in [finding.wanted for finding in found.findings]


@pytest.mark.parametrize("text", ["Back hurts due to a fall.", "Back hurts secondary to the fall."])
def test_a_cause_that_was_named_in_other_words_stays(speech, text):
    assert Grounder([speech(*VISIT)]).check(text).findings == ()


def test_results_are_no_cause(speech):
    found = Grounder([speech("D: The results of the biopsy are here.")]).check("Biopsy results are here.")
    assert found.findings == ()
