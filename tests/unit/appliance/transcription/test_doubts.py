"""Numerals in their spellings, and what is marked when two decodings differ."""

from typing import Any

import pytest

from appliance.transcription.agreement import reconcile
from appliance.transcription.decoder import joined
from appliance.transcription.numerals import tokens


def read(text: str) -> list[str]:
    return [token.text for token in tokens(text.split())]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("142 over 88", "142/88"), ("142 over 88,", "one forty two over eighty-eight"), ("10 mg", "ten milligrams"),
        ("5'7\"", "five foot seven inches"), ("250 mg", "two hundred and fifty milligrams"), ("1,250", "1250"),
        ("105", "one hundred five"), ("2500", "two thousand five hundred"), ("98.6 degrees", "98.6°"),
        ("1st", "first"), ("20 percent", "20%"), ("21", "twenty one"), ("98.6", "ninety eight point six"),
        ("0.5", "zero point five"), ("23rd", "twenty third"),
    ],
)  # fmt: skip
def test_one_reading_in_two_spellings(one: str, other: str) -> None:
    assert read(one) == read(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("142 over 88", "104-2 over 88"), ("10 mg", "10 mcg"), ("2.5", "25"), ("15", "50"), ("fifteen", "fifty"),
        ("half", "have"), ("2.5", "twenty five"), ("20 3", "23rd"),
        ("5-7-135", "5-735"), ("twenty and thirty", "50"), ("two", "to"), ("first", "third"),
    ],
)  # fmt: skip
def test_two_readings(one: str, other: str) -> None:
    assert read(one) != read(other)


def test_words_that_look_like_units_are_none_without_a_figure() -> None:
    assert not any(token.unit for token in tokens(["over", "there", "a", "pound", "came", "to", "a", "point"]))


def marks(words: list[Any]) -> list[tuple[str, str | None, tuple[str, ...]]]:
    return [(word.text, word.doubt, word.alternatives) for word in words if word.doubt]


@pytest.mark.parametrize(
    ("plain", "second", "expected"),
    [
        ("it is 142 over 88 now", "it is 104-2 over 88 now", [("142", "number", ("104-2",))]),
        ("take ten milligrams", "take 10 mg", []),
        ("take 10 milligrams", "take 10 micrograms", [("milligrams", "number", ("micrograms",))]),
        ("take 10 twice", "take 10", [("twice", "number", ())]),
        ("take it", "take 5 it", [("take", "number", ("take 5",))]),
        ("it", "5 it", [("it", "number", ("it 5",))]),
        ("fifteen", "fifty", [("fifteen", "number", ("fifty",))]),
        ("the same words", "The same, words.", []),
        ("", "5", []),
        ("on January 6 then", "on January 6th then", []),
        ("is 1 11 over 70", "is 111 over 70", []),
        ("digits 7 4 6 1", "digits 7-4-6-1", []),
        ("is 20 30 over 70", "is 2030 over 70", [("20", "number", ("2030",)), ("30", "number", ("2030",))]),
        ("take 5 7 now", "take 57 now", [("5", "number", ("57",)), ("7", "number", ("57",))]),
        ("it is 5-7 now", "it is 57 now", [("5-7", "number", ("57",))]),
    ],
)
def test_a_numeral_that_differs_is_marked(client: Any, plain: str, second: str, expected: list[Any]) -> None:
    found = reconcile(client.words(plain), client.words(second))
    assert " ".join(word.text for word in found) == plain
    assert marks(found) == expected


def test_a_term_of_the_vocabulary_wins_over_a_word_and_is_marked(client: Any) -> None:
    plain, second = client.words("on my topper all 25 daily"), client.words("on metoprolol 25 daily")
    found = reconcile(plain, second, frozenset({"metoprolol"}))
    assert " ".join(word.text for word in found) == "on metoprolol 25 daily"
    assert marks(found) == [("metoprolol", "word", ("my topper all",))]
    starts = [word.start_s for word in found]
    assert starts == sorted(starts)


def test_a_term_of_the_vocabulary_never_wins_over_a_numeral(client: Any) -> None:
    plain, second = client.words("on 25 daily"), client.words("on metoprolol daily")
    found = reconcile(plain, second, frozenset({"metoprolol"}))
    assert marks(found) == [("25", "number", ("metoprolol",))]


def test_unsure_words_are_marked_and_sure_ones_are_not(client: Any) -> None:
    assert marks(reconcile(client.words("the cat", confidence=0.4), client.words("the bat"))) == [
        ("cat", "word", ("bat",))
    ]
    assert marks(reconcile(client.words("the cat"), client.words("the bat"))) == []


def test_a_numeral_that_the_model_is_unsure_of_is_marked_although_both_agree(client: Any) -> None:
    assert marks(reconcile(client.words("5 mg", confidence=0.3), client.words("5 mg"))) == [("5", "number", ())]


@pytest.mark.parametrize(
    ("text", "marked"),
    [
        ("we protect units of insulin", ["units"]), ("start in for the milligram diet", ["milligram"]),
        ("give 7 to unit some insulin", ["unit"]), ("oxygen is at percent", ["percent"]),
        ("he lost pounds", ["pounds"]), ("in the intensive care unit", []), ("over there to a point", []),
        ("10 units and 5 milligrams", []), ("ten more units", ["units"]),
    ],
)  # fmt: skip
def test_a_measure_without_a_figure_is_marked(client: Any, text: str, marked: list[str]) -> None:
    words = client.words(text)
    assert [word for word, doubt, _ in marks(reconcile(words, words)) if doubt == "number"] == marked


@pytest.mark.parametrize(("confidence", "marked"), [(0.64, True), (0.66, False)])
def test_a_numeral_is_marked_up_to_the_bound(client: Any, confidence: float, marked: bool) -> None:
    words = client.words("5 days", confidence=confidence)
    assert bool(marks(reconcile(words, words))) is marked


def test_an_unsure_numeral_in_a_word_that_differs_is_a_doubt_about_the_number(client: Any) -> None:
    found = reconcile(client.words("take I-100mg", confidence=0.1), client.words("take 100mg"))
    assert [doubt for word, doubt, _ in marks(found) if word == "I-100mg"] == ["number"]


def test_pieces_of_one_word_are_put_together() -> None:
    pieces = [(" 104", 0.0, 0.4, 0.9), ("-2", 0.4, 0.6, 0.5), (" over", 0.6, 0.9, 0.8), (" ", 0.9, 9.0, 0.1)]
    given = [dict(zip(("word", "start", "end", "probability"), piece, strict=True)) for piece in pieces]
    found = joined(given, "en", 0.8)
    assert [(word.text, word.end_s, word.confidence) for word in found] == [("104-2", 0.6, 0.5), ("over", 0.8, 0.8)]
    assert len(joined(given, "ja", 1.0)) == 3
