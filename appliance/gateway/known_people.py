"""Whom short texts, a vocabulary and records that came as text name: told by the detector and its word lists.

Nobody wrote down who these people are, so only what is hardly anything else is handed on: a name that is wrong here
would be hidden in every text of the encounter.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from appliance.deid.deidentify import found_in
from appliance.deid.identifier import Detector, Identifier
from appliance.deid.identifier import IdentifierKind as Kind
from appliance.deid.known_values import Value
from appliance.deid.lexicon import words
from appliance.deid.vocabulary import TOKEN, listed, stem
from appliance.gateway.known import Known, Told

MAX_TOLD_NAMES, MAX_TOLD_VALUES = 100, 1_000
"""Of records that came as text, all together."""
_AROUND_CHARS = 24
# What is written in one way and means one thing. Dates, ages, places and facilities are found where they stand.
_VALUES = frozenset(
    {
        Kind.ADDRESS, Kind.PHONE, Kind.FAX, Kind.EMAIL, Kind.SSN, Kind.RECORD, Kind.PLAN, Kind.ACCOUNT, Kind.LICENCE,
        Kind.VEHICLE, Kind.DEVICE, Kind.URL, Kind.IP, Kind.SOCIAL,
    }
)  # fmt: skip


def names_in(detector: Detector, texts: Sequence[str]) -> tuple[str, ...]:
    """Return the names that short texts hold, for instance the title of an encounter."""
    return tuple(
        text[one.start : one.end] for text in texts for one in found_in(detector, text, ()) if one.kind is Kind.NAME
    )


def is_person(detector: Detector, term: str) -> bool:
    """Whether a term of a vocabulary names a person.

    It has a title or a credential, or it is two words or more, all of which the detector takes for a name. One word
    alone is a person's where it is a frequent surname with its capital, and no drug, brand, eponym or word of English.
    """
    found = [stem(word.casefold()) for word in TOKEN.findall(term)]
    plain = [word.replace(".", "") for word in TOKEN.findall(term)]
    if len(found) < 2:
        return bool(found) and term.strip()[0].isupper() and _is_surname(found[0])
    if any(word in listed("titles") for word in found) or any(word in listed("credentials") for word in plain[1:]):
        return True
    return any(
        one.kind is Kind.NAME and not TOKEN.search(term[: one.start]) and not TOKEN.search(term[one.end :])
        for one in found_in(detector, term, ())
    )


def _is_surname(low: str) -> bool:
    lists = words()
    other = (lists.clinical, lists.always_clinical, lists.eponyms, lists.ordinary, lists.not_a_name)
    return low in lists.surnames and not any(low in each for each in other)


def told_by(detector: Detector, version: str, records: Iterable[Told]) -> tuple[tuple[str, ...], tuple[Value, ...]]:
    """Return names and values of records that came as text, as the detector alone finds them there.

    A name of one word counts beside a title or a credential only. `version`: the digest of the detector.
    """
    names: dict[str, None] = {}
    values: dict[Value, None] = {}
    for one in records:
        context = Known().digest(version, ())
        for found in one.findings.find(one.text, context, lambda part: found_in(detector, part, ())):
            text = one.text[found.start : found.end]
            if found.kind in _VALUES:
                values.setdefault(Value(found.kind, text))
            elif found.kind is Kind.NAME and _is_whole(one.text, found):
                names.setdefault(" ".join(text.split()))
    return tuple(names)[:MAX_TOLD_NAMES], tuple(values)[:MAX_TOLD_VALUES]


def _is_whole(text: str, found: Identifier) -> bool:
    inside = list(_plain(text[found.start : found.end]))
    if sum(word.casefold() not in listed("titles") for word in inside) > 1:
        return True
    before = list(_plain(text[max(0, found.start - _AROUND_CHARS) : found.start]))[-1:]
    behind = list(_plain(text[found.end : found.end + _AROUND_CHARS]))[:1]
    titled = any(word.casefold() in listed("titles") for word in (*inside, *before))
    return titled or any(word in listed("credentials") for word in behind)


def _plain(text: str) -> Iterator[str]:
    for word in TOKEN.findall(text):
        yield stem(word).replace(".", "")
