"""Escrow files: `escrow/<site>/<LUKS UUID>.age`, the encrypted recovery keys of every volume of the fleet."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path

from fleetctl import atomic
from fleetctl.errors import UsageError, VerificationError
from fleetctl.trust.escrow_index import EscrowIndex, VolumeName

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_SUFFIX = ".age"


_BEGIN, _END = b"-----BEGIN AGE ENCRYPTED FILE-----", b"-----END AGE ENCRYPTED FILE-----"
# age's own format (C2SP age.md): text header, its MAC on a line with ---, a nonce of 16 bytes, then chunks with a tag
# of 16 bytes each.
_AGE_START, _AGE_MAC, _AGE_LEAST_BYTES = b"age-encryption.org/v1\n", b"\n--- ", 32


def is_whole_armour(content: bytes) -> bool:
    """Whether this is an armoured age file from begin to end. Whether it opens is known only by `disk escrow test`."""
    lines = content.strip().splitlines()
    if len(lines) < 3 or (lines[0], lines[-1]) != (_BEGIN, _END):
        return False
    try:
        binary = base64.b64decode(b"".join(lines[1:-1]), validate=True)
    except ValueError:
        return False
    _, mac, rest = binary.partition(_AGE_MAC)
    payload = rest.partition(b"\n")[2]
    return binary.startswith(_AGE_START) and bool(mac) and len(payload) >= _AGE_LEAST_BYTES


class EscrowFiles:
    """The files of one site. `directory` is the fleet's escrow folder."""

    def __init__(self, directory: Path, site: str) -> None:
        self.directory = directory / site
        self._site = site

    def luks_uuids(self) -> frozenset[str]:
        """Volumes whose recovery key is here."""
        stems = {path.stem for path in self.directory.glob(f"*{_SUFFIX}")}
        return frozenset(stem for stem in stems if _UUID.fullmatch(stem))

    def digests(self) -> dict[str, str]:
        """SHA-256 of each volume's file; empty for one that is no whole age armour: a key that nobody can get back."""
        contents = {uuid: self._path(uuid).read_bytes() for uuid in self.luks_uuids()}
        return {
            uuid: hashlib.sha256(content).hexdigest() if is_whole_armour(content) else ""
            for uuid, content in contents.items()
        }

    def ciphertext(self, luks_uuid: str) -> str:
        return self._path(luks_uuid).read_text(encoding="ascii")

    def find(self, wanted: VolumeName | str) -> str:
        """The LUKS UUID of the file that opens a volume, given by UUID, or by name: then the newest in the index.

        Raises UsageError, which lists the files that there are, when there is none.
        """
        known = sorted(self.luks_uuids())
        if not known:
            raise UsageError(
                f"there is no escrow file in {self.directory}",
                hint="is this the right fleet directory, and up to date?",
                host=self._site,
            )
        if isinstance(wanted, VolumeName):
            found = EscrowIndex.read(self.directory).newest(wanted)
            missing = f"the index in {self.directory} names no {wanted} volume whose file is there"
        else:
            found = wanted.lower()
            missing = f"there is no escrow file for {wanted}"
        if found in known:
            return found
        raise UsageError(
            missing,
            hint=f"--uuid with one of {', '.join(known)}",
            host=self._site,
        )

    def store(self, luks_uuid: str, ciphertext: str, volume: VolumeName) -> bool:
        """Write durably, and note in the index which volume it is; False when all of that is here already.

        Another key for the same volume takes its place, and the old file stays beside it: which of them opens the
        volume is known only by trying. The index comes last: a damaged one must not keep a key out of escrow.
        """
        is_new = self._store_key(self._path(luks_uuid), ciphertext.encode("ascii"))
        index = EscrowIndex.read(self.directory)
        if not is_new and index.names(luks_uuid, volume):
            return False
        index.with_entry(luks_uuid, volume).write(self.directory)
        return True

    def _store_key(self, path: Path, content: bytes) -> bool:
        if path.exists():
            present = path.read_bytes()
            if present == content:
                return False
            digest = hashlib.sha256(present).hexdigest()[:12]
            atomic.write_bytes(path.with_name(f"{path.stem}.{digest}{_SUFFIX}"), present)
        made = [folder for folder in (self.directory, self.directory.parent) if not folder.exists()]
        self.directory.mkdir(parents=True, exist_ok=True)
        for folder in made:
            atomic.sync_directory(folder.parent)
        atomic.write_bytes(path, content)
        return True

    def _path(self, luks_uuid: str) -> Path:
        # The name comes from the box and becomes a path.
        if not _UUID.fullmatch(luks_uuid):
            raise VerificationError(
                f"the box names a volume {luks_uuid!r}, which is no LUKS UUID",
                hint="do not trust this machine before you know why",
                host=self._site,
            )
        return self.directory / f"{luks_uuid}{_SUFFIX}"
