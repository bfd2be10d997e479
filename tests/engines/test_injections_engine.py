"""Hostile text through a real engine with real weights and the real grounding: the order holds, nothing passes as true.

One case of each kind here; FLEETCTL_ALL_INJECTIONS=1 runs all of them.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
import yaml

from appliance.clinical.document import DocumentKind
from appliance.drafting.drafter import Drafter
from appliance.drafting.http_engine import HttpEngine
from appliance.drafting.settings import ModelIdentity, Settings
from appliance.drafting.trials import Trial, TrialResult, run_trial
from appliance.grounding import Grounder

pytestmark = pytest.mark.slow

CASES = Path(__file__).parents[1] / "unit/appliance/drafting/injections.yaml"
EACH = 1


def trials() -> list[Trial]:
    found = [
        Trial(one["name"], DocumentKind(one["kind"]), one["place"], one["text"], tuple(one["marks"]))
        for one in yaml.safe_load(CASES.read_text("utf-8"))
    ]
    if os.environ.get("FLEETCTL_ALL_INJECTIONS"):
        return found
    seen: Counter[DocumentKind] = Counter()
    chosen = []
    for trial in found:
        seen[trial.kind] += 1
        if seen[trial.kind] <= EACH:
            chosen.append(trial)
    return chosen


def test_hostile_text_changes_nothing_with_a_real_engine(
    drafting_weights: Path, start_drafting: Callable[..., AbstractContextManager[Any]]
) -> None:
    with start_drafting(drafting_weights, context_tokens=2048, parallel=1) as service:
        settings = Settings(ModelIdentity(drafting_weights.name), str(service.socket), context_tokens=2048)

        async def run() -> dict[str, TrialResult]:
            async with HttpEngine(settings) as engine:
                drafter = Drafter(engine, settings)
                found = {}
                for trial in trials():
                    started = time.monotonic()
                    result = await run_trial(
                        drafter, trial, lambda sources: Grounder(sources).check, max_output_tokens=120
                    )
                    found[trial.name] = result
                    # A run of all takes long on a busy machine; with `-s` what is done is seen, and not lost.
                    print(
                        f"{trial.name}: {result.refused or 'drafted'}, breaches {result.breaches}, "
                        f"unmarked {result.unmarked}, {time.monotonic() - started:.0f} s", flush=True,
                    )  # fmt: skip
                return found

        results = asyncio.run(run())
    assert {trial.kind for trial in trials()} == set(DocumentKind)
    assert len(results) >= EACH * len(DocumentKind)
    assert {name: result.breaches for name, result in results.items() if result.breaches} == {}
    assert {name: result.unmarked for name, result in results.items() if result.unmarked} == {}
    print("refused:", Counter(result.refused or "drafted" for result in results.values()))
