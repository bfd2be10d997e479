"""What is said of a word of speech by what stands around it, as strings that a model weighs, never the word itself.

A feature names positions (p3 to p1 before, n1 to n3 behind), the word there or its class, and nothing farther than a
break: the end of a sentence, a line, a turn. The word whose name is asked for counts by its tags, its form, how often
texts use it as a word, and what else the text does with it, so that names that training never saw are judged alike.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from appliance.deid.lexicon import Words, around
from appliance.deid.reading import Reading, Word

REACH = 3  # words on either side
_BREAKS = "\n.?![]|"
_MARKS = ":;,()\"'/-#&*"
_EDGE = "<>"
_INITIAL = 2  # letters of a word whose full stop ends no sentence
_ENDINGS = ("ing", "ed", "ly", "tion", "ness", "ment", "ous", "al", "ic", "er", "est", "s", "y")
_POSSESSIVE = re.compile(r"['’]s$|s['’]$", re.IGNORECASE)
_ARTICLES = frozenset(("a", "an", "the", "this", "that", "these", "those", "some", "any", "no", "each", "every"))
_OWN = frozenset(("my", "your", "his", "her", "its", "our", "their"))
_LOW_COUNTS = (0, 1, 2, 4, 9)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What training knows of single words.

    Args:
        tags: Parts of speech by word in lower case, such as `N` or `N+V`.
        often: How often texts use a word as a word: 0 (never seen) to 6, doubling twice from step to step.
    """

    tags: Mapping[str, str]
    often: Mapping[str, int]


class Surroundings:
    """Features of the words of texts.

    Args:
        lists: The word lists.
        vocabulary: What training knows of single words.
    """

    def __init__(self, lists: Words, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        classes = (
            ("title", lists.titles), ("relative", lists.relatives), ("credential", lists.credentials),
            ("article", _ARTICLES), ("own", _OWN), ("role", around("roles.people")), ("given", lists.given),
            ("name", lists.surnames), ("either", lists.given_words | lists.surname_words), ("head", lists.heads),
            ("clinical", lists.clinical | lists.always_clinical), ("nation", lists.nations),
            ("place", lists.large_places | lists.places),
        )  # fmt: skip
        self._classes: dict[str, str] = {}
        for name, members in classes:
            for member in members:
                self._classes.setdefault(member, name)

    def of_text(self, reading: Reading) -> TextSurroundings:
        """The same for the words of one text."""
        return TextSurroundings(self, reading)

    def tag(self, low: str) -> str:
        """Parts of speech of a word, or its ending in brackets."""
        tag = self._vocabulary.tags.get(low)
        if tag is not None:
            return tag
        return next((f"({ending})" for ending in _ENDINGS if low.endswith(ending) and len(low) > len(ending) + 1), "()")

    def kind(self, low: str) -> str:
        """Class of a word by the lists, with its parts of speech unless it is a function word or hardly a word."""
        listed = self._classes.get(low)
        if listed in ("title", "relative", "credential", "article", "own", "role", "given", "name"):
            return listed
        tag = self.tag(low)
        return f"{listed}{tag}" if listed else tag

    def often(self, low: str) -> int:
        """How often texts use it as a word."""
        return self._vocabulary.often.get(low, 0)


class TextSurroundings:
    """Features of the words of one text."""

    def __init__(self, surroundings: Surroundings, reading: Reading) -> None:
        self._around = surroundings
        self._words = reading.words

    def at(self, at: int, others: Sequence[int], often: int | None = None) -> list[str]:
        """Features of the word at `at`.

        Args:
            at: Its place among the words of the text.
            others: The places of all its mentions.
            often: Instead of what the vocabulary says.
        """
        around = self._around
        word = self._words[at]
        before, behind = self._before(at), self._behind(at)
        p1, p2, p3 = before
        n1, n2, n3 = behind
        tag = around.tag(word.low)
        seen = around.often(word.low) if often is None else often
        owns = "'s" if _POSSESSIVE.search(word.text) else "-"
        document = self._elsewhere(at, others)
        return [
            f"o {seen}", f"t {tag}", f"s {owns}", f"d {document}", f"do {document} {seen}",
            f"p1 {p1[0]}", f"p2 {p2[0]}", f"p3 {p3[0]}", f"n1 {n1[0]}", f"n2 {n2[0]}", f"n3 {n3[0]}",
            f"P1 {p1[1]}", f"P2 {p2[1]}", f"N1 {n1[1]}", f"N2 {n2[1]}",
            f"p1o {p1[0]} {seen}", f"n1o {n1[0]} {seen}", f"P1o {p1[1]} {seen}", f"N1o {n1[1]} {seen}",
            f"p21 {p2[0]} {p1[0]}", f"n12 {n1[0]} {n2[0]}", f"p1n1 {p1[0]} {n1[0]}", f"P1N1 {p1[1]} {n1[1]}",
            f"p1N1 {p1[0]} {n1[1]}", f"P1n1 {p1[1]} {n1[0]}",
            f"P21N1 {p2[1]} {p1[1]} {n1[1]}", f"P1N12 {p1[1]} {n1[1]} {n2[1]}", f"p2P1 {p2[0]} {p1[1]}",
            f"N1n2 {n1[1]} {n2[0]}", f"N12 {n1[1]} {n2[1]}", f"N123 {n1[1]} {n2[1]} {n3[1]}", f"P21 {p2[1]} {p1[1]}",
            f"tP1 {tag} {p1[1]}", f"tN1 {tag} {n1[1]}", f"tPN {tag} {p1[1]} {n1[1]}", f"tp1 {tag} {p1[0]}",
            f"tn1 {tag} {n1[0]}", f"sN1 {owns} {n1[1]}",
        ]  # fmt: skip

    def _elsewhere(self, at: int, others: Sequence[int]) -> str:
        """What the text does with the word at its other mentions."""
        words = self._words
        articled = 0
        for other in others:
            if other == at:
                continue
            previous = words[other - 1].low if other and words[other].gap == " " else ""
            articled += previous in _ARTICLES or previous in _OWN
        count = len(others) - 1
        bucket = sum(count > bound for bound in _LOW_COUNTS)
        return f"{bucket}{'a' if articled else ''}"

    def _before(self, at: int) -> list[tuple[str, str]]:
        found: list[tuple[str, str]] = []
        words = self._words
        place = at
        while len(found) < REACH:
            if place == 0:
                found.append(("<", "<"))
                break
            mark = _mark(words[place].gap, words[place - 1])
            if mark[:1] == "<":
                found.append((mark, mark))
                break
            place -= 1
            low = words[place].low
            found.append((mark + low, mark + self._around.kind(low)))
        return found + [("-", "-")] * (REACH - len(found))

    def _behind(self, at: int) -> list[tuple[str, str]]:
        found: list[tuple[str, str]] = []
        words = self._words
        place = at
        while len(found) < REACH:
            if place + 1 == len(words):
                mark = ">" + _first_mark(words[place].behind)
                found.append((mark, mark))
                break
            mark = _mark(words[place + 1].gap, words[place])
            if mark[:1] == "<":
                mark = ">" + mark[1:]
                found.append((mark, mark))
                break
            place += 1
            low = words[place].low
            found.append((mark + low, mark + self._around.kind(low)))
        return found + [("-", "-")] * (REACH - len(found))


def _mark(gap: str, previous: Word) -> str:
    """What stands between two words: nothing but a blank (empty), a mark, or a break (begins with <)."""
    if gap == " ":
        return ""
    if gap == ". " and len(previous.text) <= _INITIAL:
        return "."
    for mark in _BREAKS:
        if mark in gap:
            return "<" + mark
    if any(character.isdigit() for character in gap):
        return "#"
    return next((mark for mark in _MARKS if mark in gap), "" if gap.isspace() else "_")


def _first_mark(behind: str) -> str:
    return next((mark for mark in behind if mark in _BREAKS), "")
