"""Words of no list, words with a capital out of place, and what has no label beside it."""

from __future__ import annotations

import pytest

from appliance.deid.lexicon import words
from appliance.deid.recognisers.known_words import KnownWords, is_name_cased


def _hidden(find, text: str) -> str:
    return " ".join(value for _, value in find(text))


@pytest.mark.parametrize("name", ["Thyajar", "Begrudum", "Mbrokai", "Zoutoulo"])
@pytest.mark.parametrize(
    "text",
    [
        "The case was presented to {} at tumor board.",
        "{}'s wound is clean and dry.",
        "Signed out overnight; {} to follow the troponin.",
        "Transcribed by the pool, second review {}.",
        "so we buried {} in the fall and it was hard",
        "i asked the lady {} at the window about it",
    ],
)
def test_a_word_of_no_list_is_hidden(find, text, name):
    assert name.lower() in _hidden(find, text.format(name if text[0] in "TS{" else name.lower())).lower()


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("On rounds this morning Price looked better.", "Price"),
        ("Consent witnessed by Harp before the operation.", "Harp"),
        ("Dr. Sienna Teeter saw him. Teeter wants an MRI.", "Teeter"),
        ("Bed 15 Willey: MRI today.", "Willey"),
        ("i told gilbert that my knee was worse", "gilbert"),
        ("we went with dolly and the kids to the lake", "dolly"),
        ("so hope thinks i should get it looked at", "hope"),
    ],
)
def test_names_that_are_words(find, text, name):
    assert name in _hidden(find, text)


@pytest.mark.parametrize(
    "text",
    [
        "Started Entresto and Jardiance; stop Farxiga.",
        "Klebsiella oxytoca and Serratia marcescens grew.",
        "IgG and IgM positive, HBsAg negative.",
        "The Mediterranean diet was advised; Peruvian heritage.",
        "Physical Therapy and Occupational Therapy consulted.",
        "Range of Motion and Activities of Daily Living were recorded.",
        "Listeria monocytogenes meningitis was treated.",
        "i hope the cook at church has a twin bed and no stone",
        "they did a laparoscopic thing and a tomography of the retroperitoneum",
    ],
)
def test_known_words_stay(find, text):
    assert find(text) == []


@pytest.mark.parametrize(
    ("text", "age"),
    [
        ("Pt is 94 and lives alone.", "94"),
        ("Born 1930 (95), widowed.", "95"),
        ("Mother alive at 101; father died at 62.", "101"),
        ("She celebrated her 97th birthday.", "97th"),
        ("Parents, ages 96 and 88.", "96"),
        ("Name  Age  Sex\nDoe   93   F", "93"),
    ],
)
def test_ages_without_a_unit(find, text, age):
    assert ("age", age) in find(text)


@pytest.mark.parametrize(
    "text",
    ["Pt is 95% on room air.", "she weighs 95 kg", "He is on 95 units.", "patient is 98 degrees", "BP 142/98, HR 94"],
)
def test_measures_are_no_ages(find, text):
    assert find(text) == []


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Name   MRN   Room\nDoe   62-8330   12", "62-8330"),
        ("Locker combination HH8748", "HH8748"),
        ("Docket 7757 was closed", "7757"),
        ("he messaged lena.anchor on Facebook", "lena.anchor"),
        ("look for oak underscore marble on facebook", "oak underscore marble"),
        ("staying off Highway 876 for now", "Highway 876"),
        ("crash at the intersection of Dahl St and Leis Ave", "Dahl St and Leis Ave"),
        ("moved to 543 Avenue C", "543 Avenue C"),
    ],
)
def test_values_without_a_label_beside_them(find, text, value):
    assert value in _hidden(find, text)


def test_forms_of_words_and_names():
    known = KnownWords(words())
    assert known.known("retroperitoneal")
    assert known.known("bilirubins")
    assert known.known("hctz")
    assert not known.known("thyajar")
    assert is_name_cased("McNab")
    assert is_name_cased("O'Dea")
    assert is_name_cased("Smith-Jones")
    assert not is_name_cased("IgG")
    assert not is_name_cased("PermCath")
