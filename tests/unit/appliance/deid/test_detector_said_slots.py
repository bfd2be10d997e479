"""Names in speech that are words, in slots where only somebody is named."""

from __future__ import annotations

import pytest


def _names(find, text: str) -> list[str]:
    return [value for kind, value in find(text) if kind == "name"]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("yeah mrs salt says he drifts off in class", "salt"),
        ("good morning misses strong how are we today", "strong"),
        ("okay this is doctor pain dictating on the next one", "pain"),
        ("well she says doctor weeks never listened", "weeks"),
        ("nurse wright told me you threw up twice", "wright"),
        ("my landlord bean won't like that at all", "bean"),
        ("doctor moon starts at nine room two is page she's deaf", "page"),
        ("bed four is brown he's eighty one", "brown"),
        ("can you say your whole name\ncheryl hand and i am ninety", "cheryl hand"),
        ("i need to reschedule for my dad derrick weeks\nwhat day was he coming", "derrick weeks"),
        ("kelly fish social is five three six", "kelly fish"),
    ],
)
def test_words_are_names_where_only_somebody_is_named(find, text, name):
    assert name in " | ".join(_names(find, text))


@pytest.mark.parametrize(
    ("text", "stays"),
    [
        ("i'll be your nurse tonight\nhow's the pain", "tonight"),
        ("the doctor said it was fine and the nurse is here", "said"),
        ("room two is clean and room three is open", "clean"),
        ("what's your name\ni already told you", "already"),
        ("the doctor never called me back", "never"),
        ("are you a doctor yourself\nno i teach", "yourself"),
        ("my boss always says that and my coach is here", "always"),
        ("my mother broke her hip\nand my dad had a stroke", "broke"),
    ],
)
def test_words_beside_titles_and_rooms_stay(find, text, stays):
    assert all(stays not in value for value in _names(find, text))
