"""From overlapping results to identifiers that do not overlap."""

from __future__ import annotations

from collections.abc import Iterable

from appliance.deid.identifier import Identifier, IdentifierKind

_ORDER = (
    IdentifierKind.EMAIL, IdentifierKind.URL, IdentifierKind.SSN, IdentifierKind.FAX, IdentifierKind.PLAN,
    IdentifierKind.RECORD, IdentifierKind.LICENCE, IdentifierKind.ACCOUNT, IdentifierKind.DEVICE,
    IdentifierKind.VEHICLE, IdentifierKind.ADDRESS, IdentifierKind.FACILITY, IdentifierKind.DATE, IdentifierKind.PHONE,
    IdentifierKind.IP, IdentifierKind.SOCIAL, IdentifierKind.AGE, IdentifierKind.NAME, IdentifierKind.PLACE,
    IdentifierKind.OTHER,
)  # fmt: skip
_RANK = {kind: rank for rank, kind in enumerate(_ORDER)}


def merged(text: str, found: Iterable[Identifier]) -> tuple[Identifier, ...]:
    """Join what overlaps, so that nothing that one recogniser found stays visible.

    The joint span takes the kind of its most confident part; of equals, the more telling kind. Blanks and
    punctuation at its ends are left out.
    """
    groups: list[list[Identifier]] = []
    end = -1
    for identifier in sorted(found, key=lambda item: (item.start, -item.end)):
        if groups and identifier.start < end:
            groups[-1].append(identifier)
        else:
            groups.append([identifier])
        end = max(end, identifier.end)
    return tuple(filter(None, (_joint(text, group) for group in groups)))


def _joint(text: str, group: list[Identifier]) -> Identifier | None:
    start = min(item.start for item in group)
    end = max(item.end for item in group)
    best = max(group, key=lambda item: (item.confidence, -_RANK[item.kind], item.end - item.start))
    while start < end and text[start] in " \t\r\n,;:":
        start += 1
    while end > start and text[end - 1] in " \t\r\n,;:":
        end -= 1
    if start == end:
        return None
    return Identifier(start, end, best.kind, best.source, best.confidence)
