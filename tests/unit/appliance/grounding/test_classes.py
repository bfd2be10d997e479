"""Each class of error: a true statement passes, the false one is found for what it is."""

import pytest


@pytest.mark.parametrize(
    "text",
    [
        "Blood pressure is 142/88.",
        "She is a 52-year-old woman.",
        "Patient denies fever and chills.",
        "Reports a cough for 3 days.",
        "The right knee hurts.",
        "She fell two weeks ago.",
        "She fell 14 days ago.",
        "Takes lisinopril 20 mg daily and metformin 500 mg BID.",
        "Takes Zestril 20 mg daily.",
        "Hypertension since 2008.",
        "HTN.",
        "Bilateral ankle edema.",
        "Temperature is 98.6.",
        "She does not smoke.",
        "Father died of lung cancer.",
        "Possible bronchitis.",
        "You are 5'7\".",
        "Pain is 8/10.",
        "Drinks alcohol on Sundays.",
    ],
)
def test_said(kinds, check, text):
    assert kinds(text) == set()
    assert check(text).status == "supported"
    assert check(text).evidence


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Blood pressure is 148/88.", "number"),
        ("Blood pressure is 88/142.", "number"),
        ("Temperature is 99.6.", "number"),
        ("Pain is 9/10.", "number"),
        ("Takes lisinopril 40 mg daily.", "dose"),
        ("Takes lisinopril 500 mg daily.", "dose"),
        ("Takes metformin 20 mg.", "dose"),
        ("Takes lisinopril 20 mcg daily.", "dose"),
        ("Takes metformin 500 mg TID.", "dose"),
        ("Takes warfarin daily.", "drug"),
        ("Takes lacosamide 50 mg daily.", "drug"),
        ("The left knee hurts.", "laterality"),
        ("Edema of the left ankle.", "laterality"),
        ("Reports fever and chills.", "negation"),
        ("Denies cough.", "negation"),
        ("No chest pain.", "negation"),
        ("She smokes.", "negation"),
        ("Bronchitis.", "negation"),
        ("Reports a cough for three weeks.", "date"),
        ("Hypertension since 2006.", "date"),
        ("She fell on Monday.", "date"),
        ("She is a 53-year-old woman.", "demographic"),
        ("52-year-old man.", "demographic"),
        ("He has a cough.", "demographic"),
        ("Caucasian woman.", "demographic"),
        ("Mother died of lung cancer.", "unsupported"),
        ("History of asthma.", "unsupported"),
        ("Has two cats.", "unsupported"),
    ],
)
def test_not_said(kinds, check, text, kind):
    assert kind in kinds(text)
    assert check(text).status == "unsupported"


def test_inventions_of_small_models_are_found(speech):
    """Seen in drafts of models that were told to use only what was said."""
    from appliance.grounding import Grounder

    grounder = Grounder([speech("P: My stomach hurts since Monday.", "D: Does it burn when you pee?", "P: Yes.")])
    seen = {finding.kind.value for finding in grounder.check("35-year-old male with abdominal pain.").findings}
    assert seen == {"demographic"}
    invented = grounder.check("Negative urine culture.")
    assert invented.status == "unsupported"
    assert [(finding.kind.value, finding.seen) for finding in invented.findings] == [("unsupported", "urine culture")]


def test_a_finding_says_what_the_source_has_instead(check):
    assert [finding.wanted for finding in check("The left knee hurts.").findings] == ["right"]
    dose = next(finding for finding in check("Takes lisinopril 40 mg.").findings if finding.kind.value == "dose")
    assert "twenty milligrams" in dose.wanted


def test_the_answer_is_part_of_the_evidence(check, visit):
    shown = [visit.text[piece.start : piece.end] for piece in check("Denies fever.").evidence]
    assert any("fever" in piece for piece in shown)
    assert any("No, none of that." in piece for piece in shown)


def test_speech_may_be_said_in_many_ways(speech):
    from appliance.grounding import Grounder

    grounder = Grounder(
        [
            speech(
                "D: It was nineteen ninety eight, a"
                " hundred and one point four, two and a half packs, one forty over ninety."
            )
        ]
    )
    for text in ("In 1998.", "101.4 degrees.", "2-1/2 packs.", "2.5 packs.", "Two-and-a-half packs.", "BP 140/90."):
        assert not [finding for finding in grounder.check(text).findings if finding.kind.value in ("number", "date")], (
            text
        )
    for text in ("In 1999.", "104.1 degrees.", "2 packs.", "BP 40/90."):
        assert [finding for finding in grounder.check(text).findings if finding.kind.value in ("number", "date")], text
