"""What holds for each written set of the de-identification benchmark: spans are values, seeds decide."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

SETS = ("second a", "second b", "third", "fourth", "sixth")


def written(parts: SimpleNamespace, name: str) -> tuple[dict[str, list[str]], type, Callable[[random.Random], Any]]:
    """Templates by group, the class of the values, and what makes them from it."""
    if name in ("third", "fourth", "sixth"):
        written_set = getattr(getattr(parts, name), name.upper())
        return written_set.templates(), written_set.draws, lambda rng: (rng,)
    half = name[-1]
    return parts.second.templates(half), parts.second_values.Draws, lambda rng: (half, rng)


def recording(draws: type) -> type:
    """The draws, noting down every value."""

    class Recorded(draws):
        def __init__(self, *given: Any) -> None:
            super().__init__(*given)
            self.drawn: list[tuple[str, list[tuple[str, bool]]]] = []

        def value(self, slot: str) -> tuple[str, list[tuple[str, bool]]]:
            self.drawn.append(super().value(slot))
            return self.drawn[-1]

    return Recorded


@pytest.mark.parametrize("name", SETS)
def test_spans_are_the_filled_values_in_their_order(parts: SimpleNamespace, name: str) -> None:
    groups, draws_of, given = written(parts, name)
    for line in [line for lines in groups.values() for line in lines]:
        draws = recording(draws_of)(*given(random.Random(line)))  # noqa: S311
        case = parts.second.filled(line, draws)
        hidden = [(text, kind) for kind, pieces in draws.drawn for text, part in pieces if part]
        assert [(case.text[start:end], kind) for start, end, kind in case.identifiers] == hidden
        assert all(text.strip() == text and text for text, _ in hidden)
        assert [case.text[start:end] for start, end in case.stays] == re.findall(r"\[\[(.+?)\]\]", line)
        # What is left when the values go is what is left of the template when the slots go.
        values = iter("".join(text for text, _ in pieces) for _, pieces in draws.drawn)
        assert re.sub(
            r"\{[a-z0-9.]+\}", lambda _, values=values: next(values), re.sub(r"\[\[(.+?)\]\]", r"\1", line)
        ) == (case.text)
        assert "{" not in case.text
        assert "}" not in case.text


def test_same_seed_same_texts_and_another_seed_others(parts: SimpleNamespace) -> None:
    for name in SETS:
        groups, draws_of, given = written(parts, name)

        def cases(seed: int, made: tuple[Any, ...] = (groups, draws_of, given)) -> dict[str, list[Any]]:
            lines, draws, arguments = made
            return parts.second.written_cases(  # type: ignore[no-any-return]
                lines, lambda rng: draws(*arguments(rng)), rounds=2, seed=seed
            )

        first, again, other = cases(3), cases(3), cases(4)
        assert first == again
        for group in set(first) - {"harmless"}:
            assert first[group] != other[group]
            assert len(first[group]) == 2 * len(groups[group])
        assert first["harmless"] == other["harmless"]


@pytest.mark.parametrize("name", SETS)
def test_an_unknown_slot_is_an_error(parts: SimpleNamespace, name: str) -> None:
    _, draws_of, given = written(parts, name)
    draws = draws_of(*given(random.Random(7)))  # noqa: S311
    for slot in ("nobody", "pt.unknown", "date.unknown"):
        with pytest.raises(KeyError):
            draws.value(slot)
