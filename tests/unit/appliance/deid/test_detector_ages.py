"""Ages over 89 that stand without a word for years: behind a name or a role, in fields of records, in tables."""

from __future__ import annotations

import pytest


def _ages(found):
    return [text for kind, text in found if kind == "age"]


@pytest.mark.parametrize(
    ("text", "age"),
    [
        ("Resident Ada Varga, 96. Fell in the bathroom", "96"),
        ("Decedent O. Lindqvist, 101; found by a neighbor", "101"),
        ("Mrs. Ruth Moss (95) called about the bill", "95"),
        ("Seen today: Tobias Moss, 99, for a wound check", "99"),
        ("pt Varga-Moss is 93, still drives", "93"),
        ("Ada Varga - 96 - fell", "96"),
        ("Room 4: Ada Varga 96M, cough", "96"),
        ("Caregiver Ruth Moss, herself 91, is exhausted", "91"),
        ("Ada, now 98, wants hospice", "98"),
        ("my neighbor tobias is ninety eight and drives", "ninety eight"),
        ("lives with husband Tobias 95 and a cat", "95"),
    ],
)
def test_age_behind_a_name_is_found(find, text, age):
    assert _ages(find(text)) == [age]


def test_ages_of_a_household_are_found(find):
    assert _ages(find("Siblings: Ada 94, Tobias 91, Ruth 88.")) == ["94", "91"]


@pytest.mark.parametrize(
    ("text", "age"),
    [
        ("Resident T. Lake, 94. Walks with a frame", "94"),
        ("Claimant, 94, reports pain", "94"),
        ("The driver was 92, belted", "92"),
        ("Oldest sib is 97.", "97"),
        ("97 years, lives alone", "97 years"),
        ("Pt aet. 94", "94"),
        ("W/F 94, fell at home", "94"),
        ("DOB 3/4/27 (97)", "97"),
    ],
)
def test_age_behind_a_role_or_a_birthday_is_found(find, text, age):
    assert _ages(find(text)) == [age]


@pytest.mark.parametrize(
    "text",
    [
        '{"age": {"value": 97, "unit": "a"}}',
        '{"patient_age_years": 97}',
        '{"onsetAge": "97"}',
        "OBX|3|NM|30525-0^AGE^LN||97|a",
        "AGE|97|",
        "Age in years = 97",
        "Age........97",
        "name,age,sex,hr\nVarga,97,F,98",
        "Age at onset;Sex;Sat\n97;F;98",
    ],
)
def test_age_in_a_field_is_found(find, text):
    assert _ages(find(text)) == ["97"]


@pytest.mark.parametrize(
    "text",
    [
        "Sat 97, HR 98, T 98.6, MAP 97.",
        "SpO2 per Ada Varga, 97.",
        "Ada Varga is 97% on RA",
        "Ada Varga is 98 kg",
        "Ada's sugar was 97.",
        "Ruth checked her pulse, 98.",
        "Nurse Varga: HR 97.",
        "BP 120/90, glucose 97, chloride 98.",
        "Ada Varga, 45. Tobias (62) is well.",
        "Seen in 1998 by Ada Varga, in '97 by Moss.",
        "Pt Temp, 98. Client Weight, 97.",
        "Foley, 98. Lasix, 120.",
        "Room 97, bed 98, page 97.",
        "Abx for 90 days, 120 tabs, 100 mg, then 120.",
        "Ada is 100 percent sure",
        "That was 100 years ago.",
        '{"percentage": 97, "dosage": 100, "average_hr": 98}',
        "name,hr,sat\nVarga,97,98",
        "Ada walked 100, rested, walked 120.",
    ],
)
def test_other_numbers_stay(find, text):
    assert _ages(find(text)) == []
