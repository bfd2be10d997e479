"""Who occurs in the texts of the fourth set, and in which forms: shares of the kinds of names, reserved numbers."""

from __future__ import annotations

import re
from random import Random
from types import SimpleNamespace


def test_names_are_spread_as_the_shares_say(parts: SimpleNamespace) -> None:
    names, people = parts.fourth_names, parts.fourth_people
    drawn = [people.draw_person(Random(turn)) for turn in range(4000)]  # noqa: S311
    common, words = (set(people.entries(pool)) for pool in (names.LAST, names.WORD_LAST))
    assert not common & words
    rare = {name for origin in names.ORIGINS.values() for name in people.entries(origin[2])}
    last = [who.last for who in drawn if "-" not in who.last or who.last in rare]
    assert abs(sum(name in words for name in last) / len(last) - people.WORDS) < 0.02
    assert abs(sum(name not in words | common for name in last) / len(last) - people.RARE) < 0.02
    assert len(set(last)) > 450
    women, men = (
        {name for pool in pools for name in people.entries(pool)}
        for pools in ((names.FEMALE, names.WORD_FEMALE), (names.MALE, names.WORD_MALE))
    )
    for sex, other in ((0, men - women), (1, women - men)):
        assert not {people.draw_person(Random(turn), sex).first for turn in range(400)} & other  # noqa: S311


def test_relatives_often_bear_the_patients_name(parts: SimpleNamespace) -> None:
    same = 0
    for turn in range(400):
        draws = parts.fourth_values.Draws(Random(turn))  # noqa: S311
        patient, relative, again = (draws.value(slot)[1][0][0] for slot in ("her.last", "husb.last", "her.last"))
        assert patient == again
        same += patient == relative
    assert abs(same / 400 - parts.fourth_values.SAME_LAST) < 0.08


def test_numbers_and_hosts_are_of_the_reserved_ranges(parts: SimpleNamespace) -> None:
    draws = parts.fourth_values.Draws(Random(8))  # noqa: S311
    for _ in range(100):
        for form in ("", "dots", "paren", "tight", "ten", "seven", "plus", "one", "blank", "slash", "ext"):
            digits = re.sub(r"\D", "", draws.value(f"phone.{form}".rstrip("."))[1][0][0])
            assert re.match(r"1?([2-9]\d\d)?55501\d\d", digits), form
        assert re.match(r"(192\.0\.2|198\.51\.100|203\.0\.113)\.\d+$", draws.value("ip")[1][0][0])  # RFC 5737
        assert draws.value("ip.six")[1][0][0].startswith("2001:db8:")  # RFC 3849


def test_of_a_date_the_year_stays(parts: SimpleNamespace) -> None:
    draws = parts.fourth_values.Draws(Random(9))  # noqa: S311
    for form in ("us", "usfull", "iso", "es", "span", "dmslash", "ymd", "upper", "eight"):
        for _ in range(50):
            _, pieces = draws.value(f"date.{form}")
            assert any(not hidden and re.search(r"20\d\d", text) for text, hidden in pieces), form
            assert not any(hidden and re.search(r"20\d\d", text) for text, hidden in pieces), form
    assert draws.value("ssn.masked")[1][0] == ("xxx-xx-", False)
