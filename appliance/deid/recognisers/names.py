"""Names of people: patients, relatives, clinicians; with and without titles, in any case.

Evidence first (a title, an introduction, a label, a given name with a surname), then names that stand alone, then
every further mention of a name for which there was evidence.
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterator

from appliance.deid.identifier import IdentifierKind
from appliance.deid.lexicon import around
from appliance.deid.reading import LETTERED, Reading, Word
from appliance.deid.recognisers.base import CERTAIN, LIKELY, POSSIBLE, Found, ReadingRecogniser
from appliance.deid.recognisers.by_letter import by_letter
from appliance.deid.recognisers.name_class import PARTICLES, NameWords, Weight
from appliance.deid.recognisers.name_context import AFTER_A_NAME, MODAL_NAMES, NameContext
from appliance.deid.recognisers.name_forms import NameForms
from appliance.deid.recognisers.name_heard import HeardNames
from appliance.deid.recognisers.name_lines import NameLines
from appliance.deid.recognisers.name_listed import ListedNames
from appliance.deid.recognisers.name_position import ODD_NAMES, NamePosition
from appliance.deid.recognisers.name_roles import NameRoles
from appliance.deid.recognisers.name_speech import NameSpeech
from appliance.deid.recognisers.name_variants import NameVariants

_COMMON_VERBS = around("called.common_verbs") | around("called.person_verbs")
_LABEL = re.compile(
    r"(?:^|(?<=[\n|;.,(\t])|(?<=\s))"
    + by_letter(
        r"(?:patient|pt|client|member|subscriber|insured"
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
        r"|given name|family name|alias|aka|a\.k\.a\.|d\.?b\.?a"
    )
    + r"[ \t]*(?:[:=#–-]|(?<=name)\?|[ \t]is[ \t]|(?<=by)[ \t])[ \t]*",
    re.I,
)
_OF_PERSON = re.compile(
    r"name|by|kin|nok|pcp|attending|surgeon|referring|provider|physician|interpreter|guard|contact|attn|attention|supervis"
)
_ASKED = re.compile(
    r"\bnames?[ \t]?\?[ \t\n]{0,3}(?:\[\w{1,20}\][ \t]{0,2}|\w{1,20}[ \t]?:[ \t]{0,2})?"
    r"(?:(?:it's|it is|its|uh|um|sure|yes|yeah|yep|okay|that's|my (?:last |first |full )?name is)\b[ \t,.]{0,3}){0,3}",
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

    kinds = (IdentifierKind.NAME, IdentifierKind.OTHER)

    def __init__(self, classes: NameWords) -> None:
        super().__init__()
        self._lists = classes.words
        self.classes = classes
        self._asked_about = classes.words.surname_words | PARTICLES | MODAL_NAMES | ODD_NAMES
        self._around = NameContext(classes)
        self._positions = NamePosition(classes)
        self._forms = NameForms(classes)
        self._listed = ListedNames(classes)
        self._heard = HeardNames(classes)
        self._lines = NameLines(classes)
        self._variants = NameVariants(classes)
        self._roles = NameRoles(classes, self._around)
        self._speech = NameSpeech(classes, self._around)

    def find(self, reading: Reading) -> Iterator[Found]:
        """Spans of names; mentions that repeat one are found in the whole text."""
        words = reading.words
        strong: set[str] = set()
        taken: set[int] = set()
        for found, sure in self._evidence(reading, words):
            inside = range(*self._indexes(words, found))
            if sure:
                strong.update(words[at].low for at in inside)
            taken.update(inside)
            yield found
        for at, word in enumerate(words):
            if at not in taken and self._repeated(reading, words, at, strong):
                taken.add(at)
                yield Found(word.start, word.end, IdentifierKind.NAME, LIKELY)
        yield from self._heard.repeated(words, strong, taken)
        yield from self._variants.find(reading, words, strong, taken)

    def _is_plain(self, low: str) -> bool:
        """Whether a word in lower case is a name in no position: most words are, and need no rule asked."""
        return self.classes.weight(low) <= Weight.ORDINARY and low not in self._asked_about

    def _indexes(self, words: list[Word], found: Found) -> tuple[int, int]:
        first = bisect.bisect_left(words, found.start, key=lambda word: word.start)
        last = bisect.bisect_left(words, found.end, key=lambda word: word.start)
        return first, last

    def _repeated(self, reading: Reading, words: list[Word], at: int, strong: set[str]) -> bool:
        word = words[at]
        if len(word.low) < 3 or word.low not in strong or self.classes.clinical(words, at):
            return False
        weight = self.classes.weight(word.low)
        if weight in (Weight.GIVEN, Weight.SURNAME) or (weight == Weight.UNKNOWN and len(word.low) > 3):
            return True
        if weight == Weight.WORD_GIVEN and word.opens and word.capital:
            return at + 1 < len(words) and words[at + 1].low in AFTER_A_NAME | _COMMON_VERBS
        if weight in (Weight.WORD_GIVEN, Weight.UNKNOWN) and reading.spoken:
            return True
        if word.opens and word.capital and weight == Weight.WORD_SURNAME and word.low in self._lists.not_a_name:
            owns = word.text.lower().endswith(("'s", "’s"))
            return owns or (at + 1 < len(words) and words[at + 1].low in AFTER_A_NAME)
        if word.opens and word.capital and weight == Weight.WORD_SURNAME:
            # "Price wants an MRI", and not "Price Chopper"
            return at + 1 == len(words) or words[at + 1].gap != " " or words[at + 1].text.islower()
        return word.capital and not word.opens and not word.text.isupper()

    def _evidence(self, reading: Reading, words: list[Word]) -> Iterator[tuple[Found, bool]]:
        text = reading.text
        titles = self._lists.titles
        for at, word in enumerate(words):
            if not word.capital and self._is_plain(word.low) and not (at and words[at - 1].low in titles):
                continue
            span = self._around.name_at(reading, words, at)
            if not span:
                span = (
                    self._positions.name_at(reading, words, at)
                    or self._roles.name_at(reading, words, at)
                    or self._speech.name_at(reading, words, at)
                )
            if span:
                first, last, confidence = span
                for other in self._positions.listed(reading, words, first, last):
                    yield Found(words[other].start, words[other].end, IdentifierKind.NAME, LIKELY), False
                yield Found(words[first].start, words[last].end, IdentifierKind.NAME, confidence), confidence > POSSIBLE
        for first, last, confidence in self._roles.schedules(reading, words):
            yield Found(words[first].start, words[last].end, IdentifierKind.NAME, confidence), True
        for found in self._roles.marked(text):
            yield found, False
        for label in _LABEL.finditer(text):
            match = _RUN.match(text, label.end())
            if match:
                yield from self._labelled(
                    words, match, speaker=bool(_SPEAKER.fullmatch(label.group())), label=label.group().lower()
                )
        for found in self._listed.find(text):
            yield found, True
        for found in self._lines.find(reading):
            yield found, True
        for found in self._heard.find(text):
            yield found, False
        yield from self._asked(text, words)
        yield from self._forms.find(text)
        for match in _INITIALS.finditer(text):
            name = str(match.lastgroup)
            closed = text[match.end() : match.end() + 1] in ("", ",", ".", ";", ")", "\n")
            before = text[max(0, match.start() - 24) : match.start()].lower().split()
            if name == "third" and before and before[-1] in LETTERED:
                continue  # hepatitis B. Martha agrees
            if name != "third" or self._surname(match["third"], closed=closed):
                yield Found(match.start(name), match.end(name), IdentifierKind.NAME, LIKELY), name == "third"
        for match in _CREDENTIAL.finditer(text):
            parts = [part for part in re.split(r"[ \t.]+", match["name"]) if part]
            if match.group().endswith("III") and parts[-1].lower() in self._lists.eponyms | self._lists.always_clinical:
                continue  # Mallampati III
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
        while end < last and self._part(words[end], first=end == first):
            end += 1
            if words[end - 1].text.lower().endswith(("'s", "’s")):
                break
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
            or (
                not speaker
                and weights[0] == Weight.UNKNOWN
                and _OF_PERSON.search(label)
                and (len(words[start].text) > 3 or not words[start].text.isupper())
            )
        ):
            yield Found(words[start].start, words[end - 1].end, IdentifierKind.NAME, CERTAIN), True

    def _surname(self, text: str, *, closed: bool) -> bool:
        """Whether a surname ends it; before a pause one that is a word of every day as well: "Yours, M. Price"."""
        low = text.split(".")[-1].strip().lower()
        if closed and low in self._lists.surname_words:
            return True
        return self.classes.weight(low) in (Weight.SURNAME, Weight.WORD_SURNAME, Weight.GIVEN)

    def _part(self, word: Word, *, first: bool) -> bool:
        """Whether a word behind a label belongs to the name there."""
        if self.classes.weight(word.low) > Weight.ORDINARY or len(word.text) == 1 or word.low in PARTICLES:
            return True
        if word.low in self._lists.credentials:
            return word.text[-1].isupper()
        return word.low in self._lists.titles or (word.low in self._lists.surname_words and not first)

    def _asked(self, text: str, words: list[Word]) -> Iterator[tuple[Found, bool]]:
        """What answers the question for a name."""
        for question in _ASKED.finditer(text):
            first, _ = self._indexes(words, Found(question.end(), question.end() + 1, IdentifierKind.NAME, LIKELY))
            end = first
            while end < min(first + 3, len(words)) and (end == first or words[end].gap == " "):
                if self.classes.weight(words[end].low) < Weight.UNKNOWN:
                    break
                end += 1
            if end > first and words[first].start == question.end():
                yield Found(words[first].start, words[end - 1].end, IdentifierKind.NAME, LIKELY), True
