"""Chooses what stands for an identifier: always the same for the same person, number or day of one encounter.

The unit is the word for names, places and facilities, so that parts agree ("Maria Lopez", "Ms. Lopez", "maria"); the
whole for numbers; the day for dates. What cannot be changed in its own form becomes a mark such as [date 1].
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from datetime import date

from appliance.deid import ages, codes, dates
from appliance.deid.date_order import Usage
from appliance.deid.dates import Written
from appliance.deid.draws import Draws
from appliance.deid.identifier import IdentifierKind as Kind
from appliance.deid.mapping import MappedDate, MappedPhrase, MappedWord
from appliance.deid.taken import Taken, alphanumeric
from appliance.deid.vocabulary import TOKEN, Pool, invented, is_mixed, listed, pool, pool_of, shaped, stem

_ATTEMPTS = 400
_MIN_CODE = 4
_WORDS = frozenset({Kind.NAME, Kind.ADDRESS, Kind.PLACE, Kind.FACILITY})
_TITLE_BEFORE = re.compile(r"(?:^|[\s(\"'])([\w'’]+)\.?\s*$")
_ZIP = re.compile(r"(?<!\d)(\d{5})(?:-\d{4})?(?!\d)")
# No ZIP code begins with 000; Safe Harbor writes it for what it may not name.
_ZIP_PREFIX = "000"


class Surrogates:
    """The surrogates of one encounter, growing as texts are read. One thread at a time."""

    def __init__(self, draws: Draws, taken: Taken) -> None:
        self._draws, self.taken = draws, taken
        self._words: dict[str, MappedWord] = {}
        self._given: list[str] = []
        self._phrases: dict[tuple[Kind, str], MappedPhrase] = {}
        self._dates: dict[tuple[str, str], MappedDate] = {}
        self._days: dict[tuple[int, int], MappedDate] = {}
        """Days that were written without a year, by month and day."""
        self._marks: dict[Kind, int] = {}
        self._ages: list[str] = []
        self._used: set[str] = set()
        self._numbers: dict[str, str] = {}
        self._year = dates.REFERENCE_YEAR
        self.unshifted = 0

    @property
    def words(self) -> tuple[MappedWord, ...]:
        """The words so far."""
        return tuple(self._words.values())

    @property
    def phrases(self) -> tuple[MappedPhrase, ...]:
        """The phrases and numbers so far."""
        return tuple(self._phrases.values())

    @property
    def dates(self) -> tuple[MappedDate, ...]:
        """The dates so far."""
        return tuple(self._dates.values())

    @property
    def ages(self) -> tuple[str, ...]:
        """The ages over 89 so far."""
        return tuple(self._ages)

    @property
    def entries(self) -> int:
        """How many words, phrases, dates and ages there are so far."""
        return len(self._words) + len(self._phrases) + len(self._dates) + len(self._ages)

    def is_surrogate(self, folded: str) -> bool:
        """Whether a word stands for one of an identifier, so that the same word elsewhere is a collision."""
        return folded in self._used

    def of(self, kind: Kind, text: str, before: str = "", usage: Usage | None = None) -> str:
        """Return what to write in place of an identifier.

        `before` is what stands in front of it, for its title; `usage` how a date is to be read, None: as in English.
        """
        made: str | None
        if kind is Kind.DATE:
            made = self._date(text, usage or Usage())
        elif kind is Kind.AGE:
            made = self._age(text)
        elif kind in _WORDS:
            made = self._named(kind, text, before)
        else:
            return self._phrase(kind, text)
        return made if made is not None else self._mark(kind, text)

    def _date(self, text: str, usage: Usage) -> str | None:
        found = dates.find(text, bare=True, year=self._year, usage=usage)
        if not dates.is_only_dates(text, found):
            self.unshifted += 1
            return None
        if not found:
            # A year, a time of day, a day of the week: Safe Harbor lets a year stay, and whole weeks keep the rest.
            return text
        pieces, at, kept = [], 0, []
        for one in found:
            try:
                original, value = self._moved(one)
                last = None if one.last is None else dates.moved(one.last, one.fields, self._draws.shift_days)
                made = dates.write(one, value, last)
            except (OverflowError, ValueError):
                self.unshifted += 1
                return None
            if last is not None and (last.year, last.month) != (value.year, value.month):
                # March 30-31 can be written so, February 27-March 1 cannot.
                self.unshifted += 1
                return None
            kept.append((original, value, one))
            if last is not None and one.last is not None:
                kept.append((one.last, last, one))
            pieces += [text[at : one.start], made]
            at = one.end
        for original, value, one in kept:
            self._keep_date(original, value, one)
        return "".join((*pieces, text[at:]))

    def _moved(self, written: Written) -> tuple[date, date]:
        """Return a date and what it moves to. Raises OverflowError beyond the years 1 to 9999."""
        # The year of the newest whole date stands for one that is not written; what was once moved stays.
        if written.fields == "ymd":
            self._year = written.value.year
        known = self._days.get((written.value.month, written.value.day)) if written.fields == "md" else None
        if known is not None:
            return known.original, known.surrogate
        return written.value, dates.moved(written.value, written.fields, self._draws.shift_days)

    def _keep_date(self, original: date, value: date, written: Written) -> None:
        key = (original.isoformat(), written.fields)
        bare = written.is_bare or (key in self._dates and self._dates[key].bare)
        day_first = written.day_first or (key in self._dates and self._dates[key].day_first)
        self._dates[key] = MappedDate(
            surrogate=value, original=original, fields=written.fields, bare=bare, day_first=day_first
        )
        if written.fields == "md":
            self._days.setdefault((original.month, original.day), self._dates[key])

    def _age(self, text: str) -> str:
        if text not in self._ages:
            self._ages.append(text)
        return ages.hidden(text)

    def _named(self, kind: Kind, text: str, before: str) -> str | None:
        found = [*TOKEN.finditer(text)]
        if not found:
            return None
        zips = {match.start() for match in _ZIP.finditer(text)} if kind is not Kind.NAME else set()
        stays = self._staying(kind, text, [match[0] for match in found])
        whole = kind is Kind.FACILITY and all(stays)
        if whole:
            stays[next((at for at, one in enumerate(found) if len(one[0]) > 3), 0)] = False
        given = self._given_at(kind, text, before, found, stays)
        pieces, at, numbered = [], 0, False
        for number, (match, kept) in enumerate(zip(found, stays, strict=True)):
            token = match[0]
            if kept:
                new = token
            elif any(letter.isdigit() for letter in token):
                is_zip = match.start() in zips and (kind is Kind.PLACE or match.start() > 0)
                new, numbered = self._number(kind, token, is_zip=is_zip), True
            elif whole:
                new = shaped(self._draw_word(f"facility {text.casefold()}", "place"), token)
                self._used.add(new.casefold())
            else:
                new = self._word(kind, token, is_given=number in given)
            pieces += [text[at : match.start()], new]
            at = match.end()
        made = "".join((*pieces, text[at:]))
        if made.casefold() == text.casefold():
            return None
        if numbered or whole:
            self._keep_phrases(kind, text, made)
        return made

    def _keep_phrases(self, kind: Kind, text: str, made: str) -> None:
        """Numbers of an address come back with the words beside them only: alone they might be anything."""
        self._phrases.setdefault((kind, text), MappedPhrase(surrogate=made, original=text, kind=kind))
        parts, made_parts = re.split(r"\s*[,\n]\s*", text), re.split(r"\s*[,\n]\s*", made)
        if 1 < len(parts) == len(made_parts):
            for part, made_part in zip(parts, made_parts, strict=True):
                if part != made_part and any(c.isdigit() for c in made_part) and len(made_part) > 4:
                    kept = MappedPhrase(surrogate=made_part, original=part, kind=kind)
                    self._phrases.setdefault((kind, part), kept)

    def _staying(self, kind: Kind, text: str, found: list[str]) -> list[bool]:
        """Say of each word whether it stays: what belongs to a form of address and identifies nobody."""
        folded = [stem(token.casefold()) for token in found]
        if kind is Kind.NAME:
            stays = [
                word in listed("titles") or token.replace(".", "") in listed("credentials") or
                (token.islower() and word in listed("particles"))
                for token, word in zip(found, folded, strict=True)
            ]  # fmt: skip
            # A title stands in front, a credential behind; and something must be hidden.
            if all(stays):
                stays = [False] * len(found)
            return stays
        if kind is Kind.FACILITY:
            return [word in listed("facility") for word in folded]
        in_list = {"address", "states"} if kind is Kind.ADDRESS else set()
        return [
            any(word in listed(name) for name in in_list)
            or (token in listed("state_codes") and (number > 0))
            or (word in listed("states") and number > 0)
            or (len(word) == 1 and kind is Kind.ADDRESS and token.isalpha())
            for number, (token, word) in enumerate(zip(found, folded, strict=True))
        ]

    def _given_at(
        self, kind: Kind, text: str, before: str, found: list[re.Match[str]], stays: list[bool]
    ) -> frozenset[int]:
        """Say which words are given names by where they stand: an initial follows one."""
        if kind is not Kind.NAME:
            return frozenset()
        named = [at for at, kept in enumerate(stays) if not kept]
        title = _TITLE_BEFORE.search(before)
        titled = stays[0] or (title is not None and title[1].casefold() in listed("titles"))
        if len(named) == 1:
            return frozenset(() if titled else named)
        first_is_family = "," in text[found[named[0]].end() : found[named[1]].start()]
        return frozenset(named[1:] if first_is_family else named[:-1])

    def _word(self, kind: Kind, token: str, *, is_given: bool) -> str:
        plain = stem(token)
        key, ending = plain.casefold(), token[len(plain) :]
        if len(key) == 1 and kind is Kind.NAME:
            return shaped(self._initial(key, plain), plain) + ending
        known = self._words.get(key)
        if known is None:
            made = self._draw_word(key, pool_of(key, is_name=kind is Kind.NAME))
            known = self._words[key] = MappedWord(surrogate=made, original=plain, kind=kind)
            self._used.add(made.casefold())
            if is_given:
                self._given.append(key)
        elif is_mixed(plain) and not is_mixed(known.original):
            # From now on it is known how the name is written.
            self._words[key] = known.model_copy(update={"original": plain})
        return shaped(known.surrogate, plain) + ending

    def _initial(self, key: str, plain: str) -> str:
        slot = f"{key}."
        if slot not in self._words:
            used = {one.surrogate.casefold() for name, one in self._words.items() if one.initial}
            of_name = (self._words[name].surrogate[0] for name in self._given if name.startswith(key))
            drawn = ("ABCDEFGHIJKLMNOPQRSTUVWXYZ"[self._draws.number("initial", key, 26, at)] for at in range(200))
            letters = itertools.chain(of_name, drawn)
            free = (one for one in letters if one.casefold() != key and one.casefold() not in used)
            made = next(free, "X")
            self._words[slot] = MappedWord(surrogate=made, original=plain, kind=Kind.NAME, initial=True)
        return self._words[slot].surrogate

    def _draw_word(self, key: str, role: Pool) -> str:
        for word in self._candidates(key, role):
            folded = word.casefold()
            # Another first letter than its own: the initial must change, too.
            if folded[0] == key[0] or folded in self._used or folded in self._words:
                continue
            if not self.taken.word(folded):
                return word
        raise AssertionError  # invented words grow longer without end

    def _candidates(self, key: str, role: Pool) -> Iterator[str]:
        words = pool(role)
        for attempt in range(3 * len(words)):
            yield words[self._draws.number(role, key, len(words), attempt)]
        attempt = 0
        while True:
            yield invented(self._draws.digits("invented", key, 3 + attempt // 200, attempt))
            attempt += 1

    def _number(self, kind: Kind, token: str, *, is_zip: bool) -> str:
        if is_zip and token.isdigit() and len(token) == 5:
            for attempt in range(_ATTEMPTS):
                made = f"{_ZIP_PREFIX}{self._draws.number('zip', token, 100, attempt):02}"
                if self._is_new("zip" + token, made):
                    return made
        drawn = codes.code(self._draws, Kind.OTHER, token, 0) or token
        ordinal = re.fullmatch(r"(\d+)(?:st|nd|rd|th)", token, re.IGNORECASE)
        if ordinal:
            digits = drawn[: len(ordinal[1])]
            teen = digits[-2:-1] == "1"
            return digits + ("th" if teen else {"1": "st", "2": "nd", "3": "rd"}.get(digits[-1], "th"))
        return drawn

    def _is_new(self, owner: str, made: str) -> bool:
        """Whether a number is nobody else's yet, and stands in no text; from now on it is the owner's."""
        key = alphanumeric(made)
        if self._numbers.get(key, owner) != owner or (key not in self._numbers and self.taken.phrase(made.casefold())):
            return False
        self._numbers[key] = owner
        return True

    def _phrase(self, kind: Kind, text: str) -> str:
        known = self._phrases.get((kind, text))
        if known is not None:
            return known.surrogate
        owner = alphanumeric(text)
        # A shorter one might be any number of a text that comes back.
        for attempt in range(_ATTEMPTS if len(owner) >= _MIN_CODE else 0):
            made = codes.code(self._draws, kind, text, attempt)
            if made is None:
                break
            if alphanumeric(made) != owner and self._is_new(owner, made):
                self._phrases[kind, text] = MappedPhrase(surrogate=made, original=text, kind=kind)
                return made
        return self._mark(kind, text)

    def _mark(self, kind: Kind, text: str) -> str:
        known = self._phrases.get((kind, text))
        number = self._marks.get(kind, 0) + 1
        while known is None:
            made = f"[{kind.value} {number}]"
            if self._is_new(f"mark {kind.value} {text}", made):
                known = MappedPhrase(surrogate=made, original=text or " ", kind=kind)
                self._phrases[kind, text] = known
                self._marks[kind] = number
            number += 1
        return known.surrogate
