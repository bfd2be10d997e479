"""The live nftables rules: their digest and the counters of what was denied."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from appliance.facts.reading import UnreadableError, run


@dataclass(frozen=True)
class Firewall:
    """What the kernel filters with now. Counters are (packets, bytes) by name."""

    digest: str
    counters: dict[str, tuple[int, int]]


def parse_counters(document: dict[str, Any]) -> dict[str, tuple[int, int]]:
    """Return the named counters of `nft -j list ruleset`. The same name in two tables is counted together."""
    counters: dict[str, tuple[int, int]] = {}
    for item in document.get("nftables", []):
        if "counter" in item:
            counter = item["counter"]
            packets, size = counters.get(counter["name"], (0, 0))
            counters[counter["name"]] = (packets + int(counter["packets"]), size + int(counter["bytes"]))
    return counters


def firewall(nft: Callable[[], str] = lambda: run(["nft", "-j", "list", "ruleset"])) -> Firewall:
    """Read the live rules. Needs root."""
    # Imported here: the digest is the contract's, so that the operator computes it in the same way.
    from appliance.contract.ruleset import ruleset_digest

    text = nft()
    try:
        document = json.loads(text)
        return Firewall(ruleset_digest(document), parse_counters(document))
    except (ValueError, KeyError, TypeError) as error:
        raise UnreadableError(f"nft -j list ruleset: answer not understood ({type(error).__name__})") from None
