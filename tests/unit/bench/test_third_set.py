"""Who occurs in the texts of the third set: how names are spread, and whose surname a relative bears."""

from __future__ import annotations

import random
from types import SimpleNamespace


def test_names_are_spread_as_the_docstring_says(parts: SimpleNamespace) -> None:
    names = parts.third_names
    people = [parts.third_people.draw_person(random.Random(turn)) for turn in range(4000)]  # noqa: S311
    entries = parts.third_people.entries
    rare = {name for origin in names.ORIGINS.values() for name in entries(origin[2])}
    words = {name for pool in (names.WORD_FEMALE, names.WORD_MALE, names.WORD_LAST) for name in entries(pool)}
    assert 0.17 < sum(who.last in rare for who in people) / len(people) < 0.23
    assert 0.05 < sum(who.first in words or who.last in words for who in people) / len(people) < 0.1
    assert all(not set(entries(pool)) & words for pool in (names.FEMALE, names.MALE, names.LAST))
    for sex, pools in enumerate(((names.FEMALE, names.MIDDLING_FEMALE), (names.MALE, names.MIDDLING_MALE))):
        drawn = {parts.third_people.draw_person(random.Random(turn), sex).first for turn in range(400)}  # noqa: S311
        assert drawn & {name for pool in pools for name in entries(pool)}
        assert not drawn & set(entries((names.MALE, names.FEMALE)[sex]))


def test_relatives_often_bear_the_patients_name_and_roles_keep_their_person(parts: SimpleNamespace) -> None:
    same = 0
    for turn in range(300):
        draws = parts.third_values.Draws(random.Random(turn))  # noqa: S311
        patient, relative, again = (draws.value(slot)[1][0][0] for slot in ("her.last", "relm.last", "her.last"))
        assert patient == again
        same += patient == relative
    assert 0.5 < same / 300 < 0.72
