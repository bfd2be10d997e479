"""Actions that only read: verify, lock status, disk status."""

from __future__ import annotations

import io
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from appliance.contract.health import Verdict
from fleetctl.actions import judge
from fleetctl.actions.disk import read_disk_status
from fleetctl.actions.judge import SiteJudgement
from fleetctl.actions.lock import read_lock_status
from fleetctl.errors import UnreachableError, VerificationError
from fleetctl.facts.lock import Lock, LockFacts
from fleetctl.models.fleetdir import FleetDir
from fleetctl.models.site import Site
from fleetctl.report.checks import judgements_table
from fleetctl.report.disks import disk_table
from fleetctl.report.sites import lock_table
from fleetctl.trust.passphrase import Passphrase
from tests.fakes import site as fake
from tests.fakes.host import FakeHost


def _text(renderable: Any) -> str:
    stream = io.StringIO()
    Console(width=220, file=stream).print(renderable)
    return stream.getvalue()


def _named(name: str) -> Site:
    return fake.SITE.model_copy(update={"metadata": fake.SITE.metadata.model_copy(update={"name": name})})


@pytest.fixture
def reached(fleet_dir: FleetDir, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Site name → what connecting to it gives: facts, or the error to raise."""
    answers: dict[str, Any] = {}

    class Opened:
        def __init__(self, site: Site, *_: Any) -> None:
            self.answer = answers[site.name]

        def __enter__(self) -> FakeHost:
            if isinstance(self.answer, Exception):
                raise self.answer
            return FakeHost(readings=[self.answer])

        def __exit__(self, *_: Any) -> None:
            """Nothing to close."""

    monkeypatch.setenv("FLEETCTL_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr("fleetctl.actions.judge.ssh_agent", lambda *_: nullcontext(tmp_path))
    monkeypatch.setattr("fleetctl.actions.judge.Connection", Opened)
    monkeypatch.setattr("fleetctl.actions.operator_side.FleetOperator.health", lambda self: fake.snapshot())
    return answers


def test_verify_of_one_site_raises_what_stops_it(
    fleet_dir: FleetDir, passphrase: Passphrase, reached: dict[str, Any]
) -> None:
    reached["lab-1"] = VerificationError("host key mismatch", hint="find out")
    with pytest.raises(VerificationError):
        judge.verify(fleet_dir, [fake.SITE], passphrase)


def test_verify_of_many_sites_judges_all_and_the_worst_code_counts(
    fleet_dir: FleetDir, passphrase: Passphrase, reached: dict[str, Any]
) -> None:
    reached["up"] = fake.sealed_facts()
    reached["off"] = UnreachableError("no SSH connection", hint="is it on?")
    judgements = judge.verify(fleet_dir, [_named("up"), _named("off")], passphrase)
    up, off = judgements
    # Nothing was built for this fleet, so that the running image and model cannot be called right.
    assert {check.check for check in up.checks if check.verdict is Verdict.UNKNOWN} == {"usr_verified", "model_loaded"}
    assert "recovery_key_tested" in {check.check for check in up.checks if check.verdict is Verdict.CRITICAL}
    assert (off.verdict, off.error, off.exit_code) == (Verdict.UNKNOWN, "no SSH connection", 5)
    assert judge.exit_code(judgements) == 4
    text = _text(judgements_table(judgements))
    assert "no SSH connection" in text
    assert "→ is it on?" in text


@pytest.mark.parametrize(
    ("codes", "expected"), [([0, 0], 0), ([0, 3], 3), ([3, 5], 5), ([5, 4], 4), ([4, 9], 9), ([], 5), ([0, 6], 6)]
)
def test_exit_codes_of_many_sites(codes: list[int], expected: int) -> None:
    sites = [SiteJudgement(site="a", verdict=Verdict.OK, exit_code=code) for code in codes]
    assert judge.exit_code(sites) == expected


def test_lock_status_says_who_why_and_until_when() -> None:
    lock = Lock(
        "bob", "ops-2", "provision", datetime(2026, 11, 22, 12, tzinfo=UTC), datetime(2026, 11, 22, 13, tzinfo=UTC)
    )
    host = FakeHost(readings=[fake.sealed_facts(lock=LockFacts(lock))] * 2 + [fake.sealed_facts()])
    held = read_lock_status(host, "lab-1", datetime(2026, 11, 22, 12, 30, tzinfo=UTC))
    late = read_lock_status(host, "lab-1", datetime(2026, 11, 22, 13, 30, tzinfo=UTC))
    free = read_lock_status(host, "lab-1", datetime(2026, 11, 22, 13, 30, tzinfo=UTC))
    assert (held.held, held.expired, late.expired, free.held) == (True, False, True, False)
    assert lock_table(held) == (
        "lab-1: bob on ops-2 holds the lock since 2026-11-22 12:00:00+00:00, for: provision; "
        "until 2026-11-22 13:00:00+00:00"
    )
    assert lock_table(free) == "lab-1: nobody holds the lock"


def test_an_unreadable_lock_is_not_a_free_one() -> None:
    host = FakeHost(readings=[fake.sealed_facts(lock=fake.unreadable("lock"))])
    with pytest.raises(UnreachableError, match="could not read the lock"):
        read_lock_status(host, "lab-1", datetime.now(UTC))


def test_disk_status_shows_slots_registers_ciphers_and_tests() -> None:
    host = FakeHost(readings=[fake.sealed_facts()])
    status = read_disk_status(host, "lab-1", frozenset({fake.STATE_UUID}))
    root, state = status.volumes
    assert (root.mounted, root.in_escrow) == (("/",), False)
    assert (state.mounted, state.in_escrow) == (("/var/lib/appliance",), True)
    assert state.tpm_binding == "PCR 7+15 + signed PCR 11"
    assert [(slot.opened_by, slot.kdf_memory_mib) for slot in state.slots] == [("recovery", 256), ("tpm2", 0)]
    text = _text(disk_table(status))
    for words in (
        "aes-xts-plain64",
        "0 recovery: argon2id 256 MiB",
        "PCR 7+15 + signed PCR 11",
        "escrowed copy: never",
    ):
        assert words in text
    assert "md127 raid1, 2 of 2 members" in text


def test_half_a_disk_status_is_none() -> None:
    host = FakeHost(readings=[fake.sealed_facts(luks=fake.unreadable("luks"))])
    with pytest.raises(UnreachableError, match="could not read luks"):
        read_disk_status(host, "lab-1", frozenset())
