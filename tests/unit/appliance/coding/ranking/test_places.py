"""Where a text says it: shortest stretches, inside of a sentence, every mention."""

import pytest

from appliance.coding.ranking.places import mentions
from appliance.coding.ranking.reading import read
from appliance.coding.ranking.terms import stem_texts
from tests.unit.appliance.coding.ranking.small import small_lexicon


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
