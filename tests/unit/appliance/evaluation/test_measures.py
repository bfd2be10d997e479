"""Each measure reacts to a seeded error of its class and to no other."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from appliance.evaluation.measures import Marked, Tally, align, distance, numbers, plain, tally

SAID = (
    "Take ibuprofen 400 mg twice a day. I do not have a fever, no cough, "
    "and my weight is 82 kg at one forty two pounds."
)
CLEAN = Tally(words=24, numbers=2, drugs=2, negations=2)


def marks(text: str = SAID) -> list[Marked]:
    pieces = (
        ("drug", "ibuprofen"), ("dose", "400 mg"), ("negation", "not"), ("negation", "no cough"), ("number", "82 kg"),
        ("number", "one forty two"),
    )  # fmt: skip
    return [Marked(kind, text.index(piece), text.index(piece) + len(piece)) for kind, piece in pieces]  # type: ignore[arg-type]


def errors(heard: str) -> tuple[int, int, int]:
    found = tally(SAID, marks(), heard)
    assert (found.numbers, found.drugs, found.negations) == (2, 2, 2)
    return found.number_errors, found.drug_errors, found.negation_errors


def test_what_was_said_is_right() -> None:
    assert tally(SAID, marks(), SAID) == CLEAN


@pytest.mark.parametrize(
    ("before", "after", "wanted"),
    [
        ("82", "28", (1, 0, 0)), ("82 kg", "82 pounds", (1, 0, 0)), ("one forty two", "one forty", (1, 0, 0)),
        ("82 kg", "kg", (1, 0, 0)), ("82", "80 2", (1, 0, 0)), ("fever", "fever 39", (1, 0, 0)),
        ("weight is", "weight 5", (1, 0, 0)),
        ("ibuprofen", "naproxen", (0, 1, 0)), ("ibuprofen", "I profane", (0, 1, 0)), ("400", "40", (0, 1, 0)),
        ("mg", "mcg", (0, 1, 0)), ("400 mg", "", (0, 1, 0)), ("fever", "fever metformin", (0, 1, 0)),
        ("a day", "aspirin", (0, 1, 0)), ("400", "4 100", (0, 1, 0)),
        ("do not", "do", (0, 0, 1)), ("no cough", "cough", (0, 0, 1)), ("no cough", "a cough", (0, 0, 1)),
        ("my weight", "not my weight", (0, 0, 1)), ("I do not", "I do never", (0, 0, 1)),
        ("fever", "favor", (0, 0, 0)), ("twice", "always", (0, 0, 0)), ("day.", "", (0, 0, 0)),
        ("and my", "and um my", (0, 0, 0)),
    ],
)  # fmt: skip
def test_a_seeded_error_is_seen_by_its_measure_alone(before: str, after: str, wanted: tuple[int, int, int]) -> None:
    heard = SAID.replace(before, after, 1)
    assert heard != SAID
    assert errors(heard) == wanted
    assert tally(SAID, marks(), heard).word_errors > 0


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("do not", "don't"), ("do not", "don’t"), ("82 kg", "eighty-two kilograms"), ("400 mg", "400 milligrams,"),
        ("one forty two", "142"), ("ibuprofen", "Ibuprofen,"), ("no cough", "No cough"),
    ],
)  # fmt: skip
def test_another_spelling_is_no_error(before: str, after: str) -> None:
    assert tally(SAID, marks(), SAID.replace(before, after, 1)) == CLEAN


def test_nothing_heard_is_everything_wrong() -> None:
    assert tally(SAID, marks(), "") == Tally(24, 24, 2, 2, 2, 2, 2, 2)


def test_an_expected_word_elsewhere_does_not_count() -> None:
    """The right number at the wrong place is no right number."""
    assert (
        errors(SAID.replace("82 kg", "heavy", 1) + " 82 kg")[0] == 2
    )  # the place that lost it, and the one that got it


def test_a_long_flood_of_words_is_counted() -> None:
    found = tally("no fever", [Marked("negation", 0, 2)], "thanks " * 2000)
    assert (found.word_errors, found.negation_errors) == (2000, 1)


def naive(wanted: Sequence[str], seen: Sequence[str]) -> int:
    """Levenshtein by the book."""
    row = list(range(len(seen) + 1))
    for i, word in enumerate(wanted, 1):
        before, row[0] = row[0], i
        for j, other in enumerate(seen, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (word != other))
    return row[-1]


def test_the_alignment_is_a_shortest_one() -> None:
    draw = random.Random(6)  # noqa: S311 (a test's own draw)
    for _ in range(400):
        wanted, seen = ([draw.choice("abcd") for _ in range(draw.randrange(12))] for _ in range(2))
        edits = align(wanted, seen)
        assert distance(wanted, seen) == naive(wanted, seen)
        assert [edit.wanted for edit in edits if edit.kind != 3] == list(range(len(wanted)))
        assert [edit.seen for edit in edits if edit.kind != 2] == list(range(len(seen)))
        assert all((wanted[edit.wanted] == seen[edit.seen]) is (edit.kind == 0) for edit in edits if edit.kind < 2)


def test_words_and_numbers_are_in_one_spelling() -> None:
    assert plain("One forty two, over 88!") == ["142", "over", "88"]
    assert numbers("One forty two, over 88!") == ["142", "88"]
