"""Institutions of which a name or a town was found: what they are stands behind it, whatever they are called.

It runs when all is found: "Wrexham Community Dental Service" is one because Wrexham is a place.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from appliance.deid.identifier import Identifier, IdentifierKind
from appliance.deid.lexicon import around

_FINDS = (IdentifierKind.NAME, IdentifierKind.PLACE, IdentifierKind.FACILITY, IdentifierKind.ADDRESS)


def _any_of(name: str) -> str:
    """The heads of a list, the longest first; a low line stands for the blank in a head of two words."""
    heads = sorted((head.replace("_", " ") for head in around(name)), key=lambda head: (-len(head), head))
    return "(?:" + "|".join(re.escape(head) for head in heads) + ")"


_SURE, _WRITTEN, _LANDMARKS = (_any_of(f"beside_institutions.{name}") for name in ("sure", "written", "landmarks"))
_PROPER = r"(?:[^\W\d_a-z](?:[^\W\d_]|['’.-]){0,25}|&|and|of|for|the)"
_TAIL = r"(?:[ ]for[ ]the[ ][A-Z][a-z]+|[ ](?:of|on|at)[ ](?:the[ ])?[A-Z][a-z]+(?:[ ][A-Z][a-z]+)?)?"
# In any case behind a find; with a capital, and proper words between, where the text writes them.
_BEHIND = (
    (re.compile(rf"(?:['’]s)?[ ](?i:{_SURE})(?![\w'’-])"), IdentifierKind.FACILITY),
    (
        re.compile(rf"(?:['’]s)?(?:[ ]{_PROPER}){{0,3}}?[ ](?=[A-Z])(?i:{_SURE}|{_WRITTEN})(?![\w'’-]){_TAIL}"),
        IdentifierKind.FACILITY,
    ),
    (re.compile(rf"(?:[ ]{_PROPER}){{0,2}}?[ ](?i:{_LANDMARKS})(?![\w'’-])"), IdentifierKind.PLACE),
)
# Firms of partners: "Calloway, Pruitt & Lowe LLP".
_PARTNERS = re.compile(
    r"(?:,[ ][A-Z][\w'’-]{1,20}){0,4},?[ ](?:&|and)[ ][A-Z][\w'’-]{1,20}(?:[ ](?:LLP|LLC|PLLC|PC|Inc|Ltd|Co)\b\.?"
    r"|[ ](?:Law|Partners|Associates|Sons|Bros|Brothers|Company)\b)"
)
_SAID_PARTNERS = re.compile(
    r"(?:,? [a-z'’-]{2,20}){0,3},? and [a-z'’-]{2,20} (?:llp|llc|pllc|inc|associates|partners)\b"
)
_BEFORE = re.compile(r"(?<![\w'’-])(?:(?:[Tt]he|Mt\.?|Mount|Saint|St\.|Fort|Ft\.|Our Lady of|Big|Old|New)[ ])+$")
_ARTICLE = re.compile(r"[Tt]he ")
_HOUSE = re.compile(r"\b(?i:home|chapel|church|temple|cathedral|parish|mission|abbey)$")
_GOES_ON = re.compile(r"[ ](?:for[ ]the[ ]|on[ ](?:the[ ])?)[A-Z][a-z]+(?:[ ](?:St|Street|Ave|Road|Hill))?(?![\w'’-])")
_LOOK = 24
_SETTLED = 0.97  # above what calls a part of it a person


def beside_institutions(text: str, found: Sequence[Identifier]) -> Iterator[Identifier]:
    """Institutions and landmarks from their first word to their head.

    Args:
        text: The text.
        found: Its identifiers, by start.
    """
    for at, item in enumerate(found):
        if item.kind not in _FINDS or not text[item.end - 1].isalpha():
            continue
        behind = _PARTNERS.match(text, item.end) or _SAID_PARTNERS.match(text, item.end)
        kind = IdentifierKind.FACILITY
        if behind is None:
            behind, kind = next(
                ((match, kind) for pattern, kind in _BEHIND if (match := pattern.match(text, item.end))), (None, kind)
            )
        if behind is None and item.kind is IdentifierKind.FACILITY and _HOUSE.search(text, item.start, item.end):
            behind, kind = _GOES_ON.match(text, item.end), item.kind
        if behind is None:
            other = found[at + 1] if at + 1 < len(found) else None
            facility = item.kind is IdentifierKind.FACILITY and other is not None
            if facility and other and other.kind is IdentifierKind.PLACE and text[item.end : other.start] == " of ":
                yield Identifier(item.start, other.end, item.kind, beside_institutions.__name__, _SETTLED)
            continue
        before = _BEFORE.search(text, max(0, item.start - _LOOK), item.start)
        start = before.start() if before and _ARTICLE.sub("", before.group()) else item.start
        yield Identifier(start, behind.end(), kind, beside_institutions.__name__, _SETTLED)
