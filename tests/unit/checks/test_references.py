"""Checks against a reference: the seal on the box, and what the operator's machine kept of the rules."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from appliance.contract.health import Verdict
from fleetctl.checks import encryption, network
from fleetctl.checks.context import CheckContext
from fleetctl.facts.base import Unreadable
from fleetctl.facts.seal import SealFacts
from tests.fakes import site as fake
from tests.fakes.parts import SEALED, sealed
from tests.fakes.site import USR, context, sealed_facts


@pytest.mark.parametrize("seal", [SealFacts(None), sealed(root_luks_uuid=None)])
def test_a_root_volume_that_no_seal_names_is_not_said_to_be_the_sealed_one(seal: SealFacts) -> None:
    result = encryption.root_encrypted(context(sealed_facts(seal=seal)))
    assert result.verdict is Verdict.OK
    assert "no seal names it" in result.reason
    assert "as sealed" in encryption.root_encrypted(context()).reason


def test_tokens_are_not_called_a_key_that_this_machines_tpm_opens() -> None:
    result = encryption.tpm_bound(context())
    assert "it does not show which TPM opens them" in result.reason


def _recorded(**changed: Any) -> CheckContext:
    return context(isolation=fake.ISOLATION.model_copy(update=changed))


def test_a_seal_that_was_changed_with_the_rules_does_not_hide_it() -> None:
    seal, rules = sealed(ruleset_digest=USR), replace(SEALED.ruleset, digest=USR)
    result = network.ruleset_sealed(context(sealed_facts(seal=seal, ruleset=rules)))
    assert result.verdict is Verdict.CRITICAL
    assert result.reason == "the live digest differs from the one recorded here on 2026-11-22"


def test_rules_of_an_earlier_site_file_are_degraded() -> None:
    result = network.ruleset_sealed(_recorded(spec_sha256="0" * 64))
    assert result.verdict is Verdict.DEGRADED
    assert "the site file changed since the rules were made" in result.reason
    assert result.next_action == "fleetctl site provision lab-1"


def test_without_a_record_here_the_seal_alone_is_not_enough() -> None:
    result = network.ruleset_sealed(context(isolation=None))
    assert (result.verdict, "another machine provisioned it" in result.reason) == (Verdict.DEGRADED, True)
    damaged = network.ruleset_sealed(context(isolation=Unreadable("isolation", "damaged")))
    assert damaged.verdict is Verdict.UNKNOWN
