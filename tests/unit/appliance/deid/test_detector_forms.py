"""Forms of dates, ages, contacts, numbers and addresses that speech, faxes and other countries have."""

from __future__ import annotations

import random

import pytest


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("i think it was around march", "date", "march"),
        ("between march and may", "date", "may"),
        ("was that may ?", "date", "may"),
        ("june or may , i 'm not sure", "date", "may"),
        ("come back the week of the fifteenth", "date", "the fifteenth"),
        ("tuesday the fifth works for me", "date", "the fifth"),
        ("EDD 5/25", "date", "5/25"),
        ("Next appt: Tues 6/7 @ 3pm", "date", "6/7"),
        ("JP drain removed 12/1, staples out 11/8", "date", "11/8"),
        ("3/14: WBC 12.", "date", "3/14"),
        ("12JUL2021", "date", "12JUL2021"),
        ("mother died at 97", "age", "97"),
        ("she passed away at ninety one", "age", "ninety one"),
        ("he 's ninety now", "age", "ninety"),
        ("her grandmother, 97, is alive", "age", "97"),
        ("97 years young", "age", "97 years young"),
        ("s m i t h at gmail dot com", "email", "s m i t h at gmail dot com"),
        ("tovak melir four two at gmail dot com", "email", "tovak melir four two at gmail dot com"),
        ("video at youtu.be/abcd", "url", "youtu.be/abcd"),
        ("fe80::f290:82a3%eth0", "ip", "fe80::f290:82a3%eth0"),
        ("Snapchat happycat23", "social", "happycat23"),
        ("Discord tovak#7185", "social", "tovak#7185"),
        ("my instagram is tovak underscore blue", "social", "tovak underscore blue"),
        ("on twitter i 'm at tovakmelir", "social", "tovakmelir"),
        ("8c91.cb6a.ceca", "device", "8c91.cb6a.ceca"),
        ("lot #51PN43", "device", "#51PN43"),
        ("pacemaker SN M7DDDA77", "device", "M7DDDA77"),
        ("State license G29189", "licence", "G29189"),
        ("card ending 6996", "other", "6996"),
        ("SSN ending in 2094", "ssn", "2094"),
        ("Brokan OH 45402-1234", "place", "Brokan OH 45402-1234"),
        ("resident of Zavith", "place", "Zavith"),
        ("PIN 6186", "other", "6186"),
        ("the last four is three zero eight four", "other", "three zero eight four"),
        ("extension one two two five", "other", "one two two five"),
        ("zip one five five zero six", "place", "one five five zero six"),
        ("seen in Dayton M1 4BT", "place", "M1 4BT"),
    ],
)
def test_form_is_found_whole(find, text, kind, value):
    assert any(kind == found and value in hidden for found, hidden in find(text)), find(text)


def _digits(source: random.Random, count: int) -> str:
    return "".join(source.choice("123456789") for _ in range(count))


@pytest.mark.parametrize(
    "template",
    [
        "PO BOX {n}",
        "Post Office Box {n}",
        "POB {n}",
        "RR 3 Box {n}",
        "p o box {spoken}",
        "{n} Highway 12 West",
        "{n} Avenue of the Boltes",
        "Zavithstraße {n}, 70978 Berlin",
        "Zavithstr. {n}, 36767 München",
        "{n} rue de Zavith, 69203 Paris",
        "Via Zavith {n}, 39633 Roma",
        "Calle Zavith {n}, 69203 Madrid",
        "Av. Zavith {n}, Col. Brokan",
        "Zavith Estates Lot {n}",
        "Space {n}, Zavith Mobile Home Park",
        "{spoken} zavith drive apartment five",
        "{spoken} west zavith lane unit nine",
    ],
)
def test_address_is_hidden_whole(find, template):
    source = random.Random(len(template))  # noqa: S311
    for _ in range(3):
        spoken = " ".join(source.choice(("one", "two", "five", "nine", "oh", "seven")) for _ in range(3))
        text = template.format(n=_digits(source, 3), spoken=spoken)
        assert [hidden for kind, hidden in find(text) if kind == "address"] == [text]


@pytest.mark.parametrize("shape", ["LLL-DDDD", "LLL DDDD", "DDD LLL", "LLLDDD", "DLLLDDD"])
@pytest.mark.parametrize("label", ["license plate ", "tag ", "vehicle with plates ", "Lic plate: ", "plate # "])
def test_plate_is_hidden_whole(find, label, shape):
    source = random.Random(len(label) + len(shape))  # noqa: S311
    value = "".join(
        source.choice("BCDFGHKLMNPR") if sign == "L" else source.choice("23456789") if sign == "D" else sign
        for sign in shape
    )
    assert any(value in hidden for _, hidden in find(f"Car with {label}{value}, blue."))


@pytest.mark.parametrize(
    "text",
    [
        "strength 4/5, pain 7/10, murmur 3/6",
        "MMSE 24/30, nodes 2/14 positive",
        "you may march in place",
        "this may be due to the pill",
        "it may , i think , help",
        "the second dose and the third visit",
        "blood pressure 120/80, heart rate 92",
        "at ninety degrees of flexion",
        "lived with it for ninety days",
        "the last four weeks",
        "the last four or five days",
        "plate 4 holes and 6.5mm screws",
        "a skin tag 3 mm",
        "she took a long way home",
        "two or three minutes down the road",
        "the po bid dose",
        "pain ending in 2019",
        "via G-tube 5 ml",
        "one in a place like this",
        "i walk on the street every day",
        "T2 3CM mass",
    ],
)
def test_like_forms_stay(find, text):
    assert find(text) == []
