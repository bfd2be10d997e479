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
        longest = sorted(self._listed, key=len, reverse=True)
        self._pattern = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest))})(?!\w)")
        self.asked: list[str] = []

    def find(self, text: str, *, known_names: Sequence[str] = ()) -> tuple[Identifier, ...]:
        self.asked.append(text)
        found = [
            Identifier(match.start(), match.end(), self._listed[match[0]], "fake", self._confidence)
            for match in self._pattern.finditer(text)
        ]
        for part in {part for name in known_names for part in name.split()}:
            for match in re.finditer(rf"(?<!\w){re.escape(part)}(?!\w)", text, re.IGNORECASE):
                if not any(match.start() < one.end and one.start < match.end() for one in found):
                    found.append(Identifier(match.start(), match.end(), IdentifierKind.NAME, "known", 1.0))
        return tuple(sorted(found, key=lambda one: one.start))
