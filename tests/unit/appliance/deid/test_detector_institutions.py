"""Institutions, employers and towns that no list has: found by their heads, forms and positions; kinds of them stay."""

from __future__ import annotations

import pytest

_TOWNS = ("Tolverne", "Lubbock", "Coeur d'Alene", "Quenby Falls")
_TRADES = ("Trucking", "Plumbing and Heating", "Landscaping", "Insurance Agency", "Paper Company", "Foods", "Aviation")
_CARE = ("Senior Care", "Rehab and Wellness", "Women's Health", "Eye Associates", "Adult Day Center", "Apothecary")


def _hidden(find, text, value):
    assert any(value in whole for _, whole in find(text)), (value, find(text))


@pytest.mark.parametrize("head", _TRADES)
@pytest.mark.parametrize("town", _TOWNS)
def test_employer_is_found_by_its_trade(find, town, head):
    name = f"{town} {head}"
    for frame in (
        "Father works at {}.",
        "Coworkers from {} visited.",
        "Out of work from {} since fall.",
        "Employer: {}",
    ):
        _hidden(find, frame.format(name), name)


@pytest.mark.parametrize("head", _CARE)
@pytest.mark.parametrize("town", _TOWNS)
def test_institution_is_found_by_its_head(find, town, head):
    name = f"{town} {head}"
    for frame in ("Brought in from {}, unwitnessed fall.", "Sent by {} for lethargy.", "TC from {}, INR 4.8."):
        _hidden(find, frame.format(name), name)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Born at St. Wulfrid's. Apgars normal.", "St. Wulfrid's"),
        ("it was put in over at st. wulfrid's", "st. wulfrid's"),
        ("he was in mount brendan for a week", "mount brendan"),
        ("they took me to university hospital of lubbock first", "university hospital of lubbock"),
        ("LAB: CHILDREN'S HOSPITAL OF SALINA DIRECTOR", "HOSPITAL OF SALINA"),
        ("Prior films are from Lubbock General.", "Lubbock General"),
        ("the baby was born at lubbock general", "lubbock general"),
        ("he works with me at steubenville paper company", "steubenville paper company"),
        ("she had just come home from lubbock montessori", "lubbock montessori"),
        ("i was in holy cross last week", "holy cross"),
        ("His employer (Tolverne Aviation) was called.", "Tolverne Aviation"),
        ("she is a cashier, works at walmart", "walmart"),
        ("Discharged to The Laurels of Tolverne.", "The Laurels of Tolverne"),
        ("OSH: Tolverne Community", "Tolverne Community"),
        ("Retired from Quenby Steel after 30 years.", "Quenby Steel"),
        ("Records from Tolverne Medical Associates, PLLC", "Tolverne Medical Associates, PLLC"),
    ],
)
def test_institution_is_found_by_form_or_position(find, text, value):
    _hidden(find, text, value)


@pytest.mark.parametrize(
    "text",
    [
        "Patient Education and Counseling: none.",
        "Continue Home Care.",
        "Illicit Drug Use: none.",
        "Recreational Drugs: none.",
        "Consult General Surgery.",
        "Tenderness at Right Lower Quadrant.",
        "Transferred to Intensive Care Unit.",
        "Works as a teacher, works at night, works full time.",
        "worked up by several specialists",
        "i go to physical therapy and to the drug store",
        "at the hospital, from the nursing home",
        "Employer: self",
        "Employer: retired",
        "CC: Right finger pain.",
        "the levels in the first place",
        "worked with PT, seen by PT at bedside",
        "hospital of choice",
    ],
)
def test_what_names_no_institution_stays(find, text):
    assert find(text) == []


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("RR 2 Box 57, Tolverne 97001, dog in yard", "97001"),
        ("of HC 8 Box 80, Bend. Both in good health", "Bend"),
        ("Emergency contact grandmother Susan Cross, Flint. Last used", "Flint"),
        ("He's at his son Harold's in Independence until then.", "Independence"),
        ("She grew up outside Quenby and moved here.", "Quenby"),
        ("i see dr ward in flint for my kidneys", "flint"),
        ("he did my cousin's surgery in kearney she says", "kearney"),
        ("it still has the paducah address on it", "paducah"),
        ("the foster family is out in hattiesburg county", "hattiesburg county"),
        ("we live in fond du lac ohio", "fond du lac"),
        ("my sister moved to puyallup", "puyallup"),
        ("i drove in from tolvernia", "tolvernia"),
        ('"city":"Mobile","postalCode":"43857"', "Mobile"),
        ('"city":"Mobile","postalCode":"43857"', "43857"),
        ("PID|1|77|88||A^B||1950|F||2106-3|4130 N 12th Ave^Bldg N^Enid^PA^89851^USA", "4130 N 12th Ave^Bldg N^Enid"),
        ("PID|1|77|88||A^B||1950|F||2106-3|4130 N 12th Ave^Bldg N^Enid^PA^89851^USA", "89851"),
    ],
)
def test_town_is_found_where_towns_stand(find, text, value):
    _hidden(find, text, value)


@pytest.mark.parametrize(
    "text",
    [
        "She is from North Dakota, born in Mexico.",
        "transferred from the icu, is in room 4",
        "mother in remission, she's in feeding therapy",
        "WBC, Platelets 15000.",
        "The Vancouver and Toronto protocols were cited.",
        "Coxsackie B negative",
        "City of residence unknown.",
        "my wife is in the hospital",
    ],
)
def test_what_names_no_town_stays(find, text):
    assert find(text) == []
