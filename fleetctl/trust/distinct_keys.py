"""Refuses metadata in which a public key stands under several ids."""

from __future__ import annotations

from collections.abc import Iterable

from securesystemslib.signer import Key

from appliance.contract.public_keys import der, twins
from fleetctl.errors import VerificationError


def fingerprint(key: Key) -> bytes:
    """The public key itself, in its one DER spelling. Raises `VerificationError` for what is none."""
    try:
        return der(key)
    except ValueError as problem:
        raise VerificationError(f"metadata: {problem}", hint="get the repository from git again") from None


def check_distinct(keys: Iterable[Key], where: str) -> None:
    """Raise `VerificationError` when two of `keys`, which have different ids, are the same key."""
    try:
        found = twins(keys)
    except ValueError as problem:
        raise VerificationError(f"{where}: {problem}", hint="get the repository from git again") from None
    if found is not None:
        raise VerificationError(
            f"{where} lists one public key under two ids ({found[0][:16]}, {found[1][:16]}): it would count twice",
            hint="do not use this metadata; the holders of the root's keys have to replace it",
        )
