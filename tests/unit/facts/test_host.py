"""What is read of a host: its GPUs only where somebody asks for them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fleetctl.facts.base import Fact, Unreadable
from fleetctl.facts.gpus import GPUS
from fleetctl.facts.host import ALL_FACTS, gather_host_facts


class SilentHost:
    """Answers nothing, and remembers what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def gather(self, facts: Sequence[Fact[Any]]) -> dict[str, Any]:
        self.asked = [fact.name for fact in facts]
        return {name: Unreadable(name, "silent") for name in self.asked}


def test_gpus_are_read_when_they_are_asked_for() -> None:
    host = SilentHost()
    facts = gather_host_facts(host, gpus=True, hardware=False)
    assert facts.gpus == Unreadable("gpus", "silent")
    assert host.asked.count("gpus") == 1


def test_gpus_that_nobody_asked_for_are_none_and_cost_nothing() -> None:
    host = SilentHost()
    assert gather_host_facts(host, gpus=False, hardware=False).gpus is None
    assert "gpus" not in host.asked
    assert GPUS not in ALL_FACTS
