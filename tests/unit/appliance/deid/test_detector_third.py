"""Classes of dates, ages, institutions, streets, plates and spoken values that the third unseen set showed."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Stay 4/8-3/24/24 at home.", "4/8"),
        ("Stay 3/1/24-3/9/24 at home.", "3/9/24"),
        ("Missed 4/8 & 3/24 again.", "4/8"),
        ("Note of 11.02.24 reviewed", "11.02.24"),
        ("Since 14-Mar with fever", "14-Mar"),
        ("Rx filled Mar-24, qty 30", "Mar-24"),
        ("cough since late Feb.", "late Feb"),
        ("film 2024-03 reviewed", "2024-03"),
        ("seen 3‑14‑24", "3‑14‑24"),
        ("seen at Alder Clinic 3/2, cortisol 2.1", "3/2"),
        ("Starts the new job the 5th. Sleeps well", "5th"),
        ("your date of birth\ncaller: three twelve seventy eight\nok", "three twelve seventy eight"),
    ],
)
def test_date_is_found(find, text, value):
    assert ("date", value) in find(text)


@pytest.mark.parametrize(
    "text",
    [
        "Strength 4/5 and 5/5, DTRs 2/4, 3/4.",
        "Software version 11.02.24 runs.",
        "Height at the 5th. Weight percentile is the 9th.",
        "BP 120/80-130/85, ratio 1/2.",
        "The image (OCT) is normal, see MAR.",
        "she is on two ten of it",
        "Sats now 94, rate 96.",
        "b p one one eight over seventy",
        "thank you for calling back , the bone and joint pain is better",
    ],
)
def test_what_looks_alike_stays(find, text):
    assert find(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "Mr. Alder is 94 and frail",
        "Age at onset 91",
        "Mo 96 A&W",
        "now 94, lives alone",
        "her late 90s",
        "Male, 93, fell",
    ],
)
def test_age_over_89_is_found(find, text):
    assert "age" in {kind for kind, _ in find(text)}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("thank you for calling alder spine & pain this is", "alder spine & pain"),
        ("a bed at villa st. catherine tonight", "villa st. catherine"),
        ("Walks the dog around Prospect Court. PSA 1.1", "Prospect Court"),
        ("lives N6088 County Road R now", "N6088 County Road R"),
        ("lot C: FWF 6541, VIN 3VW1RY0M80L797366", "FWF 6541"),
        ("uh x r d six three zero eight", "x r d six three zero eight"),
        ("the zip code on the card\n[caller] six one three four four", "six one three four four"),
        ("[teen] it's jocelyn dot hargrove", "jocelyn dot hargrove"),
    ],
)
def test_value_is_found_whole(find, text, value):
    assert value in {found for _, found in find(text)}
