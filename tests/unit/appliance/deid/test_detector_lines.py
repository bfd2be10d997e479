"""Names by the line they stand in, other forms of a name of the same text, names that look like drugs."""

from __future__ import annotations

import pytest


def _names(find, text: str) -> list[str]:
    return [value for _, value in find(text)]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Orvel: I can't come in.\nNicole: What happened?\nOrvel: My knee.", ["Orvel", "Nicole", "Orvel"]),
        ("Destiny: Remember me?\nPatient: I do.", ["Destiny"]),
        ("[10:02] Grace: hi, can you room her?\n[10:03] Fern: on it", ["Grace", "Fern"]),
        ("orvel: i can't come in\nfern: thanks", ["orvel", "fern"]),
    ],
)
def test_who_opens_a_line_of_a_chat_is_hidden(find, text, names):
    assert _names(find, text) == names


@pytest.mark.parametrize(
    "text",
    [
        "Gait: normal\nMood: good\nPain: I have pain in the knee\nPlan: we will follow up\nLungs: clear",
        "Assessment: I think this is a sprain\nCase: discussed\nPage: 2\nPrice: see form",
        "Patient: Hi, I have a cough.\nDoctor: How long?",
    ],
)
def test_labels_of_a_form_and_roles_that_speak_stay(find, text):
    assert _names(find, text) == []


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("HOPE, IVY   AGE 61", "HOPE, IVY"),
        ("PATIENT: HOPE, IVY\nEXAM: CT HEAD", "HOPE, IVY"),
        ("IVY HOPE\nCT head without contrast", "IVY HOPE"),
        ("RM 12 STONE, GRACE 67F", "STONE, GRACE"),
        ("Rebecca Hides\nSeen today.", "Rebecca Hides"),
        ("User: Beatrix Veres", "Beatrix Veres"),
        ("I'm Quarto Angelo, from next door.", "Quarto Angelo"),
    ],
)
def test_names_that_are_words_are_hidden_where_they_fill_a_line_or_a_label(find, text, name):
    assert name in _names(find, text)


@pytest.mark.parametrize(
    "text",
    [
        "CHEST PAIN\nLONG ACTING INSULIN 10\nHEAD, NECK\nCARDIAC RHYTHM M\nBLOOD BANK\nLABS, MEDS\nSKIN, NAILS",
        "Allen Test\nKelly Clamp\nBell Palsy",
    ],
)
def test_headings_and_eponyms_that_fill_a_line_stay(find, text):
    assert _names(find, text) == []


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Robert Kessler came. His wife calls him Bob. Rich food was advised.", ["Robert Kessler", "Bob"]),
        ("Richard Doe was seen. Diet rich in fat. Rich denies pain.", ["Richard Doe", "Rich"]),
        ("William Young came. The bill was sent.", ["William Young"]),
        ("Mr. Kessler was seen. Kesler denies pain. I told kesslr today.", ["Kessler", "Kesler", "kesslr"]),
        ("Mr. Fisher was seen for a fissure.", ["Fisher"]),
    ],
)
def test_short_forms_and_misspellings_of_a_name_of_the_text_are_hidden(find, text, names):
    assert _names(find, text) == names


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Dr. Kelvir saw him. Kelvir wants an MRI.", ["Kelvir", "Kelvir"]),
        ("[doctor] hi doctor kelvir , thanks . kelvir thinks it is fine", ["kelvir", "kelvir"]),
        ("[patient] this is norbetion calling about my script", ["norbetion"]),
        ("My sister Santion drove me.", ["Santion"]),
        ("Remdesivir helps. Remdesivir was started.", []),
        ("[patient] the abacavir helps . doctor prescribed cabotegravir", []),
    ],
)
def test_a_name_that_looks_like_a_drug_is_hidden_where_only_a_person_stands(find, text, names):
    assert _names(find, text) == names


LABELS = [
    ("DOB", "04/05/1960"), ("D.O.B.", "4/5/1960"), ("MRN:", "1234567"), ("MRN#", "1234567"), ("SSN", "123-45-6789"),
    ("NPI", "1234567893"), ("PCP:", "Dr. Adams"), ("Acct", "99887766"), ("Tel", "(555) 123-4567"),
    ("Ph:", "555-123-4567"),
]  # fmt: skip


@pytest.mark.parametrize("name", ["Maria Lopez", "MARIA LOPEZ", "Lopez, Maria", "LOPEZ, MARIA"])
@pytest.mark.parametrize("between", [" ", ", ", "; ", "\n"])
@pytest.mark.parametrize(("label", "value"), LABELS)
def test_a_name_ends_before_the_label_of_the_next_value(find, name, between, label, value):
    hidden = [text for _, text in find(f"{name}{between}{label} {value}")]
    assert not any(label.strip(".:#") in text for text in hidden), hidden
    assert hidden[0] == name


@pytest.mark.parametrize(
    "text", ["Ms. Maria Tel has pain", "Ms. Maria Tel 64 years old", "Nguyen Ph was seen by Anna Ph"]
)
def test_a_name_written_like_a_label_is_hidden(find, text):
    assert any("Tel" in name or name.endswith("Ph") for kind, name in find(text) if kind == "name"), find(text)
