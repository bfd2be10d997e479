"""Who occurs in the texts of the sixth set, in which forms, and how often each kind of identifier."""

from __future__ import annotations

import re
from collections import Counter
from random import Random
from types import SimpleNamespace


def test_every_kind_stands_in_many_texts(parts: SimpleNamespace) -> None:
    texts: Counter[str] = Counter()
    for group in parts.sixth.SIXTH.cases(rounds=1, seed=1).values():
        for case in group:
            texts.update({kind.partition(" (")[0] for _, _, kind in case.identifiers})
    assert min(texts.values()) >= 15


def test_names_are_spread_as_the_shares_say(parts: SimpleNamespace) -> None:
    names, people = parts.sixth_names, parts.sixth_people
    common, words = (set(people.entries(pool)) for pool in (names.LAST, names.WORD_LAST))
    women, men = (
        {name for pool in pools for name in people.entries(pool)}
        for pools in ((names.FEMALE, names.WORD_FEMALE), (names.MALE, names.WORD_MALE))
    )
    assert not common & words
    assert all(name and name == name.strip() for name in women | men | common | words)
    drawn = [people.draw_person(Random(turn)) for turn in range(4000)]  # noqa: S311
    of_origin = [who.last.partition("-")[0] not in common | words for who in drawn]
    assert abs(sum(of_origin) / len(drawn) - people.ORIGIN) < 0.03  # some names of an origin are of the other pools
    for sex, other in ((people.FEMALE, men - women), (people.MALE, women - men)):
        assert not {people.draw_person(Random(turn), sex).first for turn in range(400)} & other  # noqa: S311


def test_relatives_often_bear_the_patients_name(parts: SimpleNamespace) -> None:
    same = 0
    for turn in range(400):
        draws = parts.sixth_values.Draws(Random(turn))  # noqa: S311
        patient, relative, again = (draws.value(slot)[1][0][0] for slot in ("her.last", "husb.last", "her.last"))
        assert patient == again
        same += patient == relative
    assert abs(same / 400 - parts.sixth_values.SAME_LAST) < 0.08


def test_numbers_and_hosts_are_of_the_reserved_ranges(parts: SimpleNamespace) -> None:
    draws = parts.sixth_values.Draws(Random(8))  # noqa: S311
    for _ in range(100):
        for form in (
            "phone",
            "phone.paren",
            "phone.dots",
            "phone.ten",
            "phone.seven",
            "phone.plus",
            "phone.ext",
            "fax",
        ):
            digits = re.sub(r"\D", "", draws.value(form)[1][0][0])
            assert re.match(r"1?([2-9]\d\d)?55501\d\d", digits), form
        assert re.match(r"(192\.0\.2|198\.51\.100|203\.0\.113)\.\d+$", draws.value("ip")[1][0][0])  # RFC 5737
        assert draws.value("ip.six")[1][0][0].startswith("2001:db8:")  # RFC 3849


def test_of_a_date_the_year_stays(parts: SimpleNamespace) -> None:
    draws = parts.sixth_values.Draws(Random(9))  # noqa: S311
    for form in ("us", "usfull", "iso", "ymd", "eu", "stamp", "upper", "eight", "mil", "long"):
        for _ in range(50):
            _, pieces = draws.value(f"date.{form}")
            assert any(not hidden and re.search(r"20\d\d", text) for text, hidden in pieces), form
            assert not any(hidden and re.search(r"20\d\d", text) for text, hidden in pieces), form
