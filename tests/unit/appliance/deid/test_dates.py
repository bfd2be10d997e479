"""Dates: every written form moves, keeps its form, and keeps its distance to the others."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.deid import date_words, dates
from appliance.deid.draws import Draws
from appliance.deid.identifier import IdentifierKind as Kind
from appliance.deid.surrogates import Surrogates
from appliance.deid.taken import WholeTexts

DAYS = -98


def back(text: str) -> str:
    found = dates.find(text, bare=True)
    assert dates.is_only_dates(text, found), found
    out, at = "", 0
    for one in found:
        last = dates.moved(one.last, one.fields, DAYS) if one.last else None
        out += text[at : one.start] + dates.write(one, dates.moved(one.value, one.fields, DAYS), last)
        at = one.end
    return out + text[at:]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("March 5, 2024", "November 28, 2023"),
        ("Mar. 5th '24", "Nov. 28th '23"),
        ("MARCH 5", "NOVEMBER 28"),
        ("march the fifth twenty twenty four", "november the twenty eighth twenty twenty three"),
        ("march third nineteen eighty five", "november twenty fifth nineteen eighty four"),
        ("June 2nd, two thousand and nine", "February 24th, two thousand nine"),
        ("March 3-5, 2024", "November 26-28, 2023"),
        ("5 March 2024", "28 November 2023"),
        ("the 5th of March", "the 28th of November"),
        ("05-Mar-24", "28-Nov-23"),
        ("05MAR2024", "28NOV2023"),
        ("March of 2024", "December of 2023"),
        ("2024-03-05", "2023-11-28"),
        ("2024-03-05T10:20:00Z", "2023-11-28T10:20:00Z"),
        ("3/5/2024", "11/28/2023"),
        ("03/05/24", "11/28/23"),
        ("25.12.2024", "18.9.2024"),
        ("3/2024", "12/2023"),
        ("2024-03", "2023-12"),
        ("20240305", "20231128"),
        ("3/5", "11/28"),
        ("Sept. 9", "Jun. 3"),
        ("Tuesday, March 5, 2024 at 10:30 am", "Tuesday, November 28, 2023 at 10:30 am"),
        ("from 3/5/2024 to 3/9/2024", "from 11/28/2023 to 12/2/2023"),
        ("02/29", "11/23"),
    ],
)
def test_each_form_moves_in_its_form(text: str, wanted: str) -> None:
    assert back(text) == wanted


@pytest.mark.parametrize("text", ["Christmas 2023", "2/30/2024", "13/13/2024", "the 5th", "Easter", "March 5 and Mike"])
def test_what_is_no_date_of_these_forms_is_not_taken_for_one(text: str) -> None:
    found = dates.find(text, bare=True)
    assert not (found and dates.is_only_dates(text, found))
    assert not dates.is_only_dates(text, found)


@pytest.mark.parametrize(
    "text", ["strength 5/5", "120/80", "1.2.3", "ratio 3-5", "she may come", "march on", "10/10/10/10", "at 5:30"]
)
def test_numbers_and_verbs_are_no_dates_by_themselves(text: str) -> None:
    assert dates.find(text) == ()


@given(st.dates(date(1901, 1, 1), date(2099, 1, 1)), st.integers(-364, 364))
def test_every_writing_of_a_day_is_read_as_that_day(day: date, days: int) -> None:
    month = date_words.MONTHS[day.month - 1]
    for text in (
        f"{month} {day.day}, {day.year}", f"{day.day} {month[:3]} {day.year}", day.isoformat(),
        f"{day.month}/{day.day}/{day.year}", f"{day:%m-%d-%Y}", f"{day:%Y%m%d}", f"{day:%d%b%Y}",
    ):  # fmt: skip
        (one,) = dates.find(text)
        assert one.value == day
        moved = dates.write(one, dates.moved(one.value, one.fields, days))
        (again,) = dates.find(moved)
        assert again.value == day + timedelta(days=days)


@given(
    st.lists(st.dates(date(1905, 1, 1), date(2090, 1, 1)), min_size=2, max_size=6), st.binary(min_size=16, max_size=16)
)
def test_intervals_between_days_stay(days: list[date], key: bytes) -> None:
    made = Surrogates(Draws(key), WholeTexts(()))
    moved = []
    for day in days:
        (one,) = dates.find(made.of(Kind.DATE, day.isoformat()))
        moved.append(one.value)
    assert {new - old for new, old in zip(moved, days, strict=True)} == {timedelta(days=Draws(key).shift_days)}
    assert all(new.weekday() == old.weekday() for new, old in zip(moved, days, strict=True))


@given(st.integers(1905, 2090), st.binary(min_size=16, max_size=16))
def test_months_without_a_day_never_meet_and_never_stay(year: int, key: bytes) -> None:
    made = Surrogates(Draws(key), WholeTexts(()))
    texts = [f"{month} {year}" for month in date_words.MONTHS]
    out = [made.of(Kind.DATE, text) for text in texts]
    assert len(set(out)) == 12
    shift = {dates.find(a)[0].value.month for a in out}
    assert len(shift) == 12
    assert not any(a == b for a, b in zip(out, texts, strict=True))


def test_a_day_without_a_year_moves_with_the_same_day_of_the_year_that_was_named() -> None:
    made = Surrogates(Draws(b"k" * 16), WholeTexts(()))
    assert made.of(Kind.DATE, "March 5, 2023").split(",")[0] == made.of(Kind.DATE, "March 5")


def test_a_range_that_would_cross_a_month_is_marked_instead_of_moved_wrongly() -> None:
    made = Surrogates(Draws(b"k" * 16), WholeTexts(()))
    texts = [f"March {day}-{day + 1}, 2024" for day in range(1, 31)]
    out = [made.of(Kind.DATE, text) for text in texts]
    marked = [text for text in out if text.startswith("[date")]
    assert len(marked) == made.unshifted == 1


def test_a_date_at_the_edge_of_the_calendar_is_marked() -> None:
    made = Surrogates(Draws(b"k" * 16), WholeTexts(()))
    assert made.of(Kind.DATE, "0001-01-02").startswith("[date")
