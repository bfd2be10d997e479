"""Names by the form around them: letters that are spelt out, fields of messages and files, lines of signature."""

from __future__ import annotations

import re
from collections.abc import Iterator

from appliance.deid.identifier import IdentifierKind
from appliance.deid.lexicon import around
from appliance.deid.recognisers.base import CERTAIN, LIKELY, Found
from appliance.deid.recognisers.name_class import NameWords, Weight

_DASHED = re.compile(r"(?<![\w-])[a-z](?:-[a-z]){3,20}(?![\w-])", re.I)
_LETTERS = re.compile(r"(?<![\w'’-])(?:double[ ])?[a-z](?:[ ,]{1,3}(?:double[ ])?[a-z]){3,20}(?![\w'’-])", re.I)
_AS_IN = re.compile(
    r"(?<![\w'’-])[a-z](?: as in | like | for )[a-z]{2,15}"
    r"(?:[ ,.]{1,3}(?:and |then )?[a-z](?: as in | like | for )[a-z]{2,15}){1,20}"
    r"|(?<![\w'’-])(?:[a-z][ ,]{1,2}){1,12}[a-z] as in [a-z]{2,15}(?:[ ,.]{1,3}[a-z](?: as in [a-z]{2,15})?(?![\w'’]))"
    r"{0,15}",
    re.I,
)
_SPELLING = re.compile(r"\b(?:spel(?:l|led|t|ling|ls)|letters?|names?|surname)\b", re.I)
_IT_IS = re.compile(r"\b(?:it|that) ?(?:['’]s|is) $", re.I)
_WORD = re.compile(r"[^\W\d_]{3,30}")
_LOOK_BACK = 60  # characters in which the word that is spelt was said
_SELF_EVIDENT = 5  # letters in a row that nobody says but to spell a name
_TERMS = around("name_forms.spelt_terms")

_PERSON = r"[^\W\d_][\w'’.-]{0,30}"
# Segments of HL7 version 2 that hold people; others hold codes of tests between the same signs.
_SEGMENT = re.compile(r"(?:^|[\n\r])[ \t]*(?:PID|NK1|PV1|PD1|GT1|IN1|IN2)\|[^\n\r]{1,4000}")
_COMPONENTS = re.compile(rf"(?<![^|^~&]){_PERSON}\^{_PERSON}(?:\^[A-Za-z]{{1,20}}\.?)?(?![^|^~&\s])")
_CARETS = re.compile(r"(?<![\w^])(?P<family>[A-Z][A-Za-z'’-]{1,30})\^(?P<given>[A-Z][A-Za-z'’-]{1,30})(?:\^[A-Z]\b)?")
_FIELD = re.compile(
    rf"<(?:given|family|first|last|middle|prefix|patient"
    rf"|sur)[ _-]?(?:name)?>\s{{0,3}}(?P<tag>{_PERSON}(?: {_PERSON}){{0,3}})\s{{0,3}}<"
    rf"|<(?:given|family) value=\"(?P<value>{_PERSON}(?: {_PERSON}){{0,3}})\""
    rf"|[\"'](?:given|family|(?:first|last|middle|full|patient|sur|maiden|display|legal)[ _-]?name|patient"
    rf"|name)[\"']\s{{0,2}}:"
    rf"\s{{0,2}}\[?\s{{0,2}}[\"'](?P<json>{_PERSON}(?:[ ,]{{1,2}}{_PERSON}){{0,4}})[\"']"
    rf"|\b(?:(?:first|last|middle|full|patient|pt|sur|maiden|given|family)[_-]?name)\s{{0,2}}[=:]\s{{0,2}}[\"']?"
    rf"(?P<key>{_PERSON}(?:[ ]{_PERSON}){{0,3}})",
    re.I,
)
_SIGNED = re.compile(
    r"(?:^|\n)[ \t]*(?:[^\n]{0,200}[.!?][ \t]+)?(?i:best|(?:many )?thanks(?: so much| again| a lot| very much)?"
    r"|thank you(?: so much| again| very much)?"
    r"|(?:(?:best|kind|warm|kindest|warmest) )?(?:regards|wishes)|(?:very )?sincerely(?: yours)?"
    r"|yours (?:truly|sincerely)|take care|respectfully(?: yours| submitted)?|cheers|warmly|cordially|love|xoxo)"
    r"[ \t]*[,.!]{0,2}[ \t]*\n{1,3}[ \t]*[-–—~]?[ \t]*"
    r"(?P<name>[^\W\d_a-z][\w'’.-]{1,25}(?:[ \t][^\W\d_a-z][\w'’.-]{0,25}){0,3})(?=,|[ \t]*(?:\n|$))"
)
_LAST_LINE = re.compile(
    r"[^\n]\n{1,3}[ \t]*[-–—~]{1,2}[ \t]*(?P<name>[^\W\d_a-z][\w'’.-]{1,25}(?:[ \t][^\W\d_a-z][\w'’.-]{1,25})?)\s*$"
)
_SAID = re.compile(
    r"(?:name(?: ?['’]s| is| was|,|:)?|goes by|calls? (?:me|him|her|them))"
    r" [\"“]?(?P<name>[^\W\d_][\w'’-]{1,25})(?P<second>[ ][^\W\d_][\w'’-]{2,25})?"
    r"(?P<behind>[ ]?[,.?!;\n\"”]|$|[ ](?:and|last)\b)?",
    re.I,
)
# Whose name: "brand name" is nobody's.
_WHOSE = re.compile(
    r"\b(?:(?:first|last|middle|maiden|family|given|full|legal|preferred|nick|my|his|her|their|your|patient|pt"
    r"|patient's"
    r"|mother's|father's|wife's|husband's|daughter's|son's|baby's|doctor's|nurse's|can|please|just|everybody|everyone"
    r"|people|they|may|should) ?|sur)$",
    re.I,
)
# Behind these a surname that is a word is a surname: "PCP: Page", "Baby boy Green", "Drs. Moon and Frost".
_OFFICE = re.compile(
    r"\b(?:PCP|Attending|Surgeon|Anesthesiologist|Referring|Consultant|Read by|Dictated by|Signed by"
    r"|Baby [Bb]oy|Baby [Gg]irl"
    r"|BB|BG|Drs\.?)[:,]?[ \t](?P<name>[A-Z][a-z]{1,20})\b(?:,? (?:and|&) (?P<second>[A-Z][a-z]{1,20})\b)?"
)
_ODD_NAMES = around("name_position.odd_names")


class NameForms:
    """Finds names whose form alone tells them."""

    def __init__(self, classes: NameWords) -> None:
        self._classes = classes
        self._lists = classes.words

    def find(self, text: str) -> Iterator[tuple[Found, bool]]:
        """Spans of names, each with whether further mentions of its words are names as well."""
        low = text.lower()
        yield from self._spelt(text)
        if "name" in low or "goes by" in low or "call" in low:
            yield from self._said(text)
        for match in _OFFICE.finditer(text):
            for name in ("name", "second"):
                if match[name] and match[name].lower() in self._lists.surname_words:
                    yield _found(match, name, LIKELY), False
        if "^" in text:
            yield from self._messages(text)
        if "name" in low or "<" in text or '"' in text:
            for match in _FIELD.finditer(text):
                yield _found(match, str(match.lastgroup), CERTAIN), True
        if "\n" in text:
            for match in _SIGNED.finditer(text):
                if not self._plain(match["name"]):
                    yield _found(match, "name", LIKELY), True
            last = _LAST_LINE.search(text, max(0, len(text) - 120))
            if last and text.count("\n-") == 1 and all(self._could_be(part) for part in last["name"].lower().split()):
                yield _found(last, "name", LIKELY), False

    def _spelt(self, text: str) -> Iterator[tuple[Found, bool]]:
        for match in _DASHED.finditer(text):
            yield from self._spelling(text, match, sure=True)
        for match in _LETTERS.finditer(text):
            yield from self._spelling(text, match, sure=False)
        if " as in " in text or " for " in text or " like " in text:
            for match in _AS_IN.finditer(text):
                # "i for one" and "t like that" need more than two letters, "n as in nancy" is plain.
                if " as in " in match.group() or len(re.findall(r" (?:for|like) ", match.group())) > 2:
                    # No name: its words ("nancy", "boy") are nobody's, and must not be looked for elsewhere.
                    yield Found(match.start(), match.end(), IdentifierKind.OTHER, CERTAIN), False

    def _spelling(self, text: str, match: re.Match[str], *, sure: bool) -> Iterator[tuple[Found, bool]]:
        """The letters, and the word before them that they spell."""
        letters = re.sub(r"double (\w)", r"\1\1", match.group().lower())
        letters = re.sub(r"[^a-z]", "", letters)
        start = max(0, match.start() - _LOOK_BACK)
        spelt = [word for word in _WORD.finditer(text, start, match.start()) if word.group().lower() == letters]
        for word in spelt:
            yield Found(word.start(), word.end(), IdentifierKind.NAME, LIKELY), True
        cued = bool(_SPELLING.search(text, start, match.start()))
        if letters in _TERMS and not spelt:
            return
        said = _IT_IS.search(text, max(0, match.start() - 8), match.start())
        if sure or spelt or cued or said or len(letters) >= _SELF_EVIDENT:
            yield _found(match, 0, LIKELY), False

    def _said(self, text: str) -> Iterator[tuple[Found, bool]]:
        """What "last name" and "my name is" introduce, also where it is a word: rice, summer, will."""
        for match in _SAID.finditer(text):
            by_itself = match.group()[:4].lower() == "goes"
            if not by_itself and not _WHOSE.search(text, max(0, match.start() - 12), match.start()):
                continue
            closed = match["behind"] is not None and match["second"] is None
            if not self._could_be(match["name"].lower(), closed=closed):
                continue
            second = match["second"]
            whole = second is not None and (
                self._classes.weight(second.strip().lower()) >= Weight.UNKNOWN
                or (second.strip().lower() in self._lists.surname_words and match["behind"] is not None)
            )
            yield (
                Found(match.start("name"), match.end("second" if whole else "name"), IdentifierKind.NAME, LIKELY),
                False,
            )

    def _could_be(self, low: str, *, closed: bool = False) -> bool:
        weight = self._classes.weight(low)
        listed = low in self._lists.surname_words or low in _ODD_NAMES
        if closed and (listed or weight == Weight.ORDINARY):
            return True
        return weight >= Weight.UNKNOWN or low in _ODD_NAMES

    def _messages(self, text: str) -> Iterator[tuple[Found, bool]]:
        for segment in _SEGMENT.finditer(text):
            for match in _COMPONENTS.finditer(text, segment.start(), segment.end()):
                yield _found(match, 0, CERTAIN), True
        for match in _CARETS.finditer(text):
            weights = [self._classes.weight(match[part].lower()) for part in ("family", "given")]
            if min(weights) >= Weight.UNKNOWN and not (match["given"].isupper() and len(match["given"]) < 4):
                yield _found(match, 0, LIKELY), True

    def _plain(self, name: str) -> bool:
        """Whether a line below a greeting is no name: a role, an office."""
        parts = [part.lower().strip(".") for part in re.split(r"[ \t]", name)]
        skipped = self._lists.credentials | self._lists.titles
        weights = [self._classes.weight(part) for part in parts if len(part) > 1 and part not in skipped]
        if len(parts) == 1 and self._could_be(parts[0], closed=parts[0] in self._lists.surname_words):
            return False
        return not weights or all(weight <= Weight.ORDINARY for weight in weights)


def _found(match: re.Match[str], group: int | str, confidence: float) -> Found:
    return Found(match.start(group), match.end(group), IdentifierKind.NAME, confidence)
