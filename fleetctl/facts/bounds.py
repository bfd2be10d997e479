"""Bounds on what a host says: how long a text, how large a number, how many of a thing a fact takes in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from fleetctl.facts.base import UnreadableError

T = TypeVar("T")

# SMBIOS, NVMe, PKCS#11 and the TPM name things in at most 64 characters; what is longer is no name.
MAX_TEXT = 256


def text(value: object, what: str) -> str:
    """`value` without the spaces around it. What no terminal should print becomes `?`: firmware is outside input."""
    if not isinstance(value, str):
        raise UnreadableError(f"{what} is no text")
    stripped = value.strip(" \t\r\n\0")
    if len(stripped) > MAX_TEXT:
        raise UnreadableError(f"{what} is longer than {MAX_TEXT} characters")
    return "".join(character if character.isprintable() else "?" for character in stripped)


def number(value: object, what: str, *, most: int = 2**64 - 1) -> int:
    """`value`, a number or decimal digits, when it lies between 0 and `most`."""
    if isinstance(value, str) and value.strip().isascii() and value.strip().isdigit():
        value = int(value.strip()[:40])
    if not isinstance(value, int) or isinstance(value, bool):
        raise UnreadableError(f"{what} is no whole number")
    if not 0 <= value <= most:
        raise UnreadableError(f"{what} is {value}, which lies outside 0 to {most}")
    return value


def at_most(items: Sequence[T], limit: int, what: str) -> Sequence[T]:
    """`items`, unless there are more than any host of ours can have."""
    if len(items) > limit:
        raise UnreadableError(f"{len(items)} {what}, more than the {limit} that are read")
    return items
