"""Names by marks of writing: a dash or a farewell before who signs, labels of who did it, ages in brackets, initials.

What stands there need only be able to be a name: a word of a list of names, or one that no list knows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from appliance.deid.identifier import IdentifierKind
from appliance.deid.lexicon import around
from appliance.deid.reading import Reading
from appliance.deid.recognisers.base import LIKELY, POSSIBLE, Found, ReadingRecogniser
from appliance.deid.recognisers.known_words import KnownWords, is_name_cased
from appliance.deid.recognisers.name_class import STATES_AND_COUNTRIES, NameWords, Weight

_PART = r"[^\W\d_a-z][^\W\d_]{1,25}(?:['’-][^\W\d_]{1,25})?"
_NAME = rf"(?P<name>{_PART}(?:[ ](?:[A-Z]\.[ ])?{_PART}){{0,2}})"
_LETTERS = r"(?:MD|DO|RN|NP|PA(?:-C)?|PT|OT|LPN|CNA|MA|RPh|PharmD|LCSW|MSW|PhD|SLP|RD|RT)"
_END = rf"(?=[ \t.]*(?:$|\n)|,? {_LETTERS}\b|[ ,]{{1,2}}[(+]{{0,2}}\d{{3}}[-.) ])"
_SIGNED = re.compile(
    rf"(?:(?<=[\s.!?)])[-–—~][ ]?|\b(?i:best|warmly|thx|thanks(?: so much| again)?|thank you(?: so much)?|cheers|love"
    rf"|(?:(?:best|kind|warm) )?regards|sincerely|yours(?: truly| sincerely)?|respectfully),[ ]){_NAME}{_END}",
    re.M,
)
# Whoever is greeted, but for whom everybody may be: any word with a capital is somebody there.
_GREETED = re.compile(
    r"(?:^|(?<=[.!?]\s))[ \t>]*(?i:hello|hi|hey|dear|good (?:morning|afternoon|evening))[ ]"
    r"(?!(?i:all|there|team|every(?:one|body)|miss|doc(?:tor)?s?|dr|nurses?|folks|sirs?|mada?m|ma['’]?am|friends?|colleagues?|providers?|staff|patients?|guys|again|again"
    r"|pharmac\w+|clinic|office|billing|support|customer|care|members?|parents?|family|ladies|gentlemen|mom|dad|mr|mrs|ms)\b)"
    rf"(?P<name>{_PART}(?:[ ]{_PART})?)(?=[ ]?(?:[,!]|[-–—]|$))",
    re.M,
)
# Two who did something, whatever words they are called by; not months, not what is black and white.
_PAIR = re.compile(
    r"(?<![\w'’-])(?P<one>[A-Z][a-z]{2,15})[ ]and[ ](?P<two>[A-Z][a-z]{2,15})"
    r"(?=[ ](?:were|are both|have|met|agreed|spoke|said|told)\b)"
)
# Who is quoted: behind the mark that ends what was said.
_QUOTED = re.compile(
    r"[\"”'’][ ](?:says|said|adds|added|replied|asked|explained|writes|wrote)[ ]"
    rf"(?P<name>{_PART}(?:[ ]{_PART})?)(?=[ ]?(?:[.,;]|$))",
    re.M,
)
# Whatever they are called: kin and helpers before a word with a capital that does something.
_KIN = re.compile(
    r"\b(?i:sister|brother|mother|father|mum|mom|dad|aunt|uncle|cousin|son|daughter|wife|husband|partner|fianc[eé]e?"
    r"|mate|friend|neighbou?r|driver|volunteer|vol\.|sponsor|roommate|landlord|tutor|carer|caregiver|coach|niece|nephew|grandson|granddaughter)"
    r"[ ](?P<name>[A-Z][a-z]{2,15})(?=[ ](?:holds|drove|drives|sits|works|lives|has|is|was|will|said|says|called|calls"
    r"|came|comes|brought|brings|asks|asked|helps|can|stays|takes|gives|wants|knows|does|did|had|plate)\b)"
)
# Who did it: agent nouns as labels, not "Marker:" or "Ulcer:".
_AGENT = re.compile(
    r"\b(?i:[a-z]{3,14}(?:ist|ian|geon|sector|thor|rator|essor|pervisor|eporter|iever|taker)|nurse|tech|assistant"
    rf"|anesthesia|scribe|caller|proctor|fellow|resident):[ ]{_NAME}(?=[\s.,;/)]|$)"
)
_AGED = re.compile(rf"(?<![\w-]){_NAME}(?= \(\d{{1,2}}(?: ?(?:y|yo|yrs?|mo))?\)|, \d{{2,3}}, )")
_SHOUTED = re.compile(
    r"(?:(?<=[a-z:;,][ ])|(?<=[A-Z][ ][-–—][ ]))(?P<first>[A-Z]{3,20})[ ](?:[A-Z]\.?[ ])?"
    r"(?P<last>(?:[OD]['’])?[A-Z]{3,20}(?:['-][A-Z]{2,20})?)(?![ -]?[A-Z]{2}|\w)"
)
_INITIALS = re.compile(r"(?<![\w.])[A-Z]\.[ ]?[A-Z]\.?(?![\w])|(?<![\w.-])[A-Z]{2}(?![\w-])")
_ACTS = re.compile(
    r"['’]s\b|,? (?:states|denies|reports|says|said|told|agrees|did|was (?![\d<>=])|has (?:a|an|no|had)\b)"
)


class NameMarkRecogniser(ReadingRecogniser):
    """Who signs, who did it, and initials of somebody whom the same text names in full."""

    kinds = (IdentifierKind.NAME,)

    def __init__(self, classes: NameWords) -> None:
        super().__init__()
        self._classes = classes
        self._lists = classes.words
        self._known = KnownWords(classes.words)
        kept = around("unlisted.kept") | STATES_AND_COUNTRIES
        self._plain = kept | self._lists.not_a_name | self._lists.nations | self._lists.heads | self._lists.structures

    def find(self, reading: Reading) -> Iterator[Found]:
        """Spans behind and before such marks; texts without capitals have none."""
        text = reading.text
        if not reading.capitals:
            return
        for pattern in (_SIGNED, _AGENT, _AGED):
            for match in pattern.finditer(text):
                end = self._named(text, match.start("name"), match["name"])
                if end:
                    yield Found(match.start("name"), end, IdentifierKind.NAME, LIKELY)
        for match in (*_GREETED.finditer(text), *_KIN.finditer(text), *_QUOTED.finditer(text)):
            low = {part.lower() for part in match["name"].split(" ")}
            if not low & self._classes.fixed_terms and not low & self._lists.titles:
                yield Found(*match.span("name"), IdentifierKind.NAME, LIKELY)
        for match in _PAIR.finditer(text):
            lows = {match["one"].lower(), match["two"].lower()}
            if lows <= self._classes.name_words and not lows & (self._plain | self._classes.fixed_terms):
                yield Found(*match.span("one"), IdentifierKind.NAME, POSSIBLE)
                yield Found(*match.span("two"), IdentifierKind.NAME, POSSIBLE)
        for match in _SHOUTED.finditer(text):
            parts = (match["first"].lower(), match["last"].lower())
            if all(self._could_be(part) for part in parts):
                yield Found(match.start(), match.end(), IdentifierKind.NAME, POSSIBLE)
        yield from self._initials(reading)

    def _could_be(self, low: str) -> bool:
        """Whether it is on a list of names, or on none and in no form of medicine."""
        if low in self._plain or low in self._classes.fixed_terms:
            return False
        weight = self._classes.weight(low)
        if low in self._classes.name_words or weight == Weight.SURNAME:
            return True
        return weight == Weight.UNKNOWN and not self._known.known(low)

    def _named(self, text: str, start: int, name: str) -> int | None:
        """Where the name ends that begins at `start`; None when its first word can be none."""
        end = None
        for part in re.finditer(r"\S+", name):
            word = part.group().rstrip(".")
            if len(word) > 1 and not (self._could_be(word.lower().removesuffix("'s")) and is_name_cased(word)):
                break
            end = start + part.end()
        return end

    def _initials(self, reading: Reading) -> Iterator[Found]:
        """ "J.K." and "JK denies" in a text that names Julia Kessler."""
        candidates = list(_INITIALS.finditer(reading.text))
        if not candidates:
            return
        letters = self._full_names(reading)
        for match in candidates:
            pair = re.sub(r"[^A-Z]", "", match.group())
            if pair not in letters:
                continue
            unknown = "." in match.group() or not self._known.known(pair.lower())
            if unknown or _ACTS.match(reading.text, match.end()):
                yield Found(match.start(), match.end(), IdentifierKind.NAME, POSSIBLE)

    def _full_names(self, reading: Reading) -> set[str]:
        """Initials of two words beside each other that can both be names."""
        words = [word for word in reading.words if word.capital and len(word.text) > 1]
        found = set()
        for first, last in pairwise(words):
            between = reading.text[first.end : last.start]
            if between not in (" ", ", ") or not (self._could_be(first.low) and self._could_be(last.low)):
                continue
            pair = (first, last) if between == " " else (last, first)
            found.add(pair[0].text[0] + pair[1].text[0])
        return found
