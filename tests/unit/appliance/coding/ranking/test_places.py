"""Where a text says it: shortest stretches, inside of a sentence, every mention."""

import pytest

from appliance.coding.ranking.candidates import candidates
from appliance.coding.ranking.places import mentions, places
from appliance.coding.ranking.reading import read
from appliance.coding.ranking.terms import stem_texts
from tests.unit.appliance.coding.ranking.small import learned, small_lexicon


def quotes(text: str, words: str) -> list[str]:
    reading = read(text, small_lexicon())
    return [text[start:end] for start, end in mentions(reading, frozenset(stem_texts(words)))]


@pytest.mark.parametrize(
    ("text", "words", "wanted"),
    [
        ("No fever today. Fever yesterday.", "fever", ["fever", "Fever"]),
        ("A kidney, then a kidney with a stone.", "kidney stone", ["kidney with a stone"]),
        ("Stones were seen in the left kidney.", "kidney stone", ["Stones were seen in the left kidney"]),
        ("The kidney was seen. A stone was not.", "kidney stone", []),
        ("kidney one two three four five six seven eight nine stone", "kidney stone", []),
        ("Adenopathy.", "enlarged lymph node", ["Adenopathy"]),
    ],
)
def test_mentions(text: str, words: str, wanted: list[str]) -> None:
    assert quotes(text, words) == wanted


@pytest.mark.parametrize(
    ("code", "chance", "in_titles", "wanted"),
    [
        ("N20.1", 0.75, 0, ["Colic"]),
        ("N20.1", 0.2, 100, ["Colic"]),
        ("N20.1", 0.2, 0, []),
        ("R50.9", 0.75, 100, ["fever", "Fever"]),
    ],
    ids=["a phrase that means it", "a phrase of its titles", "a phrase that stands beside it", "a whole term"],
)
def test_evidence(code: str, chance: float, in_titles: int, wanted: list[str]) -> None:
    lexicon, text = small_lexicon(), "Colic and fever. Fever again."
    reading = read(text, lexicon)
    found = candidates(reading, lexicon, learned(lexicon, "colic", code, chance, in_titles))
    at = found.codes.tolist().index(lexicon.place[code])
    assert [text[start:end] for start, end in places(reading, lexicon, found, at)] == wanted
