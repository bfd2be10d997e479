"""Addresses, cities and institutions; states, countries and kinds of places stay."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("12 Oak Street, Springfield, IL 62701", "address", "12 Oak Street, Springfield, IL 62701"),
        ("4410 N Main St Apt 4B", "address", "4410 N Main St Apt 4B"),
        ("P.O. Box 4471", "address", "P.O. Box 4471"),
        ("lives at 12 oak lane", "address", "12 oak lane"),
        ("i live at four twenty one maple street", "address", "four twenty one maple street"),
        ("3344 Koskikatu 25, Oulu", "address", "3344 Koskikatu 25"),
        ("ZIP code 62701", "place", "62701"),
        ("TX 75001-1234", "place", "75001-1234"),
        ("she lives in Boston", "place", "Boston"),
        ("we moved to seattle", "place", "seattle"),
        ("from Cook County", "place", "Cook County"),
        ("at Mercy General Hospital", "facility", "Mercy General Hospital"),
        ("at St. Vincent Medical Center", "facility", "St. Vincent Medical Center"),
        ("at mercy general hospital", "facility", "mercy general hospital"),
        ("the University of Michigan", "facility", "University of Michigan"),
        ("Lakewood Family Medicine called", "facility", "Lakewood Family Medicine"),
        ("she works at Acme Widgets", "facility", "Acme Widgets"),
    ],
)
def test_place_is_found_whole(find, text, kind, value):
    assert any(found == kind and value in whole for found, whole in find(text))


@pytest.mark.parametrize(
    "text",
    [
        "she is from Texas", "born in Mexico", "the pain clinic", "a local hospital", "our urgent care", "the nursing home",
        "2 CT scans", "3 way stopcock", "a high level of pain", "it hurts to bend over", "drive 10 minutes", "one down the road",
        "primary care clinic", "high school", "go to the emergency department",
    ],
)  # fmt: skip
def test_kinds_of_places_stay(find, text):
    assert find(text) == []
