"""The fifth set: every kind in many texts, shares of the kinds of names, reserved numbers, years that stay."""

from __future__ import annotations

import re
from collections import Counter
from random import Random
from types import SimpleNamespace

import pytest

MANY = 15


def test_every_kind_occurs_in_many_templates(parts: SimpleNamespace) -> None:
    texts: Counter[str] = Counter()
    for group in parts.fifth.FIFTH.cases(rounds=1, seed=1).values():
        for case in group:
            texts.update({kind.partition(" (")[0] for _, _, kind in case.identifiers})
    assert min(texts.values()) >= MANY


def test_names_are_spread_as_the_shares_say(parts: SimpleNamespace) -> None:
    names, people = parts.fifth_names, parts.fifth_people
    drawn = [people.draw_person(Random(turn)) for turn in range(4000)]  # noqa: S311
    common, words = (set(people.entries(pool)) for pool in (names.LAST, names.WORD_LAST))
    assert not common & words
    rare = {name for origin in names.ORIGINS.values() for name in people.entries(origin[2])}
    last = [who.last for who in drawn if "-" not in who.last or who.last in rare]
    assert abs(sum(name in rare for name in last) / len(last) - people.RARE) < 0.03
    assert abs(sum(name in words for name in last) / len(last) - people.WORDS * 0.7) < 0.03
    assert not any(char in "|>" for who in drawn for char in who.first + who.last)


def test_relatives_often_bear_the_patients_name(parts: SimpleNamespace) -> None:
    same = 0
    for turn in range(400):
        draws = parts.fifth_values.Draws(Random(turn))  # noqa: S311
        patient, relative, again = (draws.value(slot)[1][0][0] for slot in ("him.last", "sis.last", "him.last"))
        assert patient == again
        same += patient == relative
    assert abs(same / 400 - parts.fifth_values.SAME_LAST) < 0.08


def test_telephone_and_host_numbers_are_reserved(parts: SimpleNamespace) -> None:
    draws = parts.fifth_values.Draws(Random(8))  # noqa: S311
    for _ in range(100):
        for slot in ("phone", "fax", "phone.seven", "phone.sayasr"):
            digits = re.sub(r"\D", "", draws.value(slot)[1][0][0])
            assert re.match(r"1?([2-9]\d\d)?55501\d\d", digits), slot
        british = re.sub(r"\D", "", draws.value("phone.uk")[1][0][0])
        assert re.match(r"01632960|07700900|02079460|447700900|01134960", british)  # Ofcom
        assert re.match(r"(192\.0\.2|198\.51\.100|203\.0\.113)\.\d+$", draws.value("ip")[1][0][0])  # RFC 5737
        assert draws.value("ip.six")[1][0][0].startswith("2001:db8:")  # RFC 3849


@pytest.mark.parametrize("form", ["us", "stamp", "slashiso", "hl", "uk", "ukth", "wday", "span", "fr", "asryear"])
def test_of_a_date_the_year_stays(parts: SimpleNamespace, form: str) -> None:
    draws = parts.fifth_values.Draws(Random(9))  # noqa: S311
    for _ in range(50):
        _, pieces = draws.value(f"date.{form}")
        assert any(not hidden and re.search(r"20\d\d", text) for text, hidden in pieces)
        assert not any(hidden and re.search(r"20\d\d", text) for text, hidden in pieces)
