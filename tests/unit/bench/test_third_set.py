"""The third unseen set of the de-identification benchmark: kinds of identifiers, sizes, forms of numbers, options."""

from __future__ import annotations

import argparse
import random
import re
from collections import Counter
from types import SimpleNamespace

import pytest

# Safe Harbor, 45 CFR 164.514(b)(2)(i), as the benchmark names its kinds; spoken forms are counted with their kind.
KINDS = {
    "name", "address", "place", "facility", "employer", "date", "age", "phone", "fax", "email", "ssn", "record", "plan",
    "account", "licence", "vehicle", "device", "url", "ip", "social", "code",
}  # fmt: skip


def test_sizes_and_groups(parts: SimpleNamespace) -> None:
    templates = parts.third.third_templates()
    sizes = {group: len(lines) for group, lines in templates.items()}
    assert sum(count for group, count in sizes.items() if group not in ("dialogues", "harmless")) >= 120
    assert sizes["dialogues"] >= 60
    assert sizes["harmless"] >= 60
    assert all(4 <= len(dialogue.splitlines()) <= 10 for dialogue in templates["dialogues"])
    assert not {line for group in templates if group != "harmless" for line in templates[group] if "{" not in line}
    for half in "ab":
        other = {line for lines in parts.second.templates(half).values() for line in lines}
        assert not other & {line for lines in templates.values() for line in lines}


def test_the_halves_share_nothing_and_are_the_whole(parts: SimpleNamespace) -> None:
    whole = parts.third.third_templates()
    even, odd = (parts.third.half_of(whole, half) for half in ("even", "odd"))
    for group, lines in whole.items():
        assert sorted(even[group] + odd[group]) == sorted(lines)
        assert not set(even[group]) & set(odd[group])
        assert even[group][0] == lines[0]


def test_every_kind_occurs_in_several_texts(parts: SimpleNamespace) -> None:
    groups = parts.third.third_cases(rounds=1, seed=1)
    texts: Counter[str] = Counter()
    for group in groups.values():
        for case in group:
            texts.update({kind.partition(" (")[0] for _, _, kind in case.identifiers})
    assert set(texts) == KINDS
    assert min(texts.values()) >= 5
    assert all(not case.identifiers and case.stays == ((0, len(case.text)),) for case in groups["harmless"])
    assert all(case.text == case.text.lower() for case in groups["dialogues"])


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


def test_values_have_their_published_forms(parts: SimpleNamespace) -> None:
    draws = parts.third_values.Draws(random.Random(5))  # noqa: S311

    def drawn(slot: str) -> str:
        return "".join(text for text, _ in draws.value(slot)[1])

    assert parts.third_numbers.vin_check("1M8GDM9A_KP042788".replace("_", "0")) == "X"  # 49 CFR 565.15's example
    for _ in range(200):
        npi, card, dea = drawn("licence.npi"), re.sub(r"\D", "", drawn("account.card")), drawn("licence.dea")
        assert parts.second_numbers.luhn("80840" + npi[:-1]) == npi[-1]
        assert parts.second_numbers.luhn(card[:-1]) == card[-1]
        digits = [int(sign) for sign in dea[2:]]
        assert (sum(digits[:6:2]) + 2 * sum(digits[1:6:2])) % 10 == digits[6]
        letter = "[AC-HJKMNP-RT-Y]"
        either = "[0-9AC-HJKMNP-RT-Y]"
        assert re.fullmatch(
            rf"[1-9]{letter}{either}\d-?{letter}{either}\d-?{letter}{letter}\d\d", drawn("plan.mbi")
        )  # CMS
        vin = drawn("vehicle.vin")
        assert re.fullmatch(r"[0-9A-HJ-NPR-Z]{17}", vin)
        assert parts.third_numbers.vin_check(vin) == vin[8]
        assert not re.match(r"000|666|9", drawn("ssn"))
        assert re.search(r"example\.(com|org|net|edu)", drawn("email"))
        assert re.search(r"example\.(com|org|net)", drawn("url"))
        assert int(drawn("age")) > 89


def test_a_zip_code_is_of_the_town_before_it(parts: SimpleNamespace) -> None:
    for turn in range(50):
        draws = parts.third_values.Draws(random.Random(turn))  # noqa: S311
        town, state = (text for text, _ in draws.value("town.state")[1])
        start = draws.value("zip")[1][0][0][:3]
        assert f"{town},{state.strip(', ')},{start}" in parts.third_values.listed(parts.third_values.places.TOWNS)


def test_the_options_pick_one_set(parts: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts.sets, "ROUNDS", 1)
    parser = argparse.ArgumentParser()
    parts.sets.add_set_options(parser)
    title, groups = parts.sets.clinical_texts(parser.parse_args(["--third"]))
    assert title == "third set of clinical texts"
    assert groups == parts.third.third_cases(rounds=1, seed=parts.sets.SEED)
    for given, expected in (
        (["--second", "a"], "second unseen clinical texts, half a"), (["--second"], "second unseen clinical texts"),
        (["--third", "odd"], "third set of clinical texts, odd half"),
        (["--tune"], "development clinical texts"), ([], "held-out clinical texts"),
    ):  # fmt: skip
        assert parts.sets.clinical_texts(parser.parse_args(given))[0] == expected
    for both in (["--third", "--second", "b"], ["--third", "--tune"], ["--second", "--tune"]):
        with pytest.raises(SystemExit, match="2"):
            parser.parse_args(both)
