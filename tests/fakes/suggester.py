"""A fake suggester: it finds a few words of a text and gives each its code, as fast as a test wants."""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from appliance.coding.suggestion import Assertion, CodeTable, Evidence, Suggestion

WORDS = {"knee": ("M25.562", 0.9), "ibuprofen": ("Z79.1", 0.6), "weeks": ("R52", 0.4)}


@dataclass
class FakeSuggester:
    """Finds `words`: word to (code, confidence). `extra` is added as it is, whatever is in the text."""

    table: CodeTable
    words: dict[str, tuple[str, float]] = field(default_factory=lambda: dict(WORDS))
    extra: list[Suggestion] = field(default_factory=list)

    def suggest(self, text: str, *, on: datetime.date) -> Sequence[Suggestion]:
        found = []
        for word, (code, confidence) in self.words.items():
            match = re.search(word, text, re.IGNORECASE)
            entry = self.table.lookup(code)
            if match is None or entry is None:
                continue
            quoted = Evidence(start=match.start(), end=match.end(), quote=match[0])
            found.append(
                Suggestion(
                    code=entry.code, title=entry.title, system=self.table.system, table_version=self.table.version,
                    table_digest=self.table.digest, evidence=(quoted,), assertion=Assertion.PRESENT,
                    confidence=confidence, question="Which episode?" if code == "R52" else "",
                )
            )  # fmt: skip
        return [*found, *self.extra]
