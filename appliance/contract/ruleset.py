"""Canonical form and digest of an nftables ruleset, the same at the operator and on the box.

Input is the output of `nft -j list ruleset`. What the kernel adds by itself is left out: rule handles, counter values,
set element timers and the tool's metainfo. What decides about packets stays: order of rules, names, flags, elements.
Pure and standard library only, because Ansible modules import it with the system's Python.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

# Kinds of object in the order in which the canonical form lists them; rules keep their own order inside a chain.
_KINDS = (
    "table",
    "flowtable",
    "set",
    "map",
    "counter",
    "quota",
    "limit",
    "ct helper",
    "ct timeout",
    "ct expectation",
    "synproxy",
    "secmark",
    "chain",
    "rule",
    "element",
)
_VOLATILE = {"handle", "index", "expires"}
_COUNTED = {"counter": ("packets", "bytes"), "quota": ("used", "used_unit"), "last": ("used",)}
_UNORDERED = {"elem", "set"}


class RulesetError(ValueError):
    """The text is not the JSON of an nftables ruleset, so nothing can be said about it."""


def canonical_ruleset(document: str | bytes | dict[str, Any]) -> bytes:
    """The ruleset as canonical JSON bytes; two rulesets that treat packets alike by the same words give the same bytes.

    Raises RulesetError when the document is not nft's JSON: an unreadable ruleset must never look like an empty one.
    """
    if not isinstance(document, dict):
        try:
            document = json.loads(document)
        except ValueError as error:
            raise RulesetError(f"not JSON: {error}") from error
    listing = document.get("nftables") if isinstance(document, dict) else None
    if not isinstance(listing, list):
        raise RulesetError("no list under the key 'nftables'")
    entries: list[tuple[tuple[Any, ...], dict[str, Any]]] = []
    for position, entry in enumerate(listing):
        if not isinstance(entry, dict) or len(entry) != 1:
            raise RulesetError(f"entry {position} is not an object with one key")
        kind, body = next(iter(entry.items()))
        if kind == "metainfo":
            continue
        if not isinstance(body, dict):
            raise RulesetError(f"entry {position} ({kind}) has no object")
        entries.append((_place(kind, body, position), {kind: _stable(body, kind)}))
    entries.sort(key=lambda pair: pair[0])
    return _dump([entry for _, entry in entries])


def ruleset_digest(document: str | bytes | dict[str, Any]) -> str:
    """SHA-256 of the canonical form, 64 hex digits."""
    return hashlib.sha256(canonical_ruleset(document)).hexdigest()


def counter_values(document: str | bytes | dict[str, Any]) -> dict[str, int]:
    """Packets seen by each named counter, `{"egress_denied": 12}`; anonymous counters have no name and are left out."""
    if not isinstance(document, dict):
        try:
            document = json.loads(document)
        except ValueError as error:
            raise RulesetError(f"not JSON: {error}") from error
    listing = document.get("nftables") if isinstance(document, dict) else None
    if not isinstance(listing, list):
        raise RulesetError("no list under the key 'nftables'")
    counters = [entry["counter"] for entry in listing if isinstance(entry, dict) and "counter" in entry]
    return {str(counter["name"]): int(counter["packets"]) for counter in counters}


def _place(kind: str, body: dict[str, Any], position: int) -> tuple[Any, ...]:
    rank = _KINDS.index(kind) if kind in _KINDS else len(_KINDS)
    scope = (str(body.get("family", "")), str(body.get("table", "")))
    if kind == "rule":
        return (rank, kind, *scope, str(body.get("chain", "")), position)
    return (rank, kind, *scope, str(body.get("name", "")), 0)


def _stable(value: Any, key: str = "") -> Any:
    if isinstance(value, dict):
        dropped = _VOLATILE.union(_COUNTED.get(key, ()))
        return {name: _stable(inner, name) for name, inner in value.items() if name not in dropped}
    if isinstance(value, list):
        items = [_stable(inner) for inner in value]
        # The kernel hashes set elements with a seed of its own: their order differs by boot and decides nothing.
        return sorted(items, key=_dump) if key in _UNORDERED else items
    return value


def _dump(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode("ascii")
