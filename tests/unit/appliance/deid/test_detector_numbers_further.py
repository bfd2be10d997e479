"""Plates, handles, corners, streets and spoken addresses that need what stands beside them."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("plates 719 YZE and 2CLW945, lot C", "2CLW945"),
        ("flight tail no. M55 RVJ", "M55 RVJ"),
        ("left in a black Charger 0BSD435. Addr unknown", "0BSD435"),
        ("silver Odyssey, 333-MHJ", "333-MHJ"),
        ("boat sticker T14-SKT", "T14-SKT"),
        ("Back to the ward by unit HZ7-78D", "HZ7-78D"),
        ("plate for garage BXS 0345", "BXS 0345"),
        ("guard: what plate\nvisitor: l d l nine six zero eight\nguard: ok", "l d l nine six zero eight"),
        ('{"handle": "the.real.oak", "n": 1}', "the.real.oak"),
        ('{"twitter_handle":"ray_oak"}', "ray_oak"),
        ("Mark (adavarga on Twitter), Al", "adavarga"),
        ("Al (@ handle xxoakleyxx), Jo", "xxoakleyxx"),
        ("Ada Varga (P-7187) seen today", "P-7187"),
        ("proband A.V. (P-7187), mother well", "P-7187"),
        ("found by a neighbor at Mockingbird and 15th. NIHSS 11", "Mockingbird and 15th"),
        ("The pharmacy on Fairview Dr, new last name", "Fairview Dr"),
        ("DME for VARGA at 490 LOWER RIDGE RD today", "490 LOWER RIDGE RD"),
        ("ADDRESS 8841 61ST TRL", "8841 61ST TRL"),
        ("Apt: Trlr 7  City: Alder", "Trlr 7"),
        ("clerk: how do you spell the street\ncaller: it's harbor place\nclerk: ok", "harbor place"),
        (
            "and the email\nvarga sixty six at clinic dot example dot org\nok",
            "varga sixty six at clinic dot example dot org",
        ),
        ("clerk: what's the month\npatient: march\nclerk: good", "march"),
        ("Rounds: bed 5 VARGA, 97, Lewy body", "97"),
        ("SNF H&P: Ada Varga, ninety-eight, retired, widow", "ninety-eight"),
        ("PT: So. Nurse: So you're how old now? PT: ninety-one! Older than you", "ninety-one"),
    ],
)
def test_it_is_hidden_whole(find, text, hidden):
    assert any(hidden in value for _, value in find(text))


@pytest.mark.parametrize(
    "text",
    [
        "white plaques 3 mm, red lesion 2 cm",
        "black stool x 3, brown discharge 2 wks",
        "blue top tube 4 mL, silver nitrate 75",
        "skin tag on the back, plate 4 holes",
        "unit 4 of 6 transfused",
        "l d l one thirty two",
        "first and second doses given",
        "strength 4/5. Reflexes 2/4.",
        "between the 2nd and 3rd rib",
    ],
)
def test_what_looks_alike_stays(find, text):
    assert find(text) == []


def test_street_reaches_over_its_own_word_and_units(find):
    text = "eviction from 9355 Pine Hollow Dr Apt 8F, 9416, Alder"
    assert any("9355 Pine Hollow Dr Apt 8F, 9416" in value for _, value in find(text))


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("NI number QQ 12 34 56 C", "QQ 12 34 56 C"),
        ("driving licence OAKLE 704175 A99BC", "OAKLE 704175 A99BC"),
        ("SHO bleep 4417", "4417"),
        ("DNA'd 8/7 and 15/7", "15/7"),
        ("Given Depo 1/9, next due 24/11", "1/9"),
        ("Discharge planned for Fri 8th", "8th"),
        ("letter dated 11 11 24", "11 11 24"),
        ("Mr Oakley (b. 1927, 97)", "97"),
    ],
)
def test_british_forms_are_hidden_whole(find, text, hidden):
    assert any(hidden in value for _, value in find(text))
