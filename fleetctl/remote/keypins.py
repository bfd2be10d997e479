"""Pinned public keys of the sites: one line `<site> <key>` a site, one file a kind of key, in the fleet directory.

A box makes its keys itself; who holds them here can tell another key from the one that was there at provisioning.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from appliance.contract.envelope import public_key_of, public_key_text
from fleetctl import atomic
from fleetctl.auditlog.notes import LOG, PublicKey
from fleetctl.errors import ConfigError, UsageError, VerificationError
from fleetctl.models.fleetdir import FleetDir


@dataclass(frozen=True)
class KeyKind:
    """What signs with the key, what another key would mean, where it is pinned, and its one spelling."""

    name: str
    signer: str
    meaning: str
    file: Callable[[FleetDir], Path]
    spelled: Callable[[str], str]


def _audit_key(text: str) -> str:
    try:
        return PublicKey.of(text, LOG).text
    except UsageError as error:
        raise ConfigError(f"{error.message}: {text.strip()[:60]!r}", hint=error.hint) from None


def _health_key(text: str) -> str:
    try:
        return public_key_text(public_key_of(text))
    except ValueError as error:
        hint = "give the whole line, as `appliancectl health key` prints it"
        raise ConfigError(f"{error}: {text.strip()[:60]!r}", hint=hint) from None


AUDIT = KeyKind(
    "audit",
    "the audit log",
    "a log was begun anew, and what the old one proved is gone",
    lambda fleetdir: fleetdir.audit_keys,
    _audit_key,
)
HEALTH = KeyKind(
    "health",
    "the health agent",
    "the state volume was made anew, or another machine answers",
    lambda fleetdir: fleetdir.health_keys,
    _health_key,
)


def read_keys(kind: KeyKind, path: Path) -> dict[str, str]:
    """Every site's pinned key. Raises `ConfigError` for a line that is none, or two of a site: then none counts."""
    keys: dict[str, str] = {}
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    for number, line in enumerate(lines, 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        where = f"{path}:{number}"
        if len(words) != 2:
            raise ConfigError(f"{where}: not a line with a site and its {kind.name} key", hint="remove that line")
        site, text = words
        if site in keys:
            hint = f"find out which one is that of {kind.signer}, and remove the other"
            raise ConfigError(f"{where}: a second {kind.name} key for {site}", hint=hint)
        try:
            keys[site] = kind.spelled(text)
        except ConfigError as error:
            raise ConfigError(f"{where}: {error.message}", hint=error.hint) from None
    return keys


def read_key(kind: KeyKind, path: Path, site: str) -> str | None:
    """The pinned key of `site`; None when it has none. Raises as `read_keys`."""
    return read_keys(kind, path).get(site)


def pin_key(kind: KeyKind, path: Path, site: str, key: str) -> bool:
    """Pin `key` for `site`; False when it is pinned already. Raises `VerificationError` when another one is."""
    key = kind.spelled(key)
    pinned = read_key(kind, path, site)
    if pinned == key:
        return False
    if pinned is not None:
        raise VerificationError(
            f"{kind.signer} signs with another key: {pinned} is pinned, {key} was shown",
            hint=f"{kind.meaning}. If that was decided, remove the line of {site} from {path}",
            host=site,
        )
    lines = path.read_text() if path.exists() else ""
    if lines and not lines.endswith("\n"):
        lines += "\n"
    atomic.write_text(path, f"{lines}{site} {key}\n")
    return True


def remove_key(path: Path, site: str) -> bool:
    """Take the line of `site` out; False when there is none."""
    if not path.exists():
        return False
    lines = path.read_text().splitlines(keepends=True)
    kept = [line for line in lines if line.split()[:1] != [site]]
    if kept == lines:
        return False
    atomic.write_text(path, "".join(kept))
    return True
