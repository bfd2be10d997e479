"""Names of people: patients, relatives, clinicians; with and without titles, in any case.

Evidence first (a title, an introduction, a label, a given name with a surname), then names that stand alone, then
every further mention of a name for which there was evidence.
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterator

from appliance.deid.identifier import IdentifierKind
from appliance.deid.reading import Reading, Word
from appliance.deid.recognisers.base import CERTAIN, LIKELY, POSSIBLE, Found, ReadingRecogniser
from appliance.deid.recognisers.name_class import PARTICLES, STATES_AND_COUNTRIES, NameWords, Weight
from appliance.deid.recognisers.name_context import NameContext

_LABEL = re.compile(
    r"(?:^|(?<=[\n|;.,(\t])|(?<=\s))(?:(?:patient|pt|client|member|subscriber|insured"
    r"|provider|physician|attending|surgeon|assistant|nurse|resident|consultant|therapist"
    r"|pharmacist|prescriber|author|interpreter|guarantor|caller|contact|spouse|mother|father"
    r"|parent|guardian|employer|employee)(?:'s)?[ \t]{0,2}(?:full |legal |last |first |middle"
    r" |maiden )?(?:names?)?"
    r"|(?:(?:full|legal|last|first|middle|maiden|preferred|nick) ?)?name|next of kin|nok"
    r"|emergency contact|pcp|(?:primary|referring|ordering|attending|consulting|treating"
    r"|admitting|supervising|rendering)"
    r"(?: care)?(?: (?:physician|provider|doctor|md|clinician))?|(?:electronically "
    r"|e-)?signed(?: by)?|dictated(?: by)?|transcribed(?: by)?|reviewed by|referred by|seen"
    r" by|ordered by|performed by|prepared by"
    r"|verified by|witness(?:ed by)?|cosigned by|cc|re|attn|attention|to|from|dear|surname"
    r"|given name|family name|alias|aka|a\.k\.a\.|d\.?b\.?a)"
    r"[ \t]*(?:[:=#–-]|(?<=name)\?|[ \t]is[ \t]|(?<=by)[ \t])[ \t]*",
    re.I,
)
_SPEAKER = re.compile(
    r"\s*(?:patient|pt|nurse|mother|father|parent|guardian|caller|spouse|client|provider"
    r"|physician|therapist|interpreter)\s*:\s*",
    re.I,
)
_RUN = re.compile(
    r"(?P<name>(?:(?:Dr|Mr|Mrs|Ms|Miss|Prof)\.?[ \t]+)?(?:[^\W\d_a-zà-ÿ][\w'’-]{0,30}\.?"
    r"|[a-z]{2,3}(?=[ \t][A-Z]))(?:(?:,[ \t]?|[ \t]|\^)(?:[^\W\d_a-zà-ÿ][\w'’-]{0,30}\.?"
    r"|(?:de|la|van|von|der|del|bin|al)(?=[ \t]))){0,4})"
)
_LAST_FIRST = re.compile(
    r"(?<![\w'-])(?P<last>[^\W\d_]['’\w-]{1,30})(?:,[ \t]?"
    r"|\^)(?P<first>[^\W\d_][\w'’-]{1,30})(?P<middle>(?:[ \t]|\^)[A-Z]\b\.?)?(?![\w])"
)
_BEFORE_LISTED = re.compile(
    r"(?:(?:^|\n)[ \t]*|\b(?:patient|pt|re|name|subscriber|member|client|insured|guarantor"
    r"|attn|attention|for|provider|physician|by)\b[.:]{0,2}[ \t]*)$",
    re.I,
)
_INITIALS = re.compile(
    r"\b(?:[Pp]atient|[Pp]t|[Ii]nitials?(?:[ \t](?:are|is))?|[Mm]r|[Mm]rs|[Mm]s|[Mm]iss|[Dd]r"
    r"|[Cc]lient|[Ss]ubject|[Rr]e)\b[.:]?[ \t]{1,2}(?P<name>[A-Z]\.[ \t]?[A-Z]\.(?:["
    r" \t]?[A-Z]\.)?|[A-Z]\.(?=\s)(?!\s[A-Z][a-z])|[A-Z]{2,3}(?=[ \t](?:is|was|has|presents"
    r"|presented|DOB|MRN|with|,)))"
    r"|(?<![\w.])(?P<second>[A-Z]\.[ \t]?[A-Z]\.(?:[ \t]?[A-Z]\.)?)(?=,?[ \t](?:is|was|,)?["
    r" \t]?(?:an?[ \t])?\d{1,3}[ -]?(?:year|y/?o|yr|M\b|F\b))"
    r"|(?<![\w.])(?P<third>[A-Z]\.[ \t]?(?:[A-Z]\.[ \t]?)?[A-Z][a-z'’-]{2,20}(?:-[A-Z][a-z]+)?)(?![\w])"
)
_CREDENTIAL = re.compile(
    r"(?<![\w'’-])(?P<name>(?:[A-Z][\w'’-]{0,30}\.?[ \t]){0,3}[A-Z][\w'’-]{1,30}),?["
    r" \t](?:M\.?D\.?|D\.?O\.?|R\.?N\.?|N\.?P\.?|P\.?A\.?(?:-?C)?|Ph\.?D\.?|D\.?D\.?S\.?"
    r"|D\.?P\.?M\.?|LCSW|LPN|APRN|FNP(?:-C|-BC)?|PharmD|DNP|CNM|CRNA|FACS|FACC|Esq|Jr|Sr|III"
    r"|DPT|PT|OTR?|CNA|PsyD|MSW)\b"
)


class NameRecogniser(ReadingRecogniser):
    """Names of people without a model: by lists, titles, labels and what stands around."""

    kinds = (IdentifierKind.NAME,)

    def __init__(self, classes: NameWords) -> None:
        super().__init__()
        self._lists = classes.words
        self.classes = classes
        self.context = NameContext(classes)

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
        first = bisect.bisect_left(words, found.start, key=lambda word: word.start)
        last = bisect.bisect_left(words, found.end, key=lambda word: word.start)
        return first, last

    def _repeated(self, reading: Reading, words: list[Word], at: int, strong: set[str]) -> bool:
        word = words[at]
        if len(word.low) < 3 or word.low not in strong or self.classes.clinical(words, at):
            return False
        weight = self.classes.weight(word.low)
        if weight in (Weight.GIVEN, Weight.SURNAME, Weight.WORD_GIVEN, Weight.UNKNOWN):
            return True
        return word.capital and not word.opens and not word.text.isupper()

    def _evidence(self, reading: Reading, words: list[Word]) -> Iterator[tuple[Found, bool]]:
        text = reading.text
        for at in range(len(words)):
            span = self.context.name_at(reading, words, at)
            if span:
                first, last, confidence = span
                yield Found(words[first].start, words[last].end, IdentifierKind.NAME, confidence), confidence > POSSIBLE
        for label in _LABEL.finditer(text):
            match = _RUN.match(text, label.end())
            if match:
                yield from self._labelled(
                    words, match, speaker=bool(_SPEAKER.fullmatch(label.group())), label=label.group().lower()
                )
        for match in _LAST_FIRST.finditer(text):
            last, first = match["last"].lower(), match["first"].lower()
            weights = self.classes.weight(last), self.classes.weight(first)
            cased = match["last"][0].isupper() and match["first"][0].isupper()
            if (
                not cased
                or weights[1] < Weight.UNKNOWN
                or max(weights) < Weight.WORD_GIVEN
                or first in STATES_AND_COUNTRIES
            ):
                continue
            if first.isascii() and match["first"].isupper() and len(first) < 4:
                continue  # CVA, TIA
            # Behind a label two names and a comma are one person, elsewhere they may be two.
            listed = bool(_BEFORE_LISTED.search(text, max(0, match.start() - 30), match.start()))
            surname = weights[0] >= Weight.UNKNOWN or last in self._lists.surname_words
            if surname and (
                listed
                or (
                    weights[0] in (Weight.SURNAME, Weight.WORD_SURNAME, Weight.UNKNOWN)
                    and weights[1] >= Weight.WORD_GIVEN
                )
            ):
                yield Found(match.start(), match.end(), IdentifierKind.NAME, LIKELY), True
        for match in _INITIALS.finditer(text):
            name = str(match.lastgroup)
            if name != "third" or self._surname(match["third"]):
                yield Found(match.start(name), match.end(name), IdentifierKind.NAME, LIKELY), name == "third"
        for match in _CREDENTIAL.finditer(text):
            parts = [part for part in re.split(r"[ \t.]+", match["name"]) if part]
            if (
                all(self.classes.weight(part.lower()) > Weight.ORDINARY or len(part) == 1 for part in parts)
                and not parts[-1].isupper()
            ):
                yield Found(match.start("name"), match.end("name"), IdentifierKind.NAME, LIKELY), True

    def _labelled(
        self, words: list[Word], match: re.Match[str], *, speaker: bool, label: str
    ) -> Iterator[tuple[Found, bool]]:
        first, last = self._indexes(words, Found(match.start("name"), match.end("name"), IdentifierKind.NAME, CERTAIN))
        end = first
        while end < last and (
            self.classes.weight(words[end].low) > Weight.ORDINARY or len(words[end].text) == 1 or words[end].low in PARTICLES
            or words[end].low in self._lists.titles or (words[end].low in self._lists.credentials and words[end].text[-1].isupper())
            or (words[end].low in self._lists.surname_words and end > first)
        ):  # fmt: skip
            end += 1
        start = first
        while start < end and words[start].low in self._lists.titles:
            start += 1
        while end > start and words[end - 1].low in self._lists.credentials and words[end - 1].text[-1].isupper():
            end -= 1
        # "Patient:" opens a field of a form, and what a speaker says.
        weights = [self.classes.weight(word.low) for word in words[start:end]]
        listed = any(weight > Weight.UNKNOWN for weight in weights)
        if not weights or (speaker and weights[0] != Weight.GIVEN and not (listed and len(weights) > 1)):
            return
        if (
            listed
            or len([weight for weight in weights if weight == Weight.UNKNOWN]) > 1
            or (not speaker and weights[0] == Weight.UNKNOWN and "name" in label)
        ):
            yield Found(words[start].start, words[end - 1].end, IdentifierKind.NAME, CERTAIN), True

    def _surname(self, text: str) -> bool:
        return self.classes.weight(text.split(".")[-1].strip().lower()) in (
            Weight.SURNAME,
            Weight.WORD_SURNAME,
            Weight.GIVEN,
        )
