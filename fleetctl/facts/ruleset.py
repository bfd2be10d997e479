"""RulesetFacts: the live nftables rules: their digest, and what each base chain does with what no rule names."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from appliance.contract.ruleset import counter_values, ruleset_digest
from fleetctl.facts.base import Fact, Output, command, stdout_of


@dataclass(frozen=True)
class BaseChain:
    """A chain that the kernel calls by itself. `family` inet stands for IPv4 and IPv6."""

    family: str
    table: str
    name: str
    hook: str
    policy: str


@dataclass(frozen=True)
class RulesetFacts:
    digest: str
    base_chains: tuple[BaseChain, ...]
    counters: dict[str, int]

    def policies(self, hook: str, family: str) -> tuple[str, ...]:
        """The policies of every base chain at `hook` that sees packets of `family` (ip or ip6)."""
        return tuple(
            chain.policy for chain in self.base_chains if chain.hook == hook and chain.family in (family, "inet")
        )


def parse(outputs: Sequence[Output]) -> RulesetFacts:
    text = stdout_of(outputs[0], "nft list ruleset")
    chains = [entry["chain"] for entry in json.loads(text)["nftables"] if "chain" in entry]
    return RulesetFacts(
        digest=ruleset_digest(text),
        base_chains=tuple(
            BaseChain(chain["family"], chain["table"], chain["name"], chain["hook"], chain.get("policy", "accept"))
            for chain in chains
            if "hook" in chain
        ),
        counters=counter_values(text),
    )


RULESET = Fact("ruleset", (command("nft", "-j", "list", "ruleset"),), parse)
