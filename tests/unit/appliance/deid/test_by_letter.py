"""Alternatives sorted by their first letter find what the same alternatives find as they are written."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from appliance.deid.recognisers.by_letter import by_letter

_WRITTEN = (
    "in|insta|instagram",  # the shorter one first: it wins
    "instagram|insta|in",
    "(?:high|mid(?:dle)?) school|school(?: of \\w+)?|hs",
    "x-?ray|x?ray|(?:e-)?mail|e?ks",
    "state|street|sk[iy]|s",
    "9\\d|1[0-4]\\d|ninet(?:y|ies)",
    "a[(|]b|(?:a|b\\|)c",
)
_PIECES = (
    "in", "insta", "gram", "high", "mid", "dle", " school", " of ", "hs", "x", "-", "ray", "e", "mail", "ks", "state",
    "sky", "9", "1", "3", "ninety", "a(b", "a|b", "b|c", "ac", " ", "\n", "\N{LATIN SMALL LETTER LONG S}", "İ",
    "\N{LATIN SMALL LETTER DOTLESS I}", "\N{KELVIN SIGN}", "S", "K", "I", "MID", "Street", "é",
)  # fmt: skip


def _spans(pattern: str, text: str) -> list[tuple[int, int]]:
    return [match.span() for match in re.finditer(pattern, text, re.IGNORECASE)]


@pytest.mark.parametrize("written", _WRITTEN)
@pytest.mark.parametrize("form", ["{}", r"\b{}\b", r"(?<!\w){}(?!s)"])
@given(pieces=st.lists(st.sampled_from(_PIECES), max_size=12))
@example(pieces=list(_PIECES))
def test_finds_what_the_alternatives_find(written: str, form: str, pieces: list[str]) -> None:
    text = "".join(pieces)
    assert _spans(form.format(by_letter(written)), text) == _spans(form.format(f"(?:{written})"), text)


@pytest.mark.parametrize("letter", "isk")
def test_letters_that_are_one_without_regard_to_case_stay_one(letter: str) -> None:
    folded = [chr(code) for code in range(0x3000) if re.fullmatch(letter, chr(code), re.IGNORECASE)]
    assert len(folded) > 2
    assert all(re.fullmatch(by_letter(f"{letter}|zz"), sign, re.IGNORECASE) for sign in folded)


@pytest.mark.parametrize("written", ["(?P<name>a)|b", r"\w+|a", "a+|b", "(?:a|b)+c", "a||b", "a??b", "(?i:a)|b", "^a"])
def test_refuses_what_it_cannot_sort(written: str) -> None:
    with pytest.raises(ValueError, match=r"begin|quantifier"):
        by_letter(written)
