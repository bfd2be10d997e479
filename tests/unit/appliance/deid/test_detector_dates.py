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
        "since 2019",
        "born in 1960",
        "she may need 2 weeks",
        "may help with pain",
        "march in place",
        "in 3 days",
        "follow up on Monday",
        "twice a day for 10 days",
        "5/5 strength",
        "pain 3/10 today",
        "on a scale it was 7/10",
        "augmentin 875/125",
        "10/325 tablets",
        "the second dose",
        "MAR reviewed and OCT normal",
        "a first episode",
    ],
)
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
    [
        "an 89-year-old",
        "age 45",
        "92 years ago",
        "95% of them",
        "pulse 92",
        "weighs 95 kg",
        "temp is 99 F",
        "in his 80s",
        "90 days",
        "a 9-year-old",
    ],
)
def test_younger_and_other_figures_stay(find, text):
    assert find(text) == []


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Nästa besök 8 maj 2026 kl 9", "8 maj 2026"),
        ("kontrol 8. maj 2026", "8. maj 2026"),
        ("Geboren am 9. April 1948", "9. April 1948"),
        ("entlassen am 9. April wie geplant", "9. April"),
        ("La paciente, nacida el 9 de abril de 1948, acude", "9 de abril de 1948"),
        ("Su hija dice que nació el nueve de abril de mil novecientos cuarenta y ocho.",
         "nueve de abril de mil novecientos cuarenta y ocho"),
        ("La vieron en abril.", "abril"),
        ("kontrola 8. května 2026", "8. května 2026"),
        ("käynti 8. toukokuuta 2026", "8. toukokuuta 2026"),
        ("született 1948. április 9.", "1948. április 9."),
        ("doğum tarihi 9 Nisan 1948", "9 Nisan 1948"),
        ("дата рождения 9 апреля 1948", "9 апреля 1948"),
        ("γεννήθηκε 9 Απριλίου 1948", "9 Απριλίου 1948"),
        ("生年月日 1948年4月9日", "1948年4月9日"),
        ("ngày 9 tháng 4 năm 1948", "9 tháng 4 năm 1948"),
        ("Født den 05/06-1948", "05/06-1948"),
        ("narozen 5. 6. 1948", "5. 6. 1948"),
        ("ingresó el 3/4 por tos", "3/4"),
        ("Aufnahme am 3.4. wegen Husten", "3.4."),
    ],
)  # fmt: skip
def test_date_of_another_language_is_found_whole_and_as_a_date(find, text, value):
    assert ("date", value) in find(text)


@pytest.mark.parametrize(
    "text",
    ["5. April Jones called", "seit 3.4 Tagen", "at 8 am 3/4 strength", "toma 3/4 de tableta", "los dos de la tarde"],
)
def test_figures_of_another_language_that_are_no_date_stay(find, text):
    assert not [value for kind, value in find(text) if kind == "date" and value[0].isdigit()]
