"""Where clinical writing puts people: behind a role, in a schedule, at the start of a line.

"chaplain Uchenna", "Per Small", "0900 Olson EGD", "Banks 05/13/23 ortho f/u". Whatever could be a name is taken for one
there, surnames that are words included; what no list knows is hidden, since nobody can tell it from a name.
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterator, Sequence

from appliance.deid.identifier import IdentifierKind
from appliance.deid.lexicon import around
from appliance.deid.reading import Reading, Word
from appliance.deid.recognisers.base import LIKELY, Found
from appliance.deid.recognisers.by_letter import by_letter
from appliance.deid.recognisers.name_class import PARTICLES, STATES_AND_COUNTRIES, NameWords, Weight
from appliance.deid.recognisers.name_context import MODAL_NAMES, NameContext, Span
from appliance.deid.recognisers.name_position import RELATIVE, ROLE

_ROLES = around("roles.people")
_TOLD = around("roles.told")
_CLIENTS = around("roles.clients")
"""Roles and verbs that ordinary words follow as often: "Patient Care", "called Best Buy"."""
_NOT_BEHIND = around("roles.not_behind")
_ROLE_GAPS = frozenset((" ", "  ", ": ", ":", " (", ". ", "/", " - ", ", "))
_DOTTED = frozenset(("rev", "fr", "res", "pt", "rep", "ped", "anes"))
_QUOTES = "\"”’')"
_QUOTED_BEFORE = frozenset((' "', " “", " (", " '", " ‘"))
_QUOTED_BEHIND = frozenset(('" ', "” ", ") ", "' ", "’ "))
_WITH = frozenset(("with", "w", "d"))
_PERSON_BEFORE = frozenset(["with", "w", "by", "from", "for", "hi", "hello", "dear", "via"])
_OF_SOMEBODY = frozenset(("supervision", "behalf", "care", "estate", "mother", "father", "parents", "hear", "name"))
_TREATED = frozenset(
    ("treated", "started", "managed", "therapy", "compliant", "injected", "maintained", "treatment", "rx")
)
_BEHIND_A_DRUG = around("undecided.behind_a_drug")
_ROOM = re.compile(r"\b(?:room|rm|bed|bay|pod|chair|slot|table) ?\d{1,4}[A-D]?: $", re.I)
_SERVICES = around("roles.services")
_SENT = around("roles.sent")
_OFFICES = frozenset(["peds", "ob", "gyn", "cards", "ortho", "anesthesia"])
_LETTERS = around("roles.letters")
_SPEAKERS = around("roles.speakers")
_SHORTEST = 3  # letters of a word of no list
# The beginning of a line about a person: an age, a date, a verb that describes, a drug that somebody is on.
_AGED = re.compile(r"[ ,]{1,2}\d{1,3} ?(?:yo\b|y\.?/?o\b|yrs?\b|years?\b|year-old|[MF]\b)", re.I)
_DATED = re.compile(r"[ ,]{1,2}\d{1,2}/\d{1,2}(?:/\d{2,4})?\b")
_DESCRIBED = re.compile(
    r" (?:is|was) an? (?:\d|(?:\w+,? ){0,2}(?:\d{1,3}|year|yo\b|man|woman|male|female|gentleman|lady|boy|girl))", re.I
)
_JOINED = re.compile(r"['’-]|^(?:Mc|Mac|De|Di|Van|La|Le)[A-Z]")
_FARED = re.compile(
    r" (?:denies|did (?:well|fine|poorly)|slept|tolerated|ambulated|remains (?:stable|afebrile|intubated|in)"
    r"|was (?:seen|admitted|discharged"
    r"|extubated|transferred)|is (?:doing|here|resting|awake|alert)|reports (?:no|that|some|feeling))\b"
)
_ON = re.compile(r" on (?P<drug>[A-Za-z-]{3,30})\b")
_KIN_OF = re.compile(
    rf" (?:is|was) (?:the|his|her|their|our|my|a) (?:[\w-]+ ){{0,2}}(?:{RELATIVE}|{ROLE}|poa|hcpoa|proxy"
    rf"|contact|surrogate)\b",
    re.I,
)
_CLOSINGS = frozenset(
    ("thanks", "you", "thx", "ty", "regards", "sincerely", "love", "best", "wishes", "cheers", "care")
)
_CLOCK = re.compile(r"(?:^|\s)(?:[01]?\d|2[0-3]):?[0-5]\d(?: ?[ap]m)?[ ]{1,2}$", re.I)
_PROCEDURE = re.compile(r"[ ]{1,2}(?:[A-Z]{3,6}\b|[a-z]{3,})")
_SCHEDULE = re.compile(r"[^\n|]{3,160}(?:\|[^\n|]{3,160}){1,60}")
_LOGIN = re.compile(
    r"\b"
    + by_letter(
        r"user(?:[ _-]?(?:name|id))?|login|logon|log-in|uid|usr|(?:printed|entered|created|modified|edited"
        r"|accessed|opened"
        r"|updated|verified|viewed|exported|faxed|scanned|released)(?: on)?[^\n|]{0,30}? by"
    )
    + r"[ \t]?[:=]?[ \t]{0,2}[\"']?"
    r"(?P<name>[a-z][a-z0-9._-]{3,30}?)(?=[\"',;)\s]|\.(?:\s|$)|$)",
    re.I,
)
# The common format of web servers: address, a dash, who asked, when.
_ACCESS = re.compile(r"(?:\d|[0-9a-f:])[ ]-[ ](?P<name>[A-Za-z][\w.-]{2,30})[ ]\[")
_INITIALS = re.compile(
    r"\b"
    + by_letter(r"re|initials?|by|attn|attention|pt|patient|client|cc|signed|initialed|caller|taken by|from|for|name")
    + r"\b[.:]{0,2}[ \t]{0,2}"
    r"(?P<name>[A-Z]\.[ ]?(?:[A-Z]\.[ ]?)?[A-Z]\.?)(?=[\s.,:;)\"]|$)(?![ ]?[A-Z][a-z])",
    re.I,
)


class NameRoles:
    """Says whether a capitalised word stands where clinical writing names people."""

    def __init__(self, classes: NameWords, context: NameContext) -> None:
        self._classes = classes
        self._lists = classes.words
        self._context = context

    def name_at(self, reading: Reading, words: Sequence[Word], at: int) -> Span | None:
        """The name that begins at a word, None when none does; `NameContext` is asked before."""
        word = words[at]
        if not word.capital and word.low not in PARTICLES:
            return None
        before = words[at - 1] if at else None
        if word.low in PARTICLES and before is not None and before.low in _PERSON_BEFORE and word.gap == " ":
            following = words[at + 1] if at + 1 < len(words) else None
            if following is not None and following.gap == " " and following.capital and self._named(following):
                return (at, self._context.extended(words, at), LIKELY)
        if before is not None and len(word.text) == 1 and before.low in _ROLES and word.gap in _ROLE_GAPS:
            following = words[at + 1] if at + 1 < len(words) else None  # Sonographer R. Hand
            initial = following is not None and following.gap in (". ", ".") and following.capital
            if initial and following is not None:
                named = self._named(following, plain=True) or following.low in self._lists.surname_words
                return (at, at + 1, LIKELY) if named else None
        if len(word.text) > 1 and (
            self._credentialled(words, at) or self._apart(words, at) or self._sent_to(words, at)
        ):
            return (at, self._context.extended(words, at), LIKELY)
        if before is not None and (before.low in _ROLES or before.low in _TOLD) and self._behind_role(words, at):
            return (at, self._context.extended(words, at), LIKELY)
        if (
            word.capital
            and _ROOM.search(reading.text, max(0, word.start - 12), word.start)
            and word.behind[:1] in (".", ",", ";", "")
        ):
            return (
                (at, self._context.extended(words, at), LIKELY)
                if self._named(word) and not word.text.isupper()
                else None
            )
        if len(word.text) > 1 and (self._nickname(reading, words, at) or self._lone(reading, words, at)):
            return (at, self._context.extended(words, at), LIKELY)
        labelled = word.gap == ": " and not word.opens
        if word.capital and (word.opens or labelled) and self._opens_line(reading, words, at):
            return (at, self._context.extended(words, at), LIKELY)
        return None

    def _named(self, word: Word, *, shortest: int = _SHORTEST, plain: bool = False) -> bool:
        """Whether a word could be a name at all; `plain`: it has its capital in the middle of plain text."""
        if (word.low in _NOT_BEHIND and not plain) or word.low in MODAL_NAMES or word.low in STATES_AND_COUNTRIES:
            return False
        if len(word.low) < 3 and self._classes.weight(word.low) <= Weight.ORDINARY:
            return False  # he, oh
        if word.low in self._lists.surname_words or word.low in self._lists.given_words:
            return word.low not in self._lists.titles
        weight = self._classes.weight(word.low)
        return weight > Weight.UNKNOWN or (weight == Weight.UNKNOWN and len(word.low) >= shortest)

    def _nickname(self, reading: Reading, words: Sequence[Word], at: int) -> bool:
        """A name in quotes or brackets between names, and what stands before and behind it: 'Skip "Red" Hill'."""
        word = words[at]
        if word.text.isupper() or not self._named(word):
            return False
        following = words[at + 1] if at + 1 < len(words) else None
        opened = following is not None and following.gap in _QUOTED_BEFORE and following.capital
        if opened and following is not None and following.behind[:1] in _QUOTES and not following.text.isupper():
            behind = words[at + 2] if at + 2 < len(words) else None
            closed = behind is not None and behind.gap in _QUOTED_BEHIND and behind.capital and self._named(behind)
            return closed and not following.text.isupper()
        if at > 0 and word.gap in _QUOTED_BEFORE and word.behind[:1] in _QUOTES:
            return self._nickname(reading, words, at - 1)
        return at > 1 and word.gap in _QUOTED_BEHIND and self._nickname(reading, words, at - 2)

    def _lone(self, reading: Reading, words: Sequence[Word], at: int) -> bool:
        """A capitalised word of no list in the middle of a sentence, where no drug, brand or germ is named."""
        word = words[at]
        weight = self._classes.weight(word.low)
        if word.opens or not reading.capitals or word.text.isupper() or not word.text[1:].islower():
            return False
        before = words[at - 1].low if at else ""
        if weight != Weight.UNKNOWN:
            # "GI (Short)", "d/w Bishop (ID)", "seen with Fox;": surnames that are words, where only a person can stand
            named = self._named(word) and not self._headed(words, at)
            return (
                named
                and (before in _WITH or (before in _OFFICES | _SERVICES and word.gap == " ("))
                and (word.gap == " (" or word.behind[:1] in ("", ",", ";", ".", ")", "\n") or word.behind[:2] == " (")
            )
        if len(word.low) < _SHORTEST + 1 or not word.low.isalpha() or word.low in STATES_AND_COUNTRIES:
            return False
        if word.low in self._lists.eponyms or word.low in self._lists.graded or self._in_title(words, at):
            return False
        following = words[at + 1] if at + 1 < len(words) else None
        beside = following if following is not None and following.gap == " " else None
        if self._classes.clinical(words, at) or word.behind[1:2].isdigit():
            return False
        # "with Aristocort cream", "for Mycoplasma pneumoniae"
        thing = beside is not None and (beside.low in _BEHIND_A_DRUG or beside.low in self._lists.heads)
        if beside is not None and not beside.capital:
            thing = thing or self._classes.weight(beside.low) == Weight.UNKNOWN
        if thing:
            return False
        earlier = words[at - 2].low if at > 1 else ""
        if before == "and" and at > 1:  # "done with Zekrain and Lijeth"
            other = words[at - 2]
            return other.capital and not other.opens and self._classes.weight(other.low) >= Weight.UNKNOWN
        if before == "of" and word.gap == " ":
            return earlier in _OF_SOMEBODY
        if word.gap == " (":
            return before in _SERVICES or before in _OFFICES
        return word.gap == " " and before in _PERSON_BEFORE and earlier not in _TREATED

    def _in_title(self, words: Sequence[Word], at: int) -> bool:
        """Whether an ordinary word with a capital stands beside it: a heading, an office."""
        for index in (at - 1, at + 1):
            if 0 <= index < len(words) and words[max(index, at)].gap == " ":
                word = words[index]
                plain = (
                    word.capital and not word.text.isupper() and not (word.opens and index < at and word.low in _ROLES)
                )
                if plain and len(word.low) > 3 and self._classes.weight(word.low) <= Weight.ORDINARY:
                    return True
        return False

    def _plainly(self, role: Word) -> bool:
        return (role.text.islower() and role.low not in _CLIENTS) or role.text in _LETTERS

    def _sent_to(self, words: Sequence[Word], at: int) -> bool:
        """Whether it is who something went to: "Forwarded to Bone", "routed to Best"."""
        sent = at > 1 and words[at - 1].low == "to" and words[at - 2].low in _SENT and words[at].gap == " "
        return sent and self._named(words[at], plain=True) and not self._brand(words[at])

    def _behind_role(self, words: Sequence[Word], at: int) -> bool:
        word, role = words[at], words[at - 1]
        weight = self._classes.weight(word.low)
        if word.gap not in _ROLE_GAPS or (word.gap == ". " and role.low not in _DOTTED) or word.gap == ", ":
            return False
        if word.gap == "/" and len(role.low) < 3:
            return False
        if role.text.lower().endswith(("'s", "’s")):
            return False  # "Patient's Graves disease", "son's Adderall"
        if word.low in PARTICLES:
            following = words[at + 1] if at + 1 < len(words) else None
            return following is not None and following.gap == " " and following.capital and self._named(following)
        if not self._named(word, plain=word.gap == " " and self._plainly(role)):
            return False
        if word.gap[:1] == ":" and role.opens and role.low in _SPEAKERS:
            return weight > Weight.UNKNOWN and word.low not in self._lists.ordinary
        shouted = word.text.isupper() and len(word.text) > 1
        if role.low in ("called", "contacted", "reported") and weight == Weight.UNKNOWN:
            return False  # a medicine called so
        if shouted and (len(word.text) < 4 or not role.text.isupper() or weight <= Weight.UNKNOWN):
            return False
        if self._brand(word) or self._headed(words, at):
            return False
        if weight == Weight.UNKNOWN and not (word.text[1:].islower() or shouted or _JOINED.search(word.text)):
            return False  # UpToDate
        if role.low in _TOLD or role.low in _CLIENTS:
            ordinary = word.low in self._lists.ordinary or weight <= Weight.ORDINARY
            labelled = ":" in word.gap or role.low in ("per", "paged")
            return labelled or not ordinary or self._closes(words, at)
        # "Charge Nurse Station", "Attending Best Practice": a heading goes on with capitals.
        following = words[at + 1] if at + 1 < len(words) else None
        heading = following is not None and following.gap == " " and following.capital and len(following.low) > 3
        return weight > Weight.ORDINARY or not heading or self._named(following or word)

    def _credentialled(self, words: Sequence[Word], at: int) -> bool:
        """Whether letters of a profession follow, also in a line of capitals: "CALLED TO Hill RN"."""
        following = words[at + 1] if at + 1 < len(words) else None
        if following is None or following.text not in _LETTERS or following.gap not in (" ", ", "):
            return False
        word = words[at]
        weight = self._classes.weight(word.low)
        if word.text.isupper():
            handed = at > 0 and words[at - 1].low in ("to", "by", "dr", "with", "from")
            told = weight > Weight.UNKNOWN and len(word.text) > 2
            return (told or (handed and weight == Weight.UNKNOWN and len(word.text) > 3)) and self._named(word)
        plain = not word.opens and at > 0 and words[at - 1].text.islower()
        return self._named(word, plain=plain) and (weight > Weight.ORDINARY or not word.opens)

    def _apart(self, words: Sequence[Word], at: int) -> bool:
        """A role somewhat before: "Interpreter ID P-2611 (Makoa)", "Baby's peds will be Burns"."""
        word = words[at]
        if at < 2 or word.text.isupper() or not self._named(word) or self._brand(word):
            return False
        near = [other.low for other in words[max(0, at - 4) : at]]
        if word.gap.endswith("(") and word.behind[:1] == ")":
            return any(low in _ROLES for low in near[-3:])
        if word.gap != " " or near[-1] not in ("be", "is", "was"):
            return False
        role = near[-3] if near[-2] in ("will", "would", "to", "may") and len(near) > 2 else near[-2]
        return role in _ROLES and role not in _CLIENTS - _OFFICES and not self._headed(words, at)

    def _closes(self, words: Sequence[Word], at: int) -> bool:
        behind = words[at].behind
        return not behind or behind[0] in ",.;:)\n|?!" or behind[:3] in (" - ", " at", " is") or behind[1:2].isdigit()

    def _brand(self, word: Word) -> bool:
        return word.low in self._lists.always_clinical and word.low not in self._classes.name_words

    def _headed(self, words: Sequence[Word], at: int) -> bool:
        """Whether an eponym's head follows: "per Wells criteria"."""
        return words[at].low not in self._lists.always_clinical and self._classes.clinical(words, at)

    def _opens_line(self, reading: Reading, words: Sequence[Word], at: int) -> bool:
        word = words[at]
        if (word.text.isupper() and len(word.text) > 1) or not self._named(word) or self._brand(word):
            return False
        weight = self._classes.weight(word.low)
        last = self._context.extended(words, at)
        right = reading.text[words[last].end : words[last].end + 60]
        closing = words[at - 1].low if at else ""
        if last == len(words) - 1 and closing in _CLOSINGS and not right.strip(" .!\n"):
            return True  # Thanks! Chaithoo
        if not right[:1] or right[0] not in " ,":
            return False
        if _KIN_OF.match(right):
            return True
        if _FARED.match(right) and weight != Weight.UNKNOWN:
            return not self._classes.clinical(words, at)
        if _AGED.match(right) or _DESCRIBED.match(right):
            return not self._classes.clinical(words, at)
        first = at == 0 or "\n" in word.gap
        if first and _DATED.match(right) and (weight > Weight.UNKNOWN or (at == 0 and weight == Weight.UNKNOWN)):
            return True
        on = _ON.match(right)
        if on and (on["drug"][0].isupper() or on["drug"] in self._lists.clinical):
            return self._classes.weight(on["drug"].lower()) <= Weight.UNKNOWN and not self._classes.clinical(words, at)
        clock = _CLOCK.search(reading.text, max(0, word.start - 12), word.start)
        return bool(clock) and weight > Weight.UNKNOWN and bool(_PROCEDURE.match(right))

    def schedules(self, reading: Reading, words: Sequence[Word]) -> Iterator[Span]:
        """Names in lines of a schedule: "0815 Small colon Burns | 0900 Dang EGD Iyengar"."""
        text = reading.text
        if text.count("|") == 0 or "^" in text or not reading.capitals:
            return
        for line in _SCHEDULE.finditer(text):
            cells = line.group().split("|")
            if sum(bool(re.search(r"(?<!\d)[012]?\d:?[0-5]\d(?!\d)", cell)) for cell in cells) < 2:
                continue
            first = bisect.bisect_left(words, line.start(), key=lambda word: word.start)
            last = bisect.bisect_left(words, line.end(), key=lambda word: word.start)
            for at in range(first, last):
                word = words[at]
                named = word.capital and not word.text.isupper() and self._named(word)
                if named and word.gap[-1:] in (" ", "|", "/") and ":" not in word.behind[:1]:
                    yield (at, at, LIKELY)

    def marked(self, text: str) -> Iterator[Found]:
        """Names of users and initials, behind what says so."""
        for pattern in (_LOGIN, _ACCESS):
            for match in pattern.finditer(text):
                name = match["name"]
                if self._is_user(name):
                    yield Found(match.start("name"), match.end("name"), IdentifierKind.NAME, LIKELY)
        for match in _INITIALS.finditer(text):
            if match["name"][0].isupper() and match["name"].rstrip(".")[-1].isupper():
                yield Found(match.start("name"), match.end("name"), IdentifierKind.NAME, LIKELY)

    def _is_user(self, name: str) -> bool:
        """Whether it is a name of a user and no word: an initial and a surname, parts with a dot, digits behind."""
        low = name.lower().rstrip(".")
        letters = re.sub(r"[\d._-]+$", "", low)
        if not letters or letters in _NOT_BEHIND or letters in self._lists.ordinary:
            return False
        parts = [part for part in re.split(r"[._-]", letters) if part]
        if len(parts) > 1:
            return any(self._classes.weight(part) >= Weight.UNKNOWN for part in parts)
        if not name.islower() and not name.isupper():
            return False  # "Printed by Page": other rules read people's names
        return self._classes.weight(letters) >= Weight.UNKNOWN
