"""The rest of a name of which a recogniser found a part: a surname that is a word, particles, what an initial precedes.

It runs when the names are found: "Margot Blot" is somebody because Margot is, whatever "blot" means.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from appliance.deid.identifier import Identifier, IdentifierKind
from appliance.deid.recognisers.base import LIKELY
from appliance.deid.recognisers.name_class import STATES_AND_COUNTRIES, NameWords, Weight

_PART = r"[^\W\d_](?:[^\W\d_]|['’-]){1,30}"
_NAME = rf"(?=[^a-z]){_PART}"
_PARTICLE = (
    r"(?:d[aeiou]s?|del(?:la)?|la|le|van(?:[ ]de[nr]?|[ ]het|[ ]'t)?|von(?:[ ]de[rm])?|zu|ten|ter|den|der|bin|ibn|el|al"
    r"|de[ ]l[ao]s?)"
)
_AFTER = r"(?=['’]s\b|[ ]?(?:[,;:.)\n(/]|$)|[ ]+[a-z\d&–-]|[ ]{2,})"
_PARTICLE_BEHIND = re.compile(rf"[ ](?:(?:{_PARTICLE})[ ]){{1,2}}(?P<word>{_NAME})")
_PARTICLE_BEFORE = re.compile(rf"(?<![\w'’-])(?:(?P<word>{_NAME})[ ])?(?P<particle>{_PARTICLE})[ ]$")
_PARTICLE_FIRST = re.compile(rf"(?:{_PARTICLE}[ ]){{1,2}}(?={_NAME})")
_WORD_BEFORE = re.compile(rf"(?<![\w'’-])(?P<word>{_NAME})[ ]$")
_INITIAL_BEHIND = re.compile(rf"[ ][A-Z](?:\.[ ]?|[ ])(?P<word>{_NAME}){_AFTER}")
_WORD_BEHIND = re.compile(rf"[ ](?P<word>{_NAME}){_AFTER}")
_CLOSED = re.compile(r"['’]s\b|[ ]?(?:[,;.)\n]|$)")
_ENDS_IN_INITIAL = re.compile(r"[ ][A-Z]\.?$")
_INITIALS = re.compile(r"(?:[A-Z]\.[ ]?){1,3}")
# Behind "Last, First"; a third name or "and" makes it a list.
_CLOSES = re.compile(r"[ ]?(?:[.;:)\n]|,[ ](?![A-Z][a-z])|$)|[ ](?!and\b|&)[a-z#\d(]")
_LISTED_BEFORE = re.compile(r"(?:[a-zà-ÿ],|\b(?:and|or)) $")
_SHOUTED_BEFORE = re.compile(r"\b(?i:pt|patient|name|client|re)[:.]?[ ](?P<word>[A-Z]{3,20})[ ]$")
_TWO = r"[ ](?:were|are|have|both|had|agree|agreed|met|spoke|discussed|came|decided|reviewed|will)\b"
_TWO_ACT = re.compile(_TWO)
_AND_BEHIND = re.compile(rf"[ ](?:and|&)[ ](?P<word>{_NAME})(?={_TWO})")
_LAST = re.compile(rf",?[ ](?:and|&)[ ](?P<word>{_NAME})(?=[ ]?(?:[.,;:)\n]|$))")
# Who did something with somebody, at the beginning of a sentence: "Mark told Varga".
_DID_BEFORE = re.compile(
    rf"(?:^|[.!?\n]\s{{0,2}})(?P<word>{_NAME})[ ](?:shouted at|told|asked|called|met|saw|hugged|married|thanked|phoned"
    r"|emailed|texted|visited|spoke (?:to|with)|talked (?:to|with))[ ]$"
)
_AND_BEFORE = re.compile(rf"(?<![\w'’-])(?P<word>{_NAME})[ ](?:and|&)[ ]$")
_LOOK = 40
_SHORTEST = 3  # letters of a surname that is a word


class PeopleBeside:
    """Reaches from a part of a name to its whole.

    Args:
        classes: Says what words are.
    """

    def __init__(self, classes: NameWords) -> None:
        self._classes = classes
        lists = classes.words
        self._never = lists.titles | lists.relatives | lists.credentials | lists.heads | lists.nations
        self._never |= STATES_AND_COUNTRIES | classes.fixed_terms
        self._people = classes.name_words - self._never

    def __call__(self, text: str, found: Sequence[Identifier]) -> Iterator[Identifier]:
        """Spans of whole names.

        Args:
            text: The text.
            found: Its identifiers, by start.
        """
        for at, item in enumerate(found):
            value = text[item.start : item.end]
            if item.kind is IdentifierKind.NAME and (value[0].isupper() or _PARTICLE_FIRST.match(value)):
                high = found[at + 1].start if at + 1 < len(found) else len(text)
                start, end = self._begun(text, item), self._ended(text, item, high)
                other = found[at + 1] if at + 1 < len(found) else None
                if other is not None and other.kind is IdentifierKind.NAME and self._are_one(text, item, other):
                    end = max(end, other.end)
                yield from self._beside_and(text, item)
                if at and found[at - 1].kind is item.kind and text[found[at - 1].end : item.start] == ", ":
                    yield from self._last_of_a_list(text, item)
                if (start, end) != (item.start, item.end):
                    yield Identifier(start, end, item.kind, type(self).__name__, LIKELY)

    def _beside_and(self, text: str, item: Identifier) -> Iterator[Identifier]:
        """Who does something with somebody: "Varga and Brown were told", "Mark told Varga"."""
        did = _DID_BEFORE.search(text, max(0, item.start - _LOOK), item.start)
        if did and did["word"].lower() in self._people:
            yield Identifier(*did.span("word"), item.kind, type(self).__name__, LIKELY)
        pairs = (_AND_BEHIND.match(text, item.end), _AND_BEFORE.search(text, max(0, item.start - _LOOK), item.start))
        for match in pairs:
            if match is None or (match is pairs[1] and not _TWO_ACT.match(text, item.end)):
                continue
            if match["word"].lower() in self._people:
                yield Identifier(*match.span("word"), item.kind, type(self).__name__, LIKELY)

    def _last_of_a_list(self, text: str, item: Identifier) -> Iterator[Identifier]:
        """The surname that ends a list of people: "Varga, Moss and White."."""
        last = _LAST.match(text, item.end)
        if last and last["word"].lower() in self._people:
            yield Identifier(*last.span("word"), item.kind, type(self).__name__, LIKELY)

    def _are_one(self, text: str, one: Identifier, other: Identifier) -> bool:
        """Whether two finds are one name: "K. M." and "Fujimoto", "Vlahos/Stavros", "partner Wróbel, Małgorzata."."""
        first, second = text[one.start : one.end], text[other.start : other.end].lstrip()
        between = text[one.end : other.end].removesuffix(second)
        if not second[:1].isupper():
            return False
        if between == " " and _INITIALS.fullmatch(first):
            return True
        if between == "/":
            surname = self._classes.weight(first.lower()) not in (Weight.GIVEN, Weight.WORD_GIVEN) and " " not in first
            return surname and self._classes.weight(second.lower()) == Weight.GIVEN
        if between != ", " or " " in first or not _CLOSES.match(text, other.end):
            return False
        family, given = (self._classes.weight(part.lower()) for part in (first, second.split(" ")[0]))
        alone = not _LISTED_BEFORE.search(text, max(0, one.start - _LOOK), one.start)
        return alone and family in (Weight.SURNAME, Weight.UNKNOWN) and given in (Weight.GIVEN, Weight.UNKNOWN)

    def _begun(self, text: str, item: Identifier) -> int:
        if _PARTICLE_FIRST.match(text, item.start, item.end):
            given = _WORD_BEFORE.search(text, max(0, item.start - _LOOK), item.start)
            named = given and self._classes.weight(given["word"].lower()) >= Weight.UNKNOWN
            return given.start() if given and named else item.start
        shouted = _SHOUTED_BEFORE.search(text, max(0, item.start - _LOOK), item.start)
        if shouted and text[item.start + 1 : item.start + 2].islower() and shouted["word"].lower() not in self._never:
            return shouted.start("word")
        before = _PARTICLE_BEFORE.search(text, max(0, item.start - _LOOK), item.start)
        if before is None:
            return item.start
        word = before["word"]
        strange = word and word[0].isupper() and self._classes.weight(word.lower()) >= Weight.UNKNOWN
        return before.start("word" if strange else "particle")

    def _ended(self, text: str, item: Identifier, high: int) -> int:
        value = text[item.start : item.end]
        if not value[-1].isalpha() and value[-1] != ".":
            return item.end
        behind = _PARTICLE_BEHIND.match(text, item.end)
        if behind and self._may_be(behind["word"], value):
            return behind.end()
        behind = _INITIAL_BEHIND.match(text, item.end)
        if behind and " " not in value and self._may_be(behind["word"], value):
            return behind.end("word")
        behind = _WORD_BEHIND.match(text, item.end, high) or _WORD_BEHIND.match(text, item.end)
        if behind is None:
            return item.end
        if _ENDS_IN_INITIAL.search(value):
            given = self._classes.weight(value.split(" ")[0].lower()) in (Weight.GIVEN, Weight.UNKNOWN)
            whole = (
                given
                and (value.count(" ") > 1 or value[-1] != ".")
                and behind["word"].lower() not in self._classes.words.credentials
            )
            return behind.end("word") if whole else item.end
        if not self._may_be(behind["word"], value):
            return item.end
        return behind.end("word") if self._is_surname(text, value, behind) else item.end

    def _may_be(self, word: str, value: str) -> bool:
        """Whether a word with a capital may end a name: written like it, and neither a title nor clinical."""
        return word.isupper() == (value.isupper() and len(value) > 1) and word.lower() not in self._never

    def _is_surname(self, text: str, value: str, behind: re.Match[str]) -> bool:
        """Whether a word behind a given name ends it: "Margot Blot, 34" does, "Margot Denies pain" does not."""
        if " " in value or value.isupper() or len(behind["word"]) < _SHORTEST:
            return False
        if self._classes.weight(value.lower()) not in (Weight.GIVEN, Weight.WORD_GIVEN, Weight.UNKNOWN):
            return False
        low = behind["word"].lower()
        if low in self._classes.words.not_a_name:
            return False
        return self._classes.weight(low) > Weight.ORDINARY or bool(_CLOSED.match(text, behind.end("word")))
