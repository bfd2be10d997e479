"""Initials with full stops, users of accounts, and words that are names where somebody is hailed or spoken about."""

from __future__ import annotations

import pytest


def _names(find, text: str) -> list[str]:
    return [value for kind, value in find(text) if kind == "name"]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Ranson score for pancreatitis in E.V. (DOB 03/04/51)? lipase high.", "E.V"),
        ("Daughter called back. Will come in. -- Z.Q.", "Z.Q"),
        ("Needle stick at two; index pt ZK. Labs drawn.", "ZK"),
        ("Fax of four pages. Regarding ZK, stress test.", "ZK"),
        ("A new device uses the mailbox of kvoe since noon.", "kvoe"),
    ],
)
def test_initials_and_users_are_names(find, text, name):
    assert any(name in value for value in _names(find, text))


@pytest.mark.parametrize(
    "text",
    [
        "She trained in the U.S. and came back.",
        "Continue with I.V. fluids.",
        "Discussed regarding PT, OT needs.",
        "The account of pain was vague.",
    ],
)
def test_letters_that_mean_something_else_stay(find, text):
    assert _names(find, text) == []


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("[doctor] well joy we're done here", "joy"),
        ("[doctor] ha well hope we're glad you came", "hope"),
        ("[doctor] what's your card number dawn do you have it", "dawn"),
        ("[nurse] it's me calling about marsh in fourteen", "marsh"),
        ("[caller] i'm at cook's office with a refill", "cook"),
        ("[daughter] yes i'm anne-claire and we live close", "anne-claire"),
        ("Social history: Crane rents a flat, no tobacco.", "Crane"),
    ],
)
def test_a_word_is_somebody_who_is_hailed_or_spoken_about(find, text, name):
    assert any(name in value for value in _names(find, text))


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("[doctor] i hope you're better", "hope"),
        ("[doctor] the joy we're after is small", "joy"),
        ("[patient] the old guy do you know him", "guy"),
        ("[patient] i work at the cook's station", "cook"),
        ("[patient] it's low-dose and well-known", "low-dose"),
        ("Social history: Drinks two beers, smokes.", "Drinks"),
    ],
)
def test_words_stay_where_they_are_words(find, text, word):
    assert not any(word in value for value in _names(find, text))
