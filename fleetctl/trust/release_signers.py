"""The release keys at hand: folders of records, opened when they sign and not before."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from securesystemslib.signer import CryptoSigner, Signer

from fleetctl.errors import UsageError
from fleetctl.trust.passphrase import Passphrase
from fleetctl.trust.release_keys import KeyRecord, ReleaseKeys
from fleetctl.trust.release_token import TokenSigner, module_path


@dataclass
class Keyring:
    """Keys of one or several folders. `passphrase` and `pin` are asked once each, when a key is first opened."""

    folders: Sequence[ReleaseKeys]
    passphrase: Callable[[], Passphrase]
    pin: Callable[[], Passphrase]
    module: Path | None = None
    _found: dict[str, tuple[ReleaseKeys, KeyRecord]] | None = None
    _open: dict[str, Signer] = field(default_factory=dict)
    _asked: dict[str, Passphrase] = field(default_factory=dict)

    def records(self) -> dict[str, KeyRecord]:
        """Key id → record of all keys at hand. Raises `ConfigError` when a folder is missing."""
        return {keyid: record for keyid, (_, record) in self._records().items()}

    def secret_of_files(self) -> Passphrase:
        """The passphrase that opens the keys in files; asked once."""
        return self._secret("passphrase", self.passphrase)

    def signers(self, keyids: Iterable[str]) -> list[Signer]:
        """A signer for each of `keyids` that is at hand; the others are left out."""
        known = self._records()
        return [self._signer(keyid) for keyid in dict.fromkeys(keyids) if keyid in known]

    def _records(self) -> dict[str, tuple[ReleaseKeys, KeyRecord]]:
        if self._found is None:
            self._found = {}
            for folder in self.folders:
                for record in folder.records():
                    if record.keyid in self._found:
                        continue  # the same key in two folders: a copy of a medium
                    self._found[record.keyid] = (folder, record)
        return self._found

    def _signer(self, keyid: str) -> Signer:
        if keyid not in self._open:
            folder, record = self._records()[keyid]
            if record.token is not None:
                module = module_path(self.module)
                self._open[keyid] = TokenSigner(record, module, lambda: self._secret("pin", self.pin))
            else:
                private = folder.open(record, self.secret_of_files())
                self._open[keyid] = CryptoSigner(private, record.key)
        return self._open[keyid]

    def _secret(self, kind: str, ask: Callable[[], Passphrase]) -> Passphrase:
        if kind not in self._asked:
            self._asked[kind] = ask()
        return self._asked[kind]


def pin_from(fd: int | None, file: Path | None) -> Passphrase:
    """The PIN of a token from a descriptor, a file or a prompt; never from argv. Raises `UsageError`."""
    if fd is not None or file is not None:
        return Passphrase.from_options(fd, file)
    if not sys.stdin.isatty():
        raise UsageError(
            "the token needs a PIN, and stdin is no terminal to ask on", hint="--pin-fd N or --pin-file FILE"
        )
    return Passphrase(getpass.getpass("PIN of the token: "))
