"""The engine image of a GPU site, and the driver that it wants: each verdict."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from appliance.contract.health import Verdict
from fleetctl.checks import gpus
from fleetctl.checks.context import CheckContext
from fleetctl.checks.engine import engine_verified
from fleetctl.checks.lists import verify_checks
from fleetctl.checks.wanted import Wanted, WantedEngine
from fleetctl.facts.base import Unreadable
from fleetctl.facts.verity import VerityDevice, VerityFacts
from tests.fakes import site as fake
from tests.fakes.gpus import gpu_context, profile

ENGINE = "e1" * 32
DEVICE = VerityDevice("engine", ENGINE, False, True)


def wanted(engine: WantedEngine | Unreadable | None) -> Wanted:
    return Wanted(fake.USR, {"transcription": fake.MODEL, "drafting": fake.DRAFTER}, engine)


def context(device: VerityDevice | None = DEVICE, reported: str | None = ENGINE, **changed: Any) -> CheckContext:
    loaded = [
        {"task": "transcription", "name": "whisper-tiny.en", "root_hash": fake.MODEL},
        {"task": "drafting", "name": fake.DRAFTING, "root_hash": fake.DRAFTER, "engine_root_hash": reported},
    ]
    health = fake.snapshot(models={"verdict": "ok", "reason": "compared", "loaded": loaded})
    verity = VerityFacts((device,) if device else ())
    given = {"wanted": wanted(WantedEngine(ENGINE, "525.60.13")), "health": health, "profile": profile()}
    return fake.context(fake.sealed_facts(verity=verity), **given | changed)


def test_the_approved_engine_is_ok_and_is_judged_where_cards_are_wanted() -> None:
    result = engine_verified(context())
    assert (result.check, result.verdict, result.next_action) == ("engine_verified", Verdict.OK, "")
    assert engine_verified in verify_checks(profile())
    assert engine_verified not in verify_checks(fake.PROFILE)


@pytest.mark.parametrize(
    ("device", "reported", "words"),
    [
        (None, ENGINE, "runs no dm-verity device"),
        (replace(DEVICE, root_hash="00" * 32), ENGINE, "runs no dm-verity device"),
        (replace(DEVICE, corrupted=True), ENGINE, "wrong block"),
        (replace(DEVICE, signed=False), ENGINE, "without a signature"),
        (DEVICE, "00" * 32, "health reports 000000000000"),
        (DEVICE, None, "health reports none"),
    ],
)
def test_another_engine_is_critical(device: VerityDevice | None, reported: str | None, words: str) -> None:
    result = engine_verified(context(device, reported))
    assert result.verdict is Verdict.CRITICAL
    assert words in result.reason
    assert "site provision" in result.next_action


@pytest.mark.parametrize(
    "changed",
    [
        {"wanted": wanted(None)},
        {"wanted": wanted(Unreadable("engine", "no finished engine image"))},
        {"health": Unreadable("health", "no answer")},
    ],
)
def test_what_cannot_be_compared_is_unknown(changed: dict[str, Any]) -> None:
    assert engine_verified(context(**changed)).verdict is Verdict.UNKNOWN


def test_an_unreadable_kernel_table_is_unknown() -> None:
    facts = fake.sealed_facts(verity=fake.unreadable("verity"))
    assert engine_verified(replace(context(), facts=facts)).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("min_driver", "verdict"), [("525.60.13", Verdict.OK), ("580.65.06", Verdict.CRITICAL)], ids=["CUDA 12", "CUDA 13"]
)
def test_preflight_compares_the_driver_with_the_engine(min_driver: str, verdict: Verdict) -> None:
    """The fake's driver is 570.86.15, its profile wants 550.54."""
    given = replace(gpu_context(), wanted=wanted(WantedEngine(ENGINE, min_driver)))
    result = gpus.gpu_library(given)
    assert result.verdict is verdict
    assert result.wanted == f"driver {max('550.54', min_driver)} or newer"
