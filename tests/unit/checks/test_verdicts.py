"""Every check is ok on the sealed site; single verdicts that need more than one changed fact; exit codes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from appliance.contract.health import Verdict
from fleetctl.checks import array, boot, encryption, hardware, runtime
from fleetctl.checks.context import Wanted
from fleetctl.checks.lists import PREFLIGHT_CHECKS, VERIFY_CHECKS
from fleetctl.checks.result import CheckResult, exit_code
from fleetctl.facts.base import Unreadable
from fleetctl.facts.tpm import TpmFacts
from fleetctl.models.site import Site
from tests.fakes import site as fake
from tests.fakes.parts import Check, data_disks, raid_array
from tests.fakes.site import MODEL, SITE, USR, context, sealed_facts, snapshot


@pytest.mark.parametrize("check", dict.fromkeys(PREFLIGHT_CHECKS + VERIFY_CHECKS), ids=lambda check: check.__name__)
def test_the_sealed_site_is_ok_and_the_result_bears_the_checks_name(check: Check) -> None:
    result = check(context())
    assert (result.check, result.verdict, result.next_action) == (check.__name__, Verdict.OK, "")


def test_a_disk_with_content_may_be_used_when_named_or_ours() -> None:
    storage = SITE.spec.storage.model_copy(update={"erase_disks": ["LAB-1-DATA0"]})
    named = SITE.model_copy(update={"spec": SITE.spec.model_copy(update={"storage": storage})})
    facts = fake.bare_facts(disks=data_disks(signature="ntfs"))
    assert array.data_disks_usable(context(facts, site=named)).verdict is Verdict.OK
    ours = array.data_disks_usable(context(sealed_facts()))
    assert ours.verdict is Verdict.OK
    assert "linux_raid_member" in ours.seen


def test_without_a_build_nothing_is_called_verified() -> None:
    missing = Unreadable("image", "no image was built")
    assert boot.usr_verified(context(wanted=Wanted(missing, MODEL))).verdict is Verdict.UNKNOWN
    assert (
        runtime.model_loaded(context(wanted=Wanted(USR, {"transcription": missing, "drafting": fake.DRAFTER}))).verdict
        is Verdict.UNKNOWN
    )


def test_a_recovery_key_without_escrow_file_does_not_count() -> None:
    result = encryption.recovery_key_tested(context(escrowed={fake.ROOT_UUID: fake.CIPHERTEXT_SHA256}))
    assert result.verdict is Verdict.CRITICAL
    assert f"no escrow file for {fake.STATE_UUID}" in result.reason
    assert result.seen == "1 of 2 volumes in escrow"


@pytest.mark.parametrize("mount", [fake.ROOT_UUID, fake.STATE_UUID])
def test_a_damaged_escrow_file_does_not_count(mount: str) -> None:
    result = encryption.recovery_key_tested(context(escrowed=context().escrowed | {mount: ""}))
    assert result.verdict is Verdict.CRITICAL
    assert f"the escrow file of {mount}" in result.reason
    assert "is damaged" in result.reason
    assert result.seen == "1 of 2 volumes in escrow"


def test_escrow_files_of_earlier_volumes_are_not_counted() -> None:
    earlier = {f"{number}" * 8 + "-1111-4111-8111-111111111111" for number in (7, 8)}
    everything = (fake.ROOT_UUID, fake.STATE_UUID, *earlier)
    result = encryption.recovery_key_tested(context(escrowed=dict.fromkeys(everything, fake.CIPHERTEXT_SHA256)))
    assert (result.verdict, result.seen) == (Verdict.OK, "2 of 2 volumes in escrow")


def test_health_is_judged_by_its_own_verdict_and_reasons() -> None:
    bad = {"verdict": "critical", "reason": "ruleset differs", "next_action": "provision"}
    result = runtime.health_answers(context(health=snapshot("critical", isolation=bad)))
    assert (result.verdict, result.reason, result.next_action) == (
        "critical",
        "isolation: ruleset differs",
        "provision",
    )
    silent = runtime.health_answers(context(health=Unreadable("health", "no answer")))
    assert silent.verdict is Verdict.UNKNOWN


def test_a_box_that_calls_itself_ok_beside_a_critical_part_is_critical() -> None:
    bad = {"verdict": "critical", "reason": "ruleset differs", "next_action": "provision"}
    result = runtime.health_answers(context(health=snapshot("ok", isolation=bad)))
    assert (result.verdict, result.next_action) == (Verdict.CRITICAL, "provision")
    assert result.reason == "isolation: ruleset differs; the box calls itself ok"


def test_the_services_word_about_its_model_is_compared() -> None:
    good = {each.task: each.model_dump() for each in snapshot().models.loaded}

    def judged(**changed: object) -> CheckResult:
        loaded = [model for task, model in {**good, **changed}.items() if model]
        return runtime.model_loaded(context(health=snapshot(models={"verdict": "ok", "reason": "", "loaded": loaded})))

    assert judged().verdict is Verdict.OK
    for task in good:
        result = judged(**{task: good[task] | {"root_hash": USR}})
        assert (result.verdict, result.reason) == (Verdict.CRITICAL, f"{task}: health reports {USR[:12]}")
        missing = judged(**{task: None})
        assert (missing.verdict, missing.reason) == (Verdict.CRITICAL, f"{task}: health reports none")
    none = runtime.model_loaded(context(health=Unreadable("health", "no answer")))
    assert none.verdict is Verdict.UNKNOWN


def without_drafting() -> Site:
    release = SITE.spec.release.model_copy(update={"drafting": None})
    return SITE.model_copy(update={"spec": SITE.spec.model_copy(update={"release": release})})


def test_drafting_is_asked_for_where_the_site_file_names_it() -> None:
    facts = sealed_facts()
    assert not isinstance(facts.services, Unreadable)
    services = tuple(each for each in facts.services.services if each.unit != "appliance-drafting.service")
    no_unit = sealed_facts(services=replace(facts.services, services=services))
    for check in (runtime.services_running, runtime.services_sandboxed):
        assert check(context(no_unit)).verdict is Verdict.CRITICAL
        assert check(context(no_unit, site=without_drafting())).verdict is Verdict.OK


def test_a_model_that_the_site_file_does_not_name_is_critical() -> None:
    result = runtime.model_loaded(context(site=without_drafting()))
    assert result.verdict is Verdict.CRITICAL
    assert result.reason == "drafting is loaded, and the site file names no model for it"


def test_exit_codes_follow_the_worst_verdict() -> None:
    ok = boot.secure_boot_on(context())
    unknown = boot.secure_boot_on(context(sealed_facts(secure_boot=fake.unreadable("secure_boot"))))
    degraded = array.raid_healthy(context(sealed_facts(raid=raid_array(work="resync PENDING"))))
    critical = hardware.tpm_present(context(sealed_facts(tpm=TpmFacts(0, {}, ()))))
    assert [exit_code(each) for each in ([ok], [ok, degraded], [degraded, unknown], [unknown, critical])] == [
        0,
        3,
        5,
        4,
    ]
    assert exit_code([]) == 5
