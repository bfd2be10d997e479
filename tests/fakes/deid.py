"""A fake detector: finds what a test lists and what rules of one line can see. It decides from the place alone."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from appliance.deid.identifier import Identifier, IdentifierKind


class FakeDetector:
    """Finds listed strings, as whole words, in the case in which they are listed. Known names are found in any case."""

    version = "fake/1"

    def __init__(self, listed: Mapping[str, IdentifierKind], *, confidence: float = 0.9) -> None:
        self._listed = dict(listed)
        self._confidence = confidence
        self.asked: list[str] = []

    def find(self, text: str, *, known_names: Sequence[str] = ()) -> tuple[Identifier, ...]:
        self.asked.append(text)
        wanted = [(said, kind, 0) for said, kind in self._listed.items()]
        wanted += [(part, IdentifierKind.NAME, re.IGNORECASE) for name in known_names for part in name.split()]
        found: list[Identifier] = []
        for said, kind, flags in sorted(wanted, key=lambda one: -len(one[0])):
            for match in re.finditer(rf"(?<!\w){re.escape(said)}(?!\w)", text, flags):
                if not any(match.start() < one.end and one.start < match.end() for one in found):
                    found.append(Identifier(match.start(), match.end(), kind, "fake", self._confidence))
        return tuple(sorted(found, key=lambda one: one.start))
