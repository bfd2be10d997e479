"""Pinned SSH host keys: the fleet's known_hosts file, one Ed25519 key per site under the site's name."""

from __future__ import annotations

import base64
import binascii
import hashlib
from pathlib import Path

from fleetctl import atomic
from fleetctl.errors import ConfigError, VerificationError

KEY_TYPE = "ssh-ed25519"

# RFC 8709: the type's name and a 32-byte public key, each with a four-byte length.
_PREFIX = b"\x00\x00\x00\x0bssh-ed25519\x00\x00\x00\x20"
_BLOB_BYTES = len(_PREFIX) + 32


def fingerprint(public_key: str) -> str:
    """`SHA256:…` of a public key line (`ssh-ed25519 AAAA… [comment]`), in OpenSSH's form."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(decode(public_key)).digest()).decode().rstrip("=")


def decode(public_key: str) -> bytes:
    """The wire form of an Ed25519 public key line; anything else is a `ConfigError`."""
    words = public_key.split()
    try:
        blob = base64.b64decode(words[1], validate=True) if words[0] == KEY_TYPE else b""
    except (IndexError, binascii.Error):
        blob = b""
    if len(blob) != _BLOB_BYTES or not blob.startswith(_PREFIX):
        raise ConfigError(
            f"not an {KEY_TYPE} public key: {public_key[:60]!r}",
            hint="a host key line looks like: ssh-ed25519 AAAA…",
        )
    return blob


def read_pin(known_hosts: Path, site: str) -> str | None:
    """The pinned key of `site` as `ssh-ed25519 AAAA…`; None when the site has none."""
    found: list[str] = []
    if known_hosts.exists():
        for number, line in enumerate(known_hosts.read_text().splitlines(), 1):
            words = line.split()
            if not words or words[0].startswith("#") or words[0] != site:
                continue
            if len(words) < 3:
                raise ConfigError(
                    f"{known_hosts}:{number}: not a host key line", hint="remove it, or add the site anew"
                )
            found.append(f"{words[1]} {words[2]}")
            decode(found[-1])
    if len(found) > 1:
        raise ConfigError(
            f"{known_hosts}: {len(found)} keys are pinned for {site}",
            hint="keep the one that the machine's console shows",
        )
    return found[0] if found else None


def write_pin(known_hosts: Path, site: str, public_key: str) -> bool:
    """Pin `public_key` for `site`; False when it is pinned already. Another key in its place is refused."""
    blob = decode(public_key)
    pinned = read_pin(known_hosts, site)
    if pinned is not None:
        if decode(pinned) == blob:
            return False
        raise VerificationError(
            f"host key mismatch: {fingerprint(pinned)} is pinned, {fingerprint(public_key)} was given",
            hint=f"if the machine was reinstalled on purpose, remove the line of {site} from {known_hosts}",
            host=site,
        )
    lines = known_hosts.read_text() if known_hosts.exists() else ""
    if lines and not lines.endswith("\n"):
        lines += "\n"
    atomic.write_text(known_hosts, f"{lines}{site} {KEY_TYPE} {base64.b64encode(blob).decode()}\n")
    return True


def remove_pin(known_hosts: Path, site: str) -> None:
    """Take the lines of `site` out. Everything else stays as it was."""
    kept = [line for line in known_hosts.read_text().splitlines(keepends=True) if line.split()[:1] != [site]]
    atomic.write_text(known_hosts, "".join(kept))
