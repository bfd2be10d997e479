"""What belongs to a find beside it: double surnames, initials, heads of institutions, street words, ZIP codes said."""

from __future__ import annotations

import pytest


def _of(find, text: str, kind: str) -> list[str]:
    return [value for found, value in find(text) if found == kind]


def _hides(find, text: str, value: str) -> bool:
    return any(value in hidden for _, hidden in find(text))


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Witness: Martha Der-Vardanyan, notary.", "Martha Der-Vardanyan"),
        ("Orthopedics: Page-Collins Gavin E7101545. Cast.", "Page-Collins Gavin"),
        ("OPERATIVE NOTE - ZELVOR O'CONNOR\nSeen with family.", "ZELVOR O'CONNOR"),
        ("Provider: June Harris\nClaim denied.", "June Harris"),
        ("[nurse] the patient is martha k. harris she fell", "martha k. harris"),
        ("[doctor] page comma martha seen on nine ten", "page comma martha"),
        ("[clerk] i need the report on page martha\n[nurse] okay", "page martha"),
    ],
)
def test_a_name_has_what_stands_beside_it(find, text, name):
    assert _hides(find, text, name)


@pytest.mark.parametrize(
    ("text", "stays"),
    [
        ("Told Martha Follow-Up is due.", "Follow-Up"),
        ("Told Martha X-Ray is clean.", "X-Ray"),
        ("[doctor] the pain comma she says is worse", "pain"),
        ("[doctor] we talked about long martha said", "long"),
        ("She has been well since June Martha says.", "since"),
    ],
)
def test_words_beside_a_name_stay(find, text, stays):
    assert not _hides(find, text, stays)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("[patient] she worked at savannah children's hospital\n[doctor] ok", "savannah children's hospital"),
        ("[patient] yuma general in knoxville\n[doctor] ok", "yuma general"),
        ("[patient] st. agnes's in el paso", "st. agnes's"),
        ("Pharmacy Yellowknife Drugs (call first) says no.", "Yellowknife Drugs"),
        ("Excuse him from City of Topeka through Friday.", "City of Topeka"),
    ],
)
def test_an_institution_reaches_to_its_head(find, text, place):
    assert _hides(find, text, place)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("[patient] i walk around topeka boulevard each day", "topeka boulevard"),
        ("[patient] he picks them up on martin luther king circle", "king circle"),
        ("ADDRESS 74 DEER RUN TRAIL\nSIOUX FALLS SD 57116", "74 DEER RUN TRAIL"),
    ],
)
def test_a_street_reaches_to_its_word(find, text, address):
    assert _hides(find, text, address)


def test_a_zip_code_is_said_behind_a_town(find):
    text = "[patient] ninety two oak street topeka six six six oh one\n[doctor] okay"
    assert _hides(find, text, "six six six oh one")


@pytest.mark.parametrize(
    ("text", "stays"),
    [
        ("[doctor] martha way back then took two pills", "way back"),
        ("[doctor] martha general health is good", "general"),
        ("[doctor] i told martha drive less", "drive"),
        ("[patient] in topeka one two three four times a day", "one two three four"),
        ("Signed Martha Harris Drugs: none.", "Drugs"),
    ],
)
def test_words_behind_a_find_stay(find, text, stays):
    assert not _hides(find, text, stays)


def test_a_handle_before_a_full_stop_is_whole(find):
    assert _of(find, "Write to @harris.family. Ok.", "social") == ["@harris.family"]
