"""The operator's key that signs rollout plans: `plan.key` beside the fleet's other keys, made when it is first needed.

Its public half is a line of `releases/plan_keys` in the fleet directory: plans count that a key named there signed.
Fleets that are older than plans lack the key, and nothing else misses it, so it is no part of `PRIVATE_FILES`.
"""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from appliance.contract.envelope import key_id, public_key_of, public_key_text
from fleetctl import atomic
from fleetctl.errors import ConfigError, RefusedError, VerificationError
from fleetctl.models.fleetdir import FleetDir
from fleetctl.release.store import ReleaseStore
from fleetctl.trust.passphrase import Passphrase
from fleetctl.trust.sealing import open_key, seal_pkcs8

KEY_FILE = "plan.key"
MAX_KEYS = 1000
MAX_BYTES = 256 * 1024


def plan_keys_path(fleetdir: FleetDir) -> Path:
    """Public keys whose plans count, one line `<key> <whose>` each. Belongs into git."""
    return ReleaseStore(fleetdir).folder / "plan_keys"


def read_plan_keys(fleetdir: FleetDir) -> dict[str, str]:
    """Public key → whose it is. Raises `ConfigError` for a line that is none: then no key counts."""
    path = plan_keys_path(fleetdir)
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}", hint="check the file and its rights") from None
    if len(content) > MAX_BYTES:
        raise ConfigError(f"{path}: larger than {MAX_BYTES} bytes", hint="is this the right file?")
    keys: dict[str, str] = {}
    for number, line in enumerate(content.decode("utf-8", errors="replace").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        text, _, whose = line.partition(" ")
        try:
            key = public_key_text(public_key_of(text))
        except ValueError as error:
            raise ConfigError(f"{path}:{number}: {error}", hint="remove that line, or restore it from git") from None
        if not whose.strip() or not whose.isprintable():
            raise ConfigError(f"{path}:{number}: does not say whose key it is", hint="write the name behind the key")
        if key in keys:
            raise ConfigError(f"{path}:{number}: this key stands there twice", hint="remove one of the lines")
        keys[key] = whose.strip()
    if len(keys) > MAX_KEYS:
        raise ConfigError(f"{path}: {len(keys)} keys, at most {MAX_KEYS}", hint="remove those that nobody uses")
    return keys


def plan_key(fleetdir: FleetDir, passphrase: Passphrase, whose: str) -> Ed25519PrivateKey:
    """The key, made if there is none yet. `whose` stands behind its public half.

    Raises `VerificationError` if the passphrase does not open it or the other keys, or if `plan_keys` does not name it.
    """
    fleetdir.keys.check()
    path = fleetdir.keys.directory / KEY_FILE
    if not path.exists():
        _make(fleetdir, path, passphrase, whose)
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise RefusedError(f"{path} can be read by others", hint=f"chmod 600 {path}")
    key = open_key(path.read_bytes(), passphrase, path.name)
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigError(f"{path} is no Ed25519 key", hint="restore it from the backup of the key directory")
    public = public_key_text(key.public_key())
    if public not in read_plan_keys(fleetdir):
        raise VerificationError(
            f"{plan_keys_path(fleetdir)} does not name your plan key {key_id(key.public_key())}",
            hint=f"if it is to count, let a colleague review and commit this line: {public} {whose}",
        )
    return key


def _make(fleetdir: FleetDir, path: Path, passphrase: Passphrase, whose: str) -> None:
    # A mistyped passphrase would seal a key that nobody opens again: it has to open one that exists.
    fleetdir.keys.load_private("operator.key", passphrase)
    named = plan_keys_path(fleetdir)
    named.parent.mkdir(parents=True, exist_ok=True)
    with _only_one(fleetdir.keys.directory):
        if path.exists():
            return
        read_plan_keys(fleetdir)
        key = Ed25519PrivateKey.generate()
        sealed = seal_pkcs8(key, passphrase)
        # The public half first: killed in between, this leaves a line of a key that nobody has, and no key without one.
        before = named.read_text(encoding="utf-8") if named.exists() else ""
        if before and not before.endswith("\n"):
            before += "\n"
        atomic.write_text(named, f"{before}{public_key_text(key.public_key())} {whose}\n")
        atomic.write_bytes(path, sealed, mode=0o600)


@contextmanager
def _only_one(directory: Path) -> Iterator[None]:
    """One process at a time; the directory itself is what is locked, so that nothing stays behind."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
