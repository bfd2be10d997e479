"""Names in any case, with and without titles; eponyms, drugs and words that look like names stay."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Patient John Smith was seen", "John Smith"),
        ("Mr. Smith was seen", "Smith"),
        ("Dr. Okonkwo-Reyes called", "Okonkwo-Reyes"),
        ("Dr Young agreed", "Young"),
        ("Smith, John A. was seen", "Smith, John A."),
        ("Patient Name: SMITH, JOHN", "SMITH, JOHN"),
        ("seen by J. Smith today", "J. Smith"),
        ("John Q. Smith, MD", "John Q. Smith"),
        ("her daughter Mary came", "Mary"),
        ("my wife grace is here", "grace"),
        ("Grace is a 45-year-old", "Grace"),
        ("hi grace , how are you", "grace"),
        ("hi , martha . how are you", "martha"),
        ("so martha is a 50-year-old", "martha"),
        ("next patient is nicole miller .", "nicole miller"),
        ("hey , miss miller , how are you", "miller"),
        ("i'm dr. jones , nice to meet you", "jones"),
        ("doctor okafor sent me", "okafor"),
        ("my name is bela xyzniak", "bela xyzniak"),
        ("Maria de la Cruz called", "Maria de la Cruz"),
        ("Liam O'Brien called", "Liam O'Brien"),
        ("patient J.S. is stable", "J.S."),
        ("Krisztián Szöllösy called", "Krisztián Szöllösy"),
        ("we spoke to Tomomi Nishiyama", "Tomomi Nishiyama"),
        ("Mr. Parkinson was seen", "Parkinson"),
        ("Axel Foley was seen", "Axel Foley"),
        ("Electronically signed by: Jane Doe, RN", "Jane Doe"),
        ("Next of kin: Linda Brown", "Linda Brown"),
        ("John Smith Jr called", "John Smith Jr"),
    ],
)
def test_name_is_found_whole(find, text, value):
    assert ("name", value) in find(text)


@pytest.mark.parametrize(
    "text",
    [
        "Parkinson's disease with Lewy bodies", "parkinson's", "a Foley catheter", "the foley was removed", "Wilson disease",
        "Wilson's disease", "wilson disease workup", "Graves' disease", "Bell's palsy", "Baker's cyst", "Murphy sign negative",
        "Guillain-Barre syndrome", "Wolff-Parkinson-White syndrome", "Stevens-Johnson syndrome", "Apgar 8 and 9",
        "Glasgow Coma Scale 15", "Gleason score 7", "Jackson-Pratt drain", "Jones fracture", "Thomas test", "Turner syndrome",
        "He may march again", "She will carry it", "grace period", "hope and joy", "a rose bush", "mark the site", "bill the plan",
        "Take Lasix, Allegra and Yasmin", "the iris is normal", "art therapy", "a ray of light", "drew blood", "May repeat in a week",
        "Will hold aspirin", "Epic and Cerner", "CT Chest and MRI Brain", "PHYSICAL EXAMINATION", "Chief Complaint", "No Known Drug Allergies",
        "E. coli and Candida albicans", "ANA positive", "i miss work", "miss a dose", "the doctor said so", "my doctor prescribed it",
        "mira- miralax", "hey dragon , show me the blood pressure", "Christmas disease", "Philadelphia chromosome", "Los Angeles grade B",
    ],
)  # fmt: skip
def test_words_that_look_like_names_stay(find, text):
    assert find(text) == []


@pytest.mark.parametrize(
    ("text", "names", "value"),
    [
        ("so xantippa is here", ["Xantippa Oolong"], "xantippa"),
        ("oolong's results", ["Xantippa Oolong"], "oolong's"),
        ("hi xantipa , how are you", ["Xantippa Oolong"], "xantipa"),
        ("the mark on mark is new", ["Mark Stone"], "mark"),
        ("hi will , how are you", ["Will Stone"], "will"),
    ],
)
def test_known_name_is_found_in_any_case(find, text, names, value):
    assert ("name", value) in find(text, names)


def test_known_name_that_is_a_word_stays_as_a_word(find):
    assert find("he will come back", ["Will Stone"]) == []


def test_known_name_leaves_the_eponym(find):
    assert find("parkinson's disease", ["James Parkinson"]) == []


def test_name_with_evidence_is_found_again(find):
    text = "[doctor] hi , dr. zabrowskiy . [patient] hello . [doctor] i asked zabrowskiy about it"
    assert [value for _, value in find(text)] == ["zabrowskiy", "zabrowskiy"]
