"""Brings identifiers back: exactly, for a text as it was made; as far as it is certain, for one that a model wrote."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from appliance.deid.codes import digits_of
from appliance.deid.deidentify import digest
from appliance.deid.identifier import Detector
from appliance.deid.identifier import IdentifierKind as Kind
from appliance.deid.mapping import MadeText, MappedPhrase, MappedWord, Mapping
from appliance.deid.restore_dates import DatesBack
from appliance.deid.restored import Edit, Edits, Reason, Restored
from appliance.deid.suspicious import Suspicious
from appliance.deid.taken import alphanumeric
from appliance.deid.vocabulary import TOKEN, is_mixed, shaped, stem

# Fewer characters of a number are found in too many others.
_MIN_CODE = 5
_SEPARATORS = r"[\s().\-/]{0,3}"
_BROKEN = re.compile(r"(\w+)-[ \t]*\n\s*(\w+)")
_INITIAL_BEFORE = re.compile(r"(?<![\w.])([A-Z])(\.\s*|\s+)$")
_INITIAL_AFTER = re.compile(r",?\s+([A-Z])\.(?!\w)")


class Restorer:
    """Restores texts by one mapping; safe to use from several threads.

    Args:
        mapping: What `Deidentifier.mapping` returned.
        read: The de-identified texts that were given to whoever wrote. What stands in them is no news.
        detector: Finds identifiers that stand in no text; without one they are not looked for.
    """

    def __init__(self, mapping: Mapping, *, read: Sequence[str] = (), detector: Detector | None = None) -> None:
        self._texts = {one.sha256: one for one in mapping.texts}
        self._words = {one.surrogate.casefold(): one for one in mapping.words if not one.initial}
        self._initials = {one.surrogate.casefold(): one for one in mapping.words if one.initial}
        self._plain = {text.casefold() for text in mapping.plain}
        self._phrases: dict[str, list[MappedPhrase]] = {}
        patterns: dict[str, str] = {}
        for phrase in (variant for one in mapping.phrases for variant in _variants(one)):
            self._phrases.setdefault(_key(phrase), []).append(phrase)
            patterns.setdefault(phrase.surrogate, _pattern(phrase))
        longest_first = [patterns[one] for one in sorted(patterns, key=len, reverse=True)]
        self._phrase = re.compile("|".join(longest_first), re.IGNORECASE) if longest_first else None
        self._dates = DatesBack(mapping)
        self._suspicious = Suspicious(mapping, read, detector)

    def restore(self, text: str) -> Restored:
        """Return the text with its identifiers, and what could not be brought back."""
        made = self._texts.get(digest(text))
        if made is not None and all(piece.end <= len(text) for piece in made.pieces):
            return Restored(_spliced(text, made), True, len(made.pieces))
        edits = Edits(text)
        if self._phrase is not None:
            for match in self._phrase.finditer(text):
                if (edit := self._of_phrase(match)) is not None:
                    edits.add(edit)
        self._dates.mark(edits)
        self._mark_words(edits)
        self._suspicious.mark(edits)
        return edits.done()

    def _of_phrase(self, match: re.Match[str]) -> Edit | None:
        found = self._phrases.get(_key_of(match[0]))
        if found is None:
            return None  # alike only as far as upper and lower case go, for instance with a dotless i
        same = [one for one in found if one.surrogate == match[0]] or found
        if len({alphanumeric(one.original) or one.original for one in same}) > 1:
            return Edit(match.start(), match.end(), same[0].kind, reason=Reason.AMBIGUOUS)
        return Edit(match.start(), match.end(), same[0].kind, same[0].original)

    def _mark_words(self, edits: Edits) -> None:
        text = edits.text
        for match in _BROKEN.finditer(text):
            if (word := self._words.get((match[1] + match[2]).casefold())) is not None:
                self._put_word(edits, match.start(), match.end(), match[1] + match[2], word)
        for match in TOKEN.finditer(text):
            plain = stem(match[0])
            word = self._words.get(plain.casefold())
            if word is None and plain[-1:] in "sS" and (word := self._words.get(plain[:-1].casefold())) is not None:
                plain = plain[:-1]
            if word is not None:
                self._put_word(edits, match.start(), match.start() + len(plain), plain, word)

    def _put_word(self, edits: Edits, start: int, end: int, seen: str, word: MappedWord) -> None:
        if not edits.is_free(start, end):
            return
        if seen.casefold() in self._plain:
            edits.add(Edit(start, end, word.kind, reason=Reason.AMBIGUOUS))
            return
        edits.add(Edit(start, end, word.kind, _cased(word.original, seen)))
        if word.kind is Kind.NAME:
            self._put_initials(edits, start, end)

    def _put_initials(self, edits: Edits, start: int, end: int) -> None:
        """An initial counts beside a name only: M. Lopez; Lopez, M."""
        before = _INITIAL_BEFORE.search(edits.text[max(0, start - 8) : start])
        if before is not None and (before[1] not in "AI" or "." in before[2]):
            at = max(0, start - 8) + before.start(1)
            self._put_initial(edits, at, before[1])
        after = _INITIAL_AFTER.match(edits.text, end)
        if after is not None:
            self._put_initial(edits, after.start(1), after[1])

    def _put_initial(self, edits: Edits, at: int, letter: str) -> None:
        known = self._initials.get(letter.casefold())
        given = {
            word.original[0].upper()
            for word in self._words.values()
            if word.kind is Kind.NAME and word.surrogate[0].upper() == letter
        }
        found = {known.original[0].upper()} if known is not None else given
        if len(found) == 1:
            edits.add(Edit(at, at + 1, Kind.NAME, found.pop()))
        else:
            edits.add(Edit(at, at + 1, Kind.NAME, reason=Reason.AMBIGUOUS if found else Reason.PART))


def _spliced(text: str, made: MadeText) -> str:
    out: list[str] = []
    at = 0
    for piece in made.pieces:
        out += [text[at : piece.start], piece.original]
        at = piece.end
    return "".join((*out, text[at:]))


def _cased(original: str, seen: str) -> str:
    letters = [letter for letter in seen if letter.isalpha()]
    if len(letters) > 1 and (all(one.isupper() for one in letters) or all(one.islower() for one in letters)):
        return shaped(original, seen)
    # Known from speech alone, lopez is written as a name; known from a heading alone, LOPEZ is.
    return original if is_mixed(original) else original[:1].upper() + original[1:].lower()


def _variants(phrase: MappedPhrase) -> Iterator[MappedPhrase]:
    """Return a phrase, and its number without a label or a country's prefix: a model leaves such things out."""
    yield phrase
    made, original = phrase.surrogate, phrase.original
    if phrase.kind in (Kind.PHONE, Kind.FAX):
        ours, theirs = digits_of(made), digits_of(original)
        if len(ours) == len(theirs) == 11:
            yield phrase.model_copy(
                update={"surrogate": ours[1:], "original": f"{theirs[1:4]}-{theirs[4:7]}-{theirs[7:]}"}
            )
        return
    core = re.search(r"[A-Za-z0-9][A-Za-z0-9-]*\d[A-Za-z0-9-]*", made)
    if (
        core is not None and core[0] != made and len(made) == len(original) and len(alphanumeric(core[0])) >= _MIN_CODE
        and phrase.kind not in (Kind.ADDRESS, Kind.PLACE, Kind.FACILITY, Kind.URL, Kind.EMAIL)
    ):  # fmt: skip
        yield phrase.model_copy(
            update={"surrogate": core[0], "original": original[core.start() : core.end()]}
        )  # fmt: skip


def _is_code(phrase: str) -> bool:
    return len(digits_of(phrase)) >= _MIN_CODE and " " not in re.sub(r"[\d\s().\-/]+", "", phrase)


def _key(phrase: MappedPhrase) -> str:
    return _key_of(phrase.surrogate)


def _key_of(text: str) -> str:
    return alphanumeric(text) or text


def _pattern(phrase: MappedPhrase) -> str:
    """Return what a phrase may look like in a text that was written anew: other blanks, other separators."""
    made = phrase.surrogate
    if _is_code(made) and phrase.kind not in (Kind.IP, Kind.URL, Kind.EMAIL):
        lead = r"\+?" if made.startswith("+") else r"\(?" if made.startswith("(") else ""
        body = _SEPARATORS.join(re.escape(letter) for letter in made if letter.isalnum())
    else:
        lead = ""
        body = r"[\s,]+".join(re.escape(part) for part in re.split(r"[\s,]+", made) if part)
    return rf"(?<![\w]){lead}{body}(?!\w)"
