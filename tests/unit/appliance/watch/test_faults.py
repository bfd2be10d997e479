"""What opens a fault, what it survives, and what is over when: the real service over the simulated library."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from appliance.contract.faults import Fault
from appliance.contract.gpu_watch import GpuWatch
from appliance.watch.fault_book import FaultBook, acknowledged
from appliance.watch.fault_record import FaultRecord
from appliance.watch.journal import Journal
from appliance.watch.remedies import OF_KIND, Remedy, remedy_of
from tests.sim import watched

OTHER_BOOT = "0b00700000000000000000000000b002"
PLACE = watched.PLACES[0]


def one(said: GpuWatch, check: str) -> Fault:
    (found,) = [fault for fault in said.faults if fault.check == check]
    return found


def has(check: str, state: str = "open") -> Any:
    return lambda said: any((fault.check, fault.state) == (check, state) for fault in said.faults)


@pytest.mark.slow
def test_a_fault_stays_open_over_a_restart_and_a_reboot_until_it_is_acknowledged(box: watched.Box, look: Any) -> None:
    first = one(look("sram-threshold", has("gpu_sram_threshold")), "gpu_sram_threshold")
    # The driver forgets its counter, the machine is restarted twice: the card is still the one that has to go.
    restarted = one(look("healthy-l40s-x4"), "gpu_sram_threshold")
    assert (restarted.state, restarted.id, restarted.first_seen) == ("open", first.id, first.first_seen)
    watch = box.watch("healthy-l40s-x4", watched.wanted(), boot=OTHER_BOOT)
    assert one(box.run(watch, watched.readings(2)), "gpu_sram_threshold").state == "open"
    # `appliancectl health ack` writes into the journal, and the running watch sees it.
    FaultBook(Journal(box.state)).write([acknowledged(first.id, "night shift", "card is ordered")])
    said = box.run(watch, has("gpu_sram_threshold", "acknowledged"))
    watch.close()
    fault = one(said, "gpu_sram_threshold")
    assert (fault.acknowledged_by, fault.acknowledged_note) == ("night shift", "card is ordered")
    assert next(each for each in said.checks if each.check == "gpu_faults").verdict == "ok"


@pytest.mark.slow
def test_an_xid_that_wants_a_reboot_is_over_after_a_reboot_and_a_clean_reading(box: watched.Box, look: Any) -> None:
    watch = box.watch("healthy-l40s-x4", watched.wanted())
    box.run(watch, watched.readings(1))
    box.has_xid(0, 79)
    box.run(watch, has("gpu_xid"))
    assert one(box.run(watch, watched.readings(8)), "gpu_xid").state == "open"  # clean readings alone do not close it
    watch.close()
    box.kernel_log.write_text("")  # a new boot has a new log
    said = look("watch/recovery-actions", boot=OTHER_BOOT)
    assert one(said, "gpu_xid").state == "open"  # nor does a reboot alone
    said = look("healthy-l40s-x4", has("gpu_xid", "cleared"), boot=OTHER_BOOT)
    assert one(said, "gpu_xid").cleared_because == "rebooted, and the reading is clean"
    assert one(said, "gpu_xid").count == 1


@pytest.mark.slow
def test_a_reset_that_the_driver_asked_for_is_seen_without_a_reboot(box: watched.Box, look: Any) -> None:
    def seen(said: GpuWatch) -> bool:
        return has("gpu_xid")(said) and has("gpu_recovery_action")(said)

    # Who resets a GPU stops the watch before, and starts it again.
    watch = box.watch("watch/reset-wanted", watched.wanted())
    box.run(watch, seen)
    read_at = box.run(watch, seen).read_at
    box.run(watch, lambda said: said.read_at > read_at)
    watch.close()
    said = look("healthy-l40s-x4", has("gpu_xid", "cleared"))
    assert "the driver asked for a recovery, and asks no more" in one(said, "gpu_xid").cleared_because
    assert one(said, "gpu_recovery_action").state == "cleared"


@pytest.mark.slow
def test_a_fault_of_a_card_is_over_when_another_card_is_in_its_slot(look: Any, box: watched.Box) -> None:
    look("remap-failed", has("gpu_remap_failed"))
    swapped = box.folder / "swapped.conf"
    uuid = "GPU-5a1e0000-0000-4000-8000-00000000b003"
    swapped.write_text(f"base = healthy-l40s-x4\n[gpu 3]\nuuid = {uuid}\nserial = 1650000000099\n")
    scenarios = watched.nvml.SCENARIOS
    for path in scenarios.glob("healthy*.conf"):
        (box.folder / path.name).write_text(path.read_text())
    with pytest.MonkeyPatch.context() as moved:
        moved.setattr(watched.nvml, "SCENARIOS", box.folder)
        said = look("swapped", has("gpu_remap_failed", "cleared"), boot=OTHER_BOOT)
    assert one(said, "gpu_remap_failed").cleared_because == "another card is in the slot, and its reading is clean"
    assert one(said, "gpu_identity").subject == watched.PLACES[3]  # nobody recorded it: is it meant to be there?


@pytest.mark.slow
def test_a_stuck_driver_holds_up_neither_events_nor_the_document(box: watched.Box) -> None:
    watch = box.watch("driver-hangs", watched.wanted(), call_limit_s=2.0)
    try:
        stuck = box.run(watch, has("driver_stuck"))
        assert stuck.report.interruption.cause == "stuck"
        box.has_xid(0, 119)
        said = box.run(watch, lambda said: any(fault.code == 119 for fault in said.faults))
    finally:
        watch.close()
    assert said.taken_at > stuck.taken_at
    assert one(said, "driver_stuck").next_action == "reboot"


@pytest.mark.slow
def test_sources_that_cannot_be_heard_are_unknown(look: Any, box: watched.Box) -> None:
    def events(said: GpuWatch) -> tuple[str, str, str]:
        verdict = next(each for each in said.checks if each.check == "gpu_events").verdict
        return said.sources.nvml_events.state, said.sources.kernel_log.state, verdict

    assert events(look("watch/no-events")) == ("unsupported", "reading", "ok")
    failed = look("watch/events-fail", lambda said: said.sources.nvml_events.state == "failed")
    assert events(failed) == ("failed", "reading", "unknown")
    box.kernel_log.unlink()
    said = look("watch/no-events")
    assert events(said) == ("unsupported", "unreadable", "unknown")
    assert said.activity[0].last_xid.state == "unreadable"


@pytest.mark.slow
def test_a_journal_that_cannot_be_used_is_unknown_and_loses_nothing(box: watched.Box) -> None:
    watch = box.watch("healthy-l40s-x4", watched.wanted())
    try:
        box.run(watch, watched.readings(1))
        aside = box.state.rename(box.folder / "aside")
        box.state.write_text("not a folder")
        box.has_xid(0, 64)

        def journal(said: GpuWatch) -> Any:
            return next(each for each in said.checks if each.check == "gpu_faults")

        said = box.run(watch, lambda said: journal(said).verdict == "unknown")
        assert "the journal of faults cannot be used" in journal(said).reason
        box.state.unlink()
        aside.rename(box.state)
        said = box.run(watch, has("gpu_xid"))
    finally:
        watch.close()
    assert (one(said, "gpu_xid").code, one(said, "gpu_xid").count) == (64, 1)


@pytest.mark.parametrize(
    ("kind", "code", "after", "remedy"),
    [
        ("gpu_xid", 79, None, Remedy.REBOOT),
        ("gpu_xid", 31, None, Remedy.REBOOT),
        ("gpu_xid", 1000, None, Remedy.REBOOT),
        ("gpu_xid", 48, None, Remedy.RESET),
        ("gpu_xid", 64, None, Remedy.REPLACED),
        ("gpu_xid", 154, None, Remedy.READING),
        ("gpu_xid", 43, None, Remedy.NEXT_BOOT),
        ("gpu_xid", 45, None, Remedy.REBOOT),
        ("gpu_xid", 45, 48, Remedy.NEXT_BOOT),
        ("gpu_xid", None, None, Remedy.NOBODY),
        ("kernel_log_lost", None, None, Remedy.NOBODY),
    ],
)
def test_what_shows_that_a_fault_is_remedied(kind: str, code: int | None, after: int | None, remedy: Remedy) -> None:
    assert remedy_of(FaultRecord(kind, code, PLACE, after=after)) is remedy


def test_every_kind_of_fault_that_the_page_names_has_a_remedy() -> None:
    page = (Path(__file__).parents[4] / "docs/design/gpu-watch.md").read_text()
    rows = [line.split("|") for line in page.splitlines() if line.startswith("| ") and line.count("|") == 6]
    kinds = {word.strip("` ") for row in rows[1:] for word in re.split("[;,]", row[4]) if "`" in word}
    assert kinds - {"gpu_xid"} == OF_KIND.keys()
