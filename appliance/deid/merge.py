"""From overlapping results to identifiers that do not overlap."""

from __future__ import annotations

import re
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

# Written like a name behind one ("MARIA LOPEZ DOB 04/05/1960"), or like a town behind a street ("12 Oak Street,
# Springfield MRN 1234567"). It is a label only where its value follows: Tel and Ph may be names, so they want three
# digits. Mobile is none here: it is a town.
_LABEL = re.compile(
    r"(?<!\w)(?:(?:D\.O\.B|DOB|MRN|SSN|NPI|PCP|ACCT|Acct)\b[.:#]{0,3}[ \t]{0,4}(?=\d|Dr\b|DR\b)"
    r"|(?:TEL|Tel|PH|Ph|PHONE|Phone|FAX|Fax|CELL|Cell)\b[.:#]{0,3}[ \t]{0,4}(?=[+(]{0,2}\d{3}))"
)
_LONGEST_LABEL = 20
_BEFORE_A_LABEL = frozenset([IdentifierKind.NAME, IdentifierKind.ADDRESS, IdentifierKind.PLACE])


def merged(text: str, found: Iterable[Identifier]) -> tuple[Identifier, ...]:
    """Join what overlaps, so that nothing that one recogniser found stays visible.

    The joint span takes the kind of its most confident part; of equals, the more telling kind. Blanks and
    punctuation at its ends are left out, and the label of a value behind a name, an address or a place.
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
    if best.kind in _BEFORE_A_LABEL:
        label = next((one for one in _LABEL.finditer(text, start, end + _LONGEST_LABEL) if one.end() >= end), None)
        if label is not None:
            end = max(start, min(end, label.start()))
    while start < end and text[start] in " \t\r\n,;:":
        start += 1
    while end > start and text[end - 1] in " \t\r\n,;:":
        end -= 1
    if start == end:
        return None
    return Identifier(start, end, best.kind, best.source, best.confidence)
