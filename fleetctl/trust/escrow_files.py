"""Escrow files: `escrow/<site>/<LUKS UUID>.age`, the encrypted recovery keys of every volume of the fleet."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from fleetctl import atomic
from fleetctl.errors import VerificationError

_UUID = re.compile(r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
_SUFFIX = ".age"


class EscrowFiles:
    """The files of one site. `directory` is the fleet's escrow folder."""

    def __init__(self, directory: Path, site: str) -> None:
        self.directory = directory / site
        self._site = site

    def luks_uuids(self) -> frozenset[str]:
        """Volumes whose recovery key is here."""
        stems = {path.stem for path in self.directory.glob(f"*{_SUFFIX}")}
        return frozenset(stem for stem in stems if _UUID.match(stem))

    def ciphertext(self, luks_uuid: str) -> str:
        return self._path(luks_uuid).read_text(encoding="ascii")

    def store(self, luks_uuid: str, ciphertext: str) -> bool:
        """Write durably; False when it is here already.

        Another key for the same volume takes its place, and the old file stays beside it: which of them opens the
        volume is known only by trying.
        """
        path = self._path(luks_uuid)
        content = ciphertext.encode("ascii")
        if path.exists():
            present = path.read_bytes()
            if present == content:
                return False
            digest = hashlib.sha256(present).hexdigest()[:12]
            atomic.write_bytes(path.with_name(f"{luks_uuid}.{digest}{_SUFFIX}"), present)
        made = [folder for folder in (self.directory, self.directory.parent) if not folder.exists()]
        self.directory.mkdir(parents=True, exist_ok=True)
        for folder in made:
            atomic.sync_directory(folder.parent)
        atomic.write_bytes(path, content)
        return True

    def _path(self, luks_uuid: str) -> Path:
        # The name comes from the box and becomes a path.
        if not _UUID.match(luks_uuid):
            raise VerificationError(
                f"the box names a volume {luks_uuid!r}, which is no LUKS UUID",
                hint="do not trust this machine before you know why",
                host=self._site,
            )
        return self.directory / f"{luks_uuid}{_SUFFIX}"
