"""The operator's images before they are sent: each is compared with its digest once, not once a site."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path

from fleetctl.errors import ConfigError, VerificationError
from fleetctl.image.digest import file_sha256
from fleetctl.release.store import ReleaseStore

_State = tuple[int, int, int, int]


@dataclass
class LocalImages:
    """Shared by all sites of a rollout. What was compared counts as long as the file is the same one, unchanged."""

    store: ReleaseStore
    _compared: dict[Path, tuple[_State, str]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def path(self, root_hash: str, sha256: str, size_bytes: int) -> Path:
        """Where the image lies. Raises ConfigError when it is not there, VerificationError when it is another."""
        path = self.store.image(root_hash)
        hint = "fleetctl release import, or build it again: nothing was sent"
        try:
            found = path.stat(follow_symlinks=False)
        except FileNotFoundError:
            raise ConfigError(f"{path}: the image of this release is not here", hint=hint) from None
        if found.st_size != size_bytes:
            raise VerificationError(f"{path} has {found.st_size} bytes, the release says {size_bytes}", hint=hint)
        state = (found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
        # One thread reads; the others wait for what it has found rather than read the same file beside it.
        with self._lock:
            known = self._compared.get(path)
            if known is None or known[0] != state:
                known = (state, file_sha256(path))
                self._compared[path] = known
        if known[1] != sha256:
            raise VerificationError(f"{path} has the SHA-256 {known[1]}, the release says {sha256}", hint=hint)
        return path
