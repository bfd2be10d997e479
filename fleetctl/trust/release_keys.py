"""The keys that sign releases: a folder a person, of records (NAME.json) and sealed private keys (NAME.key).

The records are public: what a person hands over so that a key becomes part of a role. The folder of the fleet is
`release/` in its key directory; those of the root are meant for a medium that lies in a safe (`--keys-dir`). A key
on a PKCS#11 token has a record only.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import Field, model_validator
from securesystemslib.signer import SSlibKey

from fleetctl import atomic
from fleetctl.errors import ConfigError, RefusedError, VerificationError
from fleetctl.models.base import StrictModel
from fleetctl.models.load import parse
from fleetctl.trust.keystore import KeyStore, refuse_git
from fleetctl.trust.passphrase import Passphrase
from fleetctl.trust.sealing import open_key, seal_pkcs8

FOLDER = "release"
NAME_FIELD = "x-fleetctl-name"
"""The name of a key's holder, in the key's own entry in signed metadata: who reads it learns who may sign."""
MAX_RECORD_BYTES = 16 << 10
KEY_NAME = r"^[a-z0-9][a-z0-9.-]{0,62}$"
SCHEMES = {"ed25519": "ed25519", "ecdsa-sha2-nistp256": "ecdsa", "ecdsa-sha2-nistp384": "ecdsa"}


class KeyRecord(StrictModel):
    """The public part of a key, and where its private part is."""

    schema_version: Literal["release-key/v1"] = "release-key/v1"
    name: Annotated[str, Field(pattern=KEY_NAME, description="Of its holder or its use, for instance stable-anna.")]
    keyid: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    keytype: Literal["ed25519", "ecdsa"]
    scheme: Literal["ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384"]
    public: Annotated[str, Field(min_length=32, max_length=1000, description="As TUF metadata spells it.")]
    token: Annotated[str | None, Field(max_length=200, pattern=r"^hsm:[0-9]{1,9}\?label=[^\s&]{1,150}$")] = None

    @model_validator(mode="after")
    def _sound(self) -> KeyRecord:
        if SCHEMES[self.scheme] != self.keytype:
            raise ValueError(f"scheme: {self.scheme} is none of a key of type {self.keytype}")
        try:
            computed = self._computed().keyid
        except Exception:  # the library raises what its parsers raise
            raise ValueError("public: is no public key") from None
        if computed != self.keyid:
            raise ValueError(f"keyid: is not the one of this public key, which is {computed}")
        return self

    def _computed(self) -> SSlibKey:
        plain = SSlibKey("0" * 64, self.keytype, self.scheme, {"public": self.public})
        return SSlibKey.from_crypto(plain._crypto_key(), scheme=self.scheme)

    @property
    def key(self) -> SSlibKey:
        """As it goes into metadata, with the holder's name."""
        return SSlibKey(self.keyid, self.keytype, self.scheme, {"public": self.public}, {NAME_FIELD: self.name})

    @classmethod
    def of(cls, name: str, key: SSlibKey, token: str | None = None) -> KeyRecord:
        """The record of a key. Raises `ConfigError` for a name that is none."""
        if not re.fullmatch(KEY_NAME, name):
            raise ConfigError(f"{name!r} is no name of a key", hint="a-z, 0-9, . and -, at most 63 characters")
        values: dict[str, Any] = {"keyid": key.keyid, "keytype": key.keytype, "scheme": key.scheme}
        return cls.model_validate({"name": name, **values, "public": key.keyval["public"], "token": token})


def read_record(path: Path) -> KeyRecord:
    """The record in a file, which may come from another person. Raises `ConfigError`."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_RECORD_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}", hint="fleetctl release keys make NAME writes one") from None
    if len(content) > MAX_RECORD_BYTES:
        raise ConfigError(f"{path} has more than {MAX_RECORD_BYTES} bytes", hint="it is no record of a release key")
    try:
        text = content.decode("ascii")
    except UnicodeDecodeError:
        raise ConfigError(f"{path} is not ASCII text", hint="it is no record of a release key") from None
    return parse(text, KeyRecord, str(path))


@dataclass(frozen=True)
class ReleaseKeys:
    """One folder of release keys. Every access checks its rights first."""

    directory: Path

    @classmethod
    def of_fleet(cls, keys: KeyStore) -> ReleaseKeys:
        """The fleet's own, beside its other keys. It need not exist: a fleet without releases has none."""
        keys.check()
        return cls(keys.directory / FOLDER)

    def exists(self) -> bool:
        return self.directory.is_dir()

    def check(self) -> None:
        """Raise `ConfigError` when there is none, `RefusedError` when others could read it or git could commit it."""
        if not self.exists():
            raise ConfigError(
                f"there are no release keys in {self.directory}",
                hint="fleetctl release keys init makes them; --keys-dir names another folder, for instance a medium",
            )
        status = self.directory.stat()
        if status.st_mode & 0o077:
            raise RefusedError(
                f"{self.directory} can be entered by others",
                hint=f"chmod 700 {self.directory} (a FAT medium: mount it with umask=077)",
            )
        if status.st_uid not in (os.geteuid(), 0):
            raise RefusedError(f"{self.directory} belongs to user {status.st_uid}", hint="run as its owner")
        refuse_git(self.directory)

    def records(self) -> list[KeyRecord]:
        """All of them, by name."""
        self.check()
        found = []
        for path in sorted(self.directory.glob("*.json")):
            record = read_record(path)
            if record.name != path.stem:
                raise ConfigError(f"{path} is the record of {record.name}", hint=f"name the file {record.name}.json")
            found.append(record)
        return found

    def open(self, record: KeyRecord, passphrase: Passphrase) -> Ed25519PrivateKey:
        """The private key of a record. Raises `VerificationError` when it is not the record's."""
        path = self.directory / f"{record.name}.key"
        if not path.is_file():
            raise ConfigError(
                f"{path} is missing", hint="restore it from its backup, or rotate the role to another key"
            )
        if path.stat().st_mode & 0o077:
            raise RefusedError(f"{path} can be read by others", hint=f"chmod 600 {path}")
        private = open_key(path.read_bytes(), passphrase, str(path))
        if not isinstance(private, Ed25519PrivateKey):
            raise VerificationError(f"{path} is no Ed25519 key", hint="restore it from its backup")
        if SSlibKey.from_crypto(private.public_key()).keyid != record.keyid:
            raise VerificationError(f"{path} is not the key of {record.name}.json", hint="restore both from a backup")
        return private

    def make(self, name: str, passphrase: Passphrase) -> KeyRecord:
        """Make a key. The record is written last: without it there is no key, and a second run makes another."""
        private = Ed25519PrivateKey.generate()
        record = KeyRecord.of(name, SSlibKey.from_crypto(private.public_key()))
        self._free(name)
        atomic.write_bytes(self.directory / f"{name}.key", seal_pkcs8(private, passphrase), mode=0o600)
        self._write(record)
        return record

    def add(self, record: KeyRecord) -> None:
        """Keep the record of a key on a token."""
        self._free(record.name)
        self._write(record)

    def _free(self, name: str) -> None:
        if not self.exists():
            self.directory.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            refuse_git(self.directory)
            self.directory.mkdir(mode=0o700)
        self.check()
        if (self.directory / f"{name}.json").exists():
            raise RefusedError(
                f"{self.directory} has a key {name}", hint="keys are never overwritten; choose another name"
            )

    def _write(self, record: KeyRecord) -> None:
        text = json.dumps(record.model_dump(mode="json"), indent=1, sort_keys=True) + "\n"
        atomic.write_text(self.directory / f"{record.name}.json", text, replace=False)
