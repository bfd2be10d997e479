"""How the tests of the rules begin a rollout."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fleetctl.rollout.journal import Journal
from tests.fakes.rollouts import Bench, bench, plan

Waves = dict[str, int]


def started(journal: Journal, waves: Waves | None = None, **policy: Any) -> Bench:
    return bench(journal, plan(waves, **policy))


def settled(bench: Bench, *sites: str) -> Callable[[], bool]:
    """Whether these have ended."""
    return lambda: all(bench.engine.views[site].record.settled for site in sites)
