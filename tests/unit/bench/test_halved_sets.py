"""The third, fourth and sixth sets of the de-identification benchmark: kinds, sizes, halves, numbers, options."""

from __future__ import annotations

import argparse
import re
from collections import Counter
from random import Random
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

# Safe Harbor, 45 CFR 164.514(b)(2)(i), as the benchmark names its kinds; spoken forms are counted with their kind.
KINDS = {
    "name", "address", "place", "facility", "employer", "date", "age", "phone", "fax", "email", "ssn", "record", "plan",
    "account", "licence", "vehicle", "device", "url", "ip", "social", "code",
}  # fmt: skip
LEAST = {"third": (120, 60, 60), "fourth": (150, 60, 80), "sixth": (150, 60, 80)}
"""Fewest texts, dialogues and harmless lines."""


@pytest.fixture(params=["third", "fourth", "sixth"])
def written(request: pytest.FixtureRequest, parts: SimpleNamespace) -> Any:
    """A set whose texts are halved by their place."""
    return getattr(getattr(parts, request.param), request.param.upper())


def places_of(parts: SimpleNamespace, name: str) -> tuple[ModuleType, Any]:
    """The towns of a set, and what tells the entries of a pool apart."""
    values = getattr(parts, f"{name}_values")
    return values.places, values.listed


def all_lines(groups: dict[str, list[str]]) -> set[str]:
    return {line for lines in groups.values() for line in lines}


def test_sizes_and_groups(parts: SimpleNamespace, written: Any) -> None:
    templates = written.templates()
    sizes = {group: len(lines) for group, lines in templates.items()}
    texts, dialogues, harmless = LEAST[written.name]
    assert sum(count for group, count in sizes.items() if group not in ("dialogues", "harmless")) >= texts
    assert sizes["dialogues"] >= dialogues
    assert sizes["harmless"] >= harmless
    assert all(4 <= len(dialogue.splitlines()) <= 10 for dialogue in templates["dialogues"])
    assert not {line for group in templates if group != "harmless" for line in templates[group] if "{" not in line}
    assert len(all_lines(templates)) == sum(sizes.values())
    others = [parts.second.templates(half) for half in "ab"]
    others += [other.templates() for other in parts.sets.HALVED if other is not written]
    for other in others:
        assert not all_lines(other) & all_lines(templates)


def test_the_halves_share_nothing_and_are_the_whole(parts: SimpleNamespace, written: Any) -> None:
    whole = written.templates()
    even, odd = (parts.halved.half_of(whole, half) for half in ("even", "odd"))
    for group, lines in whole.items():
        assert sorted(even[group] + odd[group]) == sorted(lines)
        assert not set(even[group]) & set(odd[group])
        assert even[group][0] == lines[0]
    both = written.cases(rounds=1, seed=3)
    for start, half in enumerate(("even", "odd")):
        assert written.cases(half, rounds=1, seed=3) == {name: group[start::2] for name, group in both.items()}


def test_every_kind_occurs_in_several_texts(written: Any) -> None:
    groups = written.cases(rounds=1, seed=1)
    texts: Counter[str] = Counter()
    for group in groups.values():
        for case in group:
            texts.update({kind.partition(" (")[0] for _, _, kind in case.identifiers})
    assert set(texts) == KINDS
    assert min(texts.values()) >= 5
    assert all(not case.identifiers and case.stays == ((0, len(case.text)),) for case in groups["harmless"])
    assert all(case.text == case.text.lower() for case in groups["dialogues"])


def test_values_have_their_published_forms(parts: SimpleNamespace, written: Any) -> None:
    draws = written.draws(Random(5))  # noqa: S311

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


def test_a_zip_code_is_of_the_town_before_it(parts: SimpleNamespace, written: Any) -> None:
    places, listed = places_of(parts, written.name)
    for turn in range(50):
        draws = written.draws(Random(turn))  # noqa: S311
        town, state = (text for text, _ in draws.value("town.state")[1])
        start = draws.value("zip")[1][0][0][:3]
        assert f"{town},{state.strip(', ')},{start}" in listed(places.TOWNS)


def test_the_options_pick_one_set(parts: SimpleNamespace, written: Any) -> None:
    parser = argparse.ArgumentParser()
    parts.sets.add_set_options(parser)
    name = written.name
    title, groups = parts.sets.clinical_texts(parser.parse_args([f"--{name}", "--fills", "1"]))
    assert title == f"{name} set of clinical texts"
    assert groups == written.cases(rounds=1, seed=parts.sets.SEED)
    for given, expected in (
        (["--second", "a"], "second unseen clinical texts, half a"), (["--second"], "second unseen clinical texts"),
        ([f"--{name}", "odd"], f"{name} set of clinical texts, odd half"),
        (["--tune"], "development clinical texts"), ([], "held-out clinical texts"),
    ):  # fmt: skip
        assert parts.sets.clinical_texts(parser.parse_args([*given, "--fills", "1"]))[0] == expected
    for both in (
        [f"--{name}", "--second", "b"],
        [f"--{name}", "--tune"],
        ["--second", "--tune"],
        ["--third", "--fourth"],
    ):
        with pytest.raises(SystemExit, match="2"):
            parser.parse_args(both)
