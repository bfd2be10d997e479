"""Ages over 89 that only the words on both sides show: "94 w/ dementia", "she just hit 97", "her 98th"."""

from __future__ import annotations

import pytest


def _ages(found):
    return [text for kind, text in found if kind == "age"]


@pytest.mark.parametrize(
    ("text", "age"),
    [
        ("EMS rpt: fem 97, fall at home. GCS 14", "97"),
        ("male 93 found down", "93"),
        ("94 w/ dementia, HTN, here for f/u", "94"),
        ("96 with CHF and CKD, DNR", "96"),
        ("he's 94 & confused. 911 called", "94"),
        ("He's 98 - still mows the lawn", "98"),
        ("She is a very healthy 96.", "96"),
        ("a frail 99 who fell", "99"),
        ("92yM s/p fall", "92"),
        ("F97 fell", "97"),
        ("father d. 94 of CVA", "94"),
        ("dad died @ 97", "97"),
        ("Bed 4: Ada Varga 94 CHF, on 2L", "94"),
        ("Missing person: Ada Varga Jr., 92, gray hair", "92"),
        ("Both parents living, 91 and 93.", "93"),
    ],
)
def test_age_beside_who_or_what_is_found(find, text, age):
    assert age in _ages(find(text))


@pytest.mark.parametrize(
    ("text", "age"),
    [
        ("She hit 97 last week and still gardens.", "97"),
        ("grandpa just hit ninety nine last week", "ninety nine"),
        ("he made ninety one in the spring", "ninety one"),
        ("Celebrated her 98th with family on Sunday.", "98th"),
        ("we're throwing a party for his ninety fifth", "ninety fifth"),
        ("She's in her tenth decade and lives alone.", "tenth decade"),
        ("a man in his 11th decade", "11th decade"),
        ("patient in mid nineties", "mid nineties"),
        ("the big nine oh is next month", "nine oh"),
        ("closing in on 95", "95"),
        ("my sister's ninety one and she lives with me", "ninety one"),
        ("how old is she now\ndaughter: ninety seven going on fifty", "ninety seven"),
        ("nurse: and surgeries\npatient: ninety two and never had one", "ninety two"),
    ],
)
def test_age_that_is_reached_or_said_is_found(find, text, age):
    assert age in _ages(find(text))


@pytest.mark.parametrize(
    ("text", "age"),
    [
        ("recommends no ablation at 95.", "95"),
        ("Not a surgical candidate at 96.", "96"),
        ("still driving at 93, family worried", "93"),
        ("family declines dialysis at 94", "94"),
        ("oldest patient on the unit at 103", "103"),
    ],
)
def test_age_at_which_something_is_done_or_left_is_found(find, text, age):
    assert _ages(find(text)) == [age]


@pytest.mark.parametrize(
    "text",
    [
        "sats 94 w/ exertion on 2 L",
        "HR 97 with ectopy",
        "she's 94 percent on room air",
        "blood pressure at 120 over 80",
        "he's 98 today on the pulse ox",
        "his sugar hit 97 last week",
        "her 95th percentile height",
        "flexion to 95 with pain",
        "infusion at 100. Rate at 95.",
        "heart rate in the mid 90s",
        "Losartan 100, HCTZ 25",
        "still 110 over 70 at rest",
        "died at 87 of CVA",
        "She hit 67 last week",
        "in her eighth decade",
        "Both parents living, 71 and 73.",
    ],
)
def test_measures_and_ages_under_90_stay(find, text):
    assert find(text) == []
