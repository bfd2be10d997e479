"""Dates and ages: month and day go, a year alone stays; ages over 89 go."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("on 01/02/1960", "01/02/1960"),
        ("on 1-2-60", "1-2-60"),
        ("on 1960-01-02", "1960-01-02"),
        ("at 2024-03-05T10:11:12Z", "2024-03-05T10:11:12Z"),
        ("on 02.11.1960", "02.11.1960"),
        ("DOB 19600102", "19600102"),
        ("January 2, 1960", "January 2, 1960"),
        ("Jan. 2nd 1960", "Jan. 2nd 1960"),
        ("2 January 1960", "2 January 1960"),
        ("the 2nd of january", "the 2nd of january"),
        ("02-Jan-1960", "02-Jan-1960"),
        ("March 2021", "March 2021"),
        ("03/2021 labs", "03/2021"),
        ("january second nineteen sixty", "january second nineteen sixty"),
        ("born on june twenty third two thousand eight", "june twenty third two thousand eight"),
        ("july the fourth", "july the fourth"),
        ("seen on 3/14 again", "3/14"),
        ("since last november", "november"),
        ("in may she fell", "may"),
        ("on May 3 she fell", "May 3"),
        ("Monday, March 3rd, 2020", "Monday, March 3rd, 2020"),
        ("March 3-7 in hospital", "March 3-7"),
        ("date of birth is one fourteen nineteen sixty two", "one fourteen nineteen sixty two"),
        ("back on the 14th.", "the 14th"),
    ],
)
def test_date_is_found_whole(find, text, value):
    assert ("date", value) in find(text)


@pytest.mark.parametrize(
    "text",
    [
        "since 2019", "born in 1960", "she may need 2 weeks", "may help with pain", "march in place", "in 3 days",
        "follow up on Monday", "twice a day for 10 days", "5/5 strength", "pain 3/10 today", "on a scale it was 7/10",
        "augmentin 875/125", "10/325 tablets", "the second dose", "MAR reviewed and OCT normal", "a first episode",
    ],
)  # fmt: skip
def test_year_alone_and_figures_stay(find, text):
    assert find(text) == []


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a 92-year-old woman", "92-year-old"),
        ("she is 101 years old", "101 years old"),
        ("91 y.o. male", "91 y.o."),
        ("95yo", "95yo"),
        ("age 90", "90"),
        ("aged 93,", "93"),
        ("Age: 94", "94"),
        ("ninety-two year old", "ninety-two year old"),
        ("my mother is ninety three and well", "ninety three"),
        ("in her 90s", "90s"),
        ("a nonagenarian", "nonagenarian"),
        ("he just turned 90.", "90"),
    ],
)
def test_age_over_89_is_found(find, text, value):
    assert ("age", value) in find(text)


@pytest.mark.parametrize(
    "text",
    ["an 89-year-old", "age 45", "92 years ago", "95% of them", "pulse 92", "weighs 95 kg", "temp is 99 F", "in his 80s", "90 days", "a 9-year-old"],
)  # fmt: skip
def test_younger_and_other_figures_stay(find, text):
    assert find(text) == []
