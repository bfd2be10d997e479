"""Names of people: patients, relatives, clinicians; with and without titles, in any case.

Evidence first (a title, an introduction, a label, a given name with a surname), then names that stand alone, then
every further mention of a name for which there was evidence.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from appliance.deid.identifier import IdentifierKind
from appliance.deid.lexicon import Words
from appliance.deid.reading import Reading, Word
from appliance.deid.recognisers.base import CERTAIN, LIKELY, POSSIBLE, Found, ReadingRecogniser
from appliance.deid.recognisers.name_class import PARTICLES, NameWords, Weight

_TITLES = frozenset("dr drs mr mister mrs missus ms prof".split())
_LONGEST = 5  # words of a name
_GREETINGS = frozenset("hi hello hey dear morning afternoon evening welcome bye goodbye howdy".split())
_VOCATIVES = frozenset("thanks thank okay ok alright right so well yes no yeah sorry you please and now great good sure".split())
_NAMED = frozenset("named name's call called goes".split())
_AFTER_A_NAME = frozenset(
    "is was has had presents presented denies reports reported states stated complains came returns returned says said also who underwent lives works"
    " has been takes continues notes endorses and".split()
)
_NOT_CALLED = frozenset("i you we they to not would don't didn't never he she it won't can't might could may and or n't".split())
_LABEL = re.compile(
    r"(?:^|(?<=[\n|;.,(\t])|(?<=\s))(?:(?:patient|pt|client|member|subscriber|insured|provider|physician|attending|surgeon|assistant|nurse|resident|consultant|therapist"
    r"|pharmacist|prescriber|author|interpreter|guarantor|caller|contact|spouse|mother|father|parent|guardian|employer|employee)(?:'s)?[ \t]{0,2}(?:full |legal |last |first |middle |maiden )?(?:names?)?"
    r"|(?:(?:full|legal|last|first|middle|maiden|preferred|nick) ?)?name|next of kin|nok|emergency contact|pcp|(?:primary|referring|ordering|attending|consulting|treating|admitting|supervising|rendering)"
    r"(?: care)?(?: (?:physician|provider|doctor|md|clinician))?|(?:electronically |e-)?signed(?: by)?|dictated(?: by)?|transcribed(?: by)?|reviewed by|referred by|seen by|ordered by|performed by|prepared by"
    r"|verified by|witness(?:ed by)?|cosigned by|cc|re|attn|attention|to|from|dear|surname|given name|family name|alias|aka|a\.k\.a\.|d\.?b\.?a)"
    r"[ \t]*(?:[:=#–-]|[ \t]is[ \t]|(?<=by)[ \t])[ \t]*",
    re.I,
)
_RUN = re.compile(
    r"(?P<name>(?:(?:Dr|Mr|Mrs|Ms|Miss|Prof)\.?[ \t]+)?(?:[^\W\d_a-zà-ÿ][\w'’-]*\.?|[a-z]{2,3}(?=[ \t][A-Z]))(?:(?:,[ \t]?|[ \t]|\^)(?:[^\W\d_a-zà-ÿ][\w'’-]*\.?|(?:de|la|van|von|der|del|bin|al)(?=[ \t]))){0,4})"
)
_LAST_FIRST = re.compile(r"(?<![\w'-])(?P<last>[^\W\d_]['’\w-]{1,30})(?:,[ \t]?|\^)(?P<first>[^\W\d_][\w'’-]{1,30})(?P<middle>(?:[ \t]|\^)[A-Z]\b\.?)?(?![\w])")
_INITIALS = re.compile(
    r"\b(?:[Pp]atient|[Pp]t|[Ii]nitials?(?:[ \t](?:are|is))?|[Mm]r|[Mm]rs|[Mm]s|[Mm]iss|[Dd]r|[Cc]lient|[Ss]ubject|[Rr]e)\b[.:]?[ \t]{1,2}(?P<name>[A-Z]\.[ \t]?[A-Z]\.(?:[ \t]?[A-Z]\.)?|[A-Z]\.(?=\s)(?!\s[A-Z][a-z])|[A-Z]{2,3}(?=[ \t](?:is|was|has|presents|presented|DOB|MRN|with|,)))"
    r"|(?<![\w.])(?P<second>[A-Z]\.[ \t]?[A-Z]\.(?:[ \t]?[A-Z]\.)?)(?=,?[ \t](?:is|was|,)?[ \t]?(?:an?[ \t])?\d{1,3}[ -]?(?:year|y/?o|yr|M\b|F\b))"
    r"|(?<![\w.])(?P<third>[A-Z]\.[ \t]?(?:[A-Z]\.[ \t]?)?[A-Z][a-z'’-]{2,20}(?:-[A-Z][a-z]+)?)(?![\w])"
)
_CREDENTIAL = re.compile(
    r"(?P<name>(?:[A-Z][\w'’-]*\.?[ \t]){0,3}[A-Z][\w'’-]+),?[ \t](?:M\.?D\.?|D\.?O\.?|R\.?N\.?|N\.?P\.?|P\.?A\.?(?:-?C)?|Ph\.?D\.?|D\.?D\.?S\.?|D\.?P\.?M\.?|LCSW|LPN|APRN|FNP(?:-C|-BC)?|PharmD|DNP|CNM|CRNA|FACS|FACC|Esq|Jr|Sr|III|DPT|PT|OTR?|CNA|PsyD|MSW)\b"
)


class NameRecogniser(ReadingRecogniser):
    """Names of people without a model: by lists, titles, labels and what stands around."""

    kinds = (IdentifierKind.NAME,)

    def __init__(self, words: Words) -> None:
        super().__init__()
        self._lists = words
        self.classes = NameWords(words)

    def find(self, reading: Reading) -> Iterator[Found]:
        """Spans of names; mentions that repeat one are found in the whole text."""
        words = reading.words
        strong: set[str] = set()
        taken: set[int] = set()
        for found, sure in self._evidence(reading, words):
            inside = [at for at in range(*self._indexes(words, found))]
            if sure:
                strong.update(words[at].low for at in inside)
            taken.update(inside)
            yield found
        for at, word in enumerate(words):
            if at not in taken and self._repeated(reading, words, at, strong):
                yield Found(word.start, word.end, IdentifierKind.NAME, LIKELY)

    def _indexes(self, words: list[Word], found: Found) -> tuple[int, int]:
        import bisect

        first = bisect.bisect_left(words, found.start, key=lambda word: word.start)
        last = bisect.bisect_left(words, found.end, key=lambda word: word.start)
        return first, last

    def _repeated(self, reading: Reading, words: list[Word], at: int, strong: set[str]) -> bool:
        word = words[at]
        if len(word.low) < 3 or word.low not in strong or self.classes.clinical(words, at):
            return False
        weight = self.classes.weight(word.low)
        if weight in (Weight.GIVEN, Weight.SURNAME):
            return True
        return weight != Weight.NEVER and word.capital and (not word.opens or weight != Weight.UNKNOWN)

    def _evidence(self, reading: Reading, words: list[Word]) -> Iterator[tuple[Found, bool]]:
        text = reading.text
        for at in range(len(words)):
            span = self._at(reading, words, at)
            if span:
                first, last, confidence = span
                yield Found(words[first].start, words[last].end, IdentifierKind.NAME, confidence), confidence > POSSIBLE
        for label in _LABEL.finditer(text):
            match = _RUN.match(text, label.end())
            if match:
                yield from self._labelled(words, match)
        for match in _LAST_FIRST.finditer(text):
            last, first = match["last"].lower(), match["first"].lower()
            weights = self.classes.weight(last), self.classes.weight(first)
            cased = match["last"][0].isupper() and match["first"][0].isupper()
            if cased and weights[0] >= Weight.WORD_SURNAME and weights[1] >= Weight.WORD_GIVEN and not (weights[0] == weights[1] == Weight.GIVEN):
                yield Found(match.start(), match.end(), IdentifierKind.NAME, LIKELY), True
        for match in _INITIALS.finditer(text):
            name = str(match.lastgroup)
            if name != "third" or self._surname(match["third"]):
                yield Found(match.start(name), match.end(name), IdentifierKind.NAME, LIKELY), name == "third"
        for match in _CREDENTIAL.finditer(text):
            parts = [part for part in re.split(r"[ \t.]+", match["name"]) if part]
            if all(self.classes.weight(part.lower()) != Weight.NEVER or len(part) == 1 for part in parts) and not parts[-1].isupper():
                yield Found(match.start("name"), match.end("name"), IdentifierKind.NAME, LIKELY), True

    def _labelled(self, words: list[Word], match: re.Match[str]) -> Iterator[tuple[Found, bool]]:
        first, last = self._indexes(words, Found(match.start("name"), match.end("name"), IdentifierKind.NAME, CERTAIN))
        end = first
        while end < last and (
            self.classes.weight(words[end].low) != Weight.NEVER or len(words[end].text) == 1 or words[end].low in PARTICLES
            or words[end].low in self._lists.titles | self._lists.credentials
        ):  # fmt: skip
            end += 1
        start = first
        while start < end and words[start].low in self._lists.titles:
            start += 1
        if start < end and any(self.classes.weight(word.low) > Weight.UNKNOWN for word in words[start:end]) or end - start >= 2:
            yield Found(words[start].start, words[end - 1].end, IdentifierKind.NAME, CERTAIN), True

    def _surname(self, text: str) -> bool:
        return self.classes.weight(text.split(".")[-1].strip().lower()) in (Weight.SURNAME, Weight.WORD_SURNAME, Weight.GIVEN)

    def _at(self, reading: Reading, words: list[Word], at: int) -> tuple[int, int, float] | None:
        """The name that begins at a word, as (first word, last word, confidence)."""
        word = words[at]
        low = word.low
        before = words[at - 1] if at else None
        if before and before.low in self._lists.titles and word.gap.strip() in ("", ".") and "\n" not in word.gap:
            return self._titled(words, at, before)
        weight = self.classes.weight(low)
        introduced = self._introduced(words, at, weight)
        if introduced:
            return (at, self._extended(words, at), CERTAIN if weight > Weight.UNKNOWN else LIKELY)
        if weight <= Weight.UNKNOWN or self.classes.clinical(words, at):
            return None
        shouted = word.text.isupper() and len(word.text) > 1
        last = self._extended(words, at)
        if weight == Weight.GIVEN:
            if shouted and len(low) <= 3 and last == at:
                return None
            return (at, last, CERTAIN if last > at else LIKELY)
        capital = word.capital and not shouted and not word.opens
        if weight == Weight.WORD_GIVEN:
            if last > at and (self.classes.weight(words[at + 1].low) == Weight.SURNAME or (word.capital and words[at + 1].capital)):
                return (at, last, LIKELY)
            opens = word.opens and word.capital and at + 1 < len(words) and words[at + 1].low in _AFTER_A_NAME and words[at + 1].gap == " "
            if (capital and reading.capitals and low not in self._lists.ordinary_places) or opens:
                return (at, last, LIKELY)
            return None
        if weight == Weight.SURNAME and capital and reading.capitals:
            return (at, last, LIKELY)
        if weight == Weight.SURNAME and before and before.low in ("patient", "pt", "client") and word.gap == " ":
            return (at, last, LIKELY)
        return None

    def _titled(self, words: list[Word], at: int, title: Word) -> tuple[int, int, float] | None:
        weight = self.classes.weight(words[at].low)
        low = words[at].low
        if words[at].text.isupper() and title.text.isupper() and len(low) > 1 and weight <= Weight.UNKNOWN and title.low not in _TITLES:
            return None
        sure = title.low in _TITLES
        if weight == Weight.NEVER and not (sure and words[at].capital and low in self._lists.heads):
            return None
        if not sure:
            if title.low == "miss" and not words[at].capital and weight <= Weight.UNKNOWN:
                previous = words[words.index(title) - 1].low if words[0] is not title else ""
                if previous in _NOT_CALLED:
                    return None
            elif weight == Weight.UNKNOWN and not (words[at].capital and title.capital):
                return None
            elif weight in (Weight.WORD_SURNAME, Weight.WORD_GIVEN) and not (words[at].capital or title.low in ("doctor", "miss", "professor")):
                return None
        if title.text in ("MR", "MS") and not words[at].capital:
            return None
        return (at, self._extended(words, at, titled=True), CERTAIN)

    def _introduced(self, words: list[Word], at: int, weight: Weight) -> bool:
        """Whether the words before say that a name follows."""
        if at == 0:
            return False
        word, before = words[at], words[at - 1]
        gap = word.gap.strip()
        second = words[at - 2].low if at > 1 else ""
        following = words[at + 1] if at + 1 < len(words) else None
        if gap not in ("", ","):
            return False
        if before.low in ("is", "was") and gap == "" and second in ("name", "names", "surname"):
            return weight >= Weight.UNKNOWN
        if weight >= Weight.WORD_GIVEN and before.low in ("i'm", "am", "is", "it's", "me", "by", "named", "name's") and gap == "":
            third = words[at - 3].low if at > 2 else ""
            if before.low == "i'm" or (before.low == "am" and second == "i"):
                return weight == Weight.GIVEN or word.capital
            if before.low == "is" and second == "this":
                return weight == Weight.GIVEN or word.capital
            return before.low in ("named", "name's") or (before.low == "me" and second == "call") or (
                before.low == "by" and second == "goes" and third != "it"
            )
        if weight == Weight.UNKNOWN and before.low in ("named", "name's"):
            return word.capital or before.low == "name's"
        if before.low in _GREETINGS:
            if weight == Weight.NEVER:
                return False
            if weight >= Weight.WORD_SURNAME:
                return True
            answered = following is not None and (
                following.gap.strip()[:1] in (",", ".", "?", "!") or following.low in ("how", "good", "nice", "it's", "i'm", "what", "thanks")
            )
            return answered and before.gap.strip()[-1:] in ("]", ":") and word.low not in ("dragon", "dax")
        if before.low in self._lists.relatives and weight >= Weight.WORD_GIVEN:
            owned = second in ("my", "his", "her", "their", "your", "our", "the")
            return weight == Weight.GIVEN or word.capital or (owned and gap == "" and word.low not in ("max",))
        if before.low in self._lists.relatives and weight == Weight.UNKNOWN:
            return word.capital and not before.text.isupper() and gap == "" and not word.text.isupper() and not word.opens
        if before.low in _VOCATIVES and gap == "," and weight == Weight.WORD_GIVEN:
            return following is None or following.gap.strip()[:1] in (",", ".", "?", "!")
        return False

    def _extended(self, words: list[Word], at: int, *, titled: bool = False) -> int:
        """Index of the last word of the name that begins at `at`."""
        last = at
        given = self.classes.weight(words[at].low) in (Weight.GIVEN, Weight.WORD_GIVEN)
        for index in range(at + 1, min(at + _LONGEST, len(words))):
            word = words[index]
            if word.gap not in (" ", ". ", "  ", " . ", "^"):
                break
            if word.gap in (". ", " . ") and not (len(words[index - 1].text) == 1):
                break
            weight = self.classes.weight(word.low)
            if len(word.text) == 1:
                if word.capital and index + 1 < len(words) and words[index + 1].capital and words[index + 1].gap in (" ", ". "):
                    continue
                break
            if word.low in PARTICLES and index + 1 < len(words) and words[index + 1].gap == " " and (
                words[index + 1].capital or self.classes.weight(words[index + 1].low) >= Weight.SURNAME
            ):
                continue
            if weight == Weight.NEVER or word.low in self._lists.heads:
                break
            if weight >= Weight.SURNAME or (word.capital and words[at].capital and not word.text.isupper()):
                if self.classes.clinical(words, index) and word.low in self._lists.eponyms and not given:
                    break
                last = index
            elif weight == Weight.WORD_SURNAME and given and (word.capital or not words[at].capital) and last == at:
                last = index
            elif words[at].text.isupper() and word.text.isupper() and weight > Weight.UNKNOWN:
                last = index
            else:
                break
        return last
