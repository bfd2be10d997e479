"""The word lists of words.json."""

import json
from functools import cache
from importlib.resources import files


@cache
def _lists() -> dict[str, list[str]]:
    lists: dict[str, list[str]] = json.loads((files(__package__) / "words.json").read_text("utf-8"))
    return lists


def word_list(name: str) -> frozenset[str]:
    """Return a list of words; KeyError for a list that the file does not have."""
    return frozenset(" ".join(_lists()[name]).split())
