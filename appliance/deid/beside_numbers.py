"""What belongs to a telephone number that was found: the area or country code in brackets before it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from appliance.deid.identifier import Identifier, IdentifierKind
from appliance.deid.recognisers.base import LIKELY

_CODE = re.compile(r"(?<!\w)(?:\+?\d{1,3}\s?)?\(\+?\d{1,5}\)[ /-]{0,2}(?:\d{1,3}[ /-])?$")
# A number without a label before it is of any kind.
_TELEPHONES = (IdentifierKind.PHONE, IdentifierKind.FAX, IdentifierKind.OTHER)
_REACH = 16


def beside_numbers(text: str, found: Sequence[Identifier]) -> Iterator[Identifier]:
    """Telephone numbers with their codes.

    Args:
        text: The text.
        found: Its identifiers, by start.
    """
    for item in found:
        if item.kind in _TELEPHONES and text[item.start].isdigit():
            code = _CODE.search(text, max(0, item.start - _REACH), item.start)
            if code:
                yield Identifier(code.start(), item.end, item.kind, beside_numbers.__name__, LIKELY)
