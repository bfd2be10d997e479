"""What whoever imports a table says of it: version and days. The file itself seldom does."""

from __future__ import annotations

import datetime
import hashlib
from dataclasses import dataclass

from appliance.coding.tables.layout import PackHead, PackKind, Source


@dataclass(frozen=True, slots=True)
class Stamp:
    """Version and days of a table.

    Args:
        version: As the publisher names it.
        effective_from: First day of service that it was published for.
        effective_to: The last; None while no successor is known.
        setting: Of NCCI tables: "practitioner" or "hospital".
    """

    version: str
    effective_from: datetime.date
    effective_to: datetime.date | None = None
    setting: str = "practitioner"

    def head(self, kind: PackKind, system: str, licence: str, sources: dict[str, bytes]) -> PackHead:
        """A pack's head for files by name."""
        made_of = tuple(
            Source(name if name.isprintable() else ascii(name), hashlib.sha256(content).hexdigest())
            for name, content in sources.items()
        )
        return PackHead(kind, system, self.version, self.effective_from, self.effective_to, licence, made_of)
