"""Texts that the second opinion on names is trained on: names stand where they are said to, and folds share no name."""

from __future__ import annotations

import importlib
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

BENCH = Path(__file__).parents[3] / "bench"


@pytest.fixture(scope="module")
def named() -> Iterator[SimpleNamespace]:
    sys.path.insert(0, str(BENCH))
    try:
        names = ("corpus", "people", "examples", "words")
        yield SimpleNamespace(**{name: importlib.import_module(f"named.{name}") for name in names})
    finally:
        sys.path.remove(str(BENCH))


def _pools(named) -> object:
    return named.examples.Pools(["hope", "cook", "page", "fern", "rich", "bell"], ["drew", "dell", "wolf", "chase"])


def test_people_stand_for_names_and_for_those_without(named):
    text = "[doctor] martha said she fell . [patient] my wife called him"
    cast = named.people.People(["fern"], random.Random(3), 1.0).into(text, [(9, 15)], [(21, 24)])  # noqa: S311 (test data)
    assert {cast.text[start:end] for start, end in cast.people} == {"fern"}
    assert "martha" not in cast.text
    assert [cast.text[start:end] for start, end in cast.unknown] == ["she"]


def test_contexts_give_each_name_its_place_and_each_fold_its_names(named):
    pools = _pools(named)
    held, taught = set(pools.of_fold(0)), set(pools.of_fold(1))
    assert held
    assert taught
    assert not held & taught
    texts = list(named.examples.of_contexts(BENCH / "named", pools, [], 1))
    seen: dict[bool, set[str]] = {True: set(), False: set()}
    for text in texts:
        for start, end in text.people:
            seen[text.fold == 0].add(text.text[start:end].lower().removesuffix("'s"))
    assert seen[True] <= held
    assert seen[False] <= taught
    assert any(not text.people for text in texts)


def test_no_context_keeps_a_mark_of_its_template(named):
    for text in named.examples.of_contexts(BENCH / "named", _pools(named), [], 1):
        assert not set(text.text) & set("{}|\\")


@pytest.mark.parametrize(("count", "step"), [(0, 0), (1, 1), (2, 2), (7, 2), (8, 3), (512, 6), (9000, 6)])
def test_how_often_goes_up_fourfold(named, count, step):
    assert named.words.bucket(count, 1_000_000) == step
