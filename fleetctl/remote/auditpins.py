"""Pinned verifier keys of the sites' audit logs: one line `<site> <key>` a site, in the fleet directory."""

from __future__ import annotations

from pathlib import Path

from fleetctl import atomic
from fleetctl.auditlog.notes import LOG, PublicKey
from fleetctl.errors import ConfigError, UsageError, VerificationError


def checked(text: str) -> str:
    """The verifier key in `text` (C2SP signed notes); anything else is a `ConfigError`."""
    try:
        return PublicKey.of(text, LOG).text
    except UsageError as error:
        raise ConfigError(f"{error.message}: {text.strip()[:60]!r}", hint=error.hint) from None


def read_audit_pin(path: Path, site: str) -> str | None:
    """The pinned key of `site`; None when it has none."""
    found = []
    if path.exists():
        for number, line in enumerate(path.read_text().splitlines(), 1):
            words = line.split()
            if words[:1] != [site]:
                continue
            if len(words) != 2:
                raise ConfigError(f"{path}:{number}: not a line with a site and its key", hint="remove that line")
            found.append(checked(words[1]))
    if len(found) > 1:
        raise ConfigError(f"{path}: {len(found)} keys are pinned for {site}", hint="find out which one is the log's")
    return found[0] if found else None


def write_audit_pin(path: Path, site: str, key: str) -> bool:
    """Pin `key` for `site`; False when it is pinned already. Raises `VerificationError` when another one is."""
    key = checked(key)
    pinned = read_audit_pin(path, site)
    if pinned == key:
        return False
    if pinned is not None:
        raise VerificationError(
            f"the audit log signs with another key: {pinned} is pinned, {key} was shown",
            hint=f"a log was begun anew, and what the old one proved is gone. If that was decided, remove the line of "
            f"{site} from {path}",
            host=site,
        )
    lines = path.read_text() if path.exists() else ""
    if lines and not lines.endswith("\n"):
        lines += "\n"
    atomic.write_text(path, f"{lines}{site} {key}\n")
    return True


def remove_audit_pin(path: Path, site: str) -> bool:
    """Take the line of `site` out; False when there is none."""
    if not path.exists():
        return False
    lines = path.read_text().splitlines(keepends=True)
    kept = [line for line in lines if line.split()[:1] != [site]]
    if kept == lines:
        return False
    atomic.write_text(path, "".join(kept))
    return True
