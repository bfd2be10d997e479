"""One Xid from two sources is one event; two Xids are two."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from appliance.watch.fault_book import FaultBook
from appliance.watch.journal import Journal
from appliance.watch.tellings import Telling, records_of

PLACE, BOOT = "0000:3b:00.0", "b1"
NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


@pytest.fixture
def book(tmp_path: Path) -> FaultBook:
    return FaultBook(Journal(tmp_path))


def nvml(mono_s: float, xid: int = 79, place: str = PLACE) -> Telling:
    return Telling("nvml", xid, place, mono_s)


def kernel(mono_s: float, seq: int, xid: int = 79, *, before: bool = False) -> Telling:
    return Telling("kernel log", xid, PLACE, mono_s, seq=seq, from_before=before)


def tell(book: FaultBook, *tellings: Telling, boot: str = BOOT, at: datetime = NOON) -> dict[int | None, int]:
    book.write(records_of(tellings, book, boot, at))
    return {fault.code: fault.count for fault in book.faults.values()}


def test_the_same_xid_from_both_sources_counts_once_in_either_order(book: FaultBook) -> None:
    assert tell(book, nvml(100.0), kernel(100.2, 1)) == {79: 1}
    assert tell(book, kernel(200.0, 2)) == {79: 2}
    assert tell(book, nvml(200.4)) == {79: 2}


def test_each_telling_repeats_one_other_only(book: FaultBook) -> None:
    assert tell(book, nvml(100.0), nvml(100.1), kernel(100.2, 1), kernel(100.3, 2), kernel(100.4, 3)) == {79: 3}


def test_what_lies_apart_is_not_the_same(book: FaultBook) -> None:
    assert tell(book, nvml(100.0), kernel(111.0, 1)) == {79: 2}
    assert tell(book, nvml(300.0, xid=31), kernel(300.0, 2, xid=32)) == {79: 2, 31: 1, 32: 1}
    book.write(records_of([nvml(400.0, place="0000:65:00.0")], book, BOOT, NOON))
    assert len(book.faults) == 4


def test_the_kernel_log_read_again_after_a_restart_counts_nothing_twice(book: FaultBook, tmp_path: Path) -> None:
    tell(book, kernel(100.0, 7), nvml(150.0))
    again = FaultBook(Journal(tmp_path))
    again.refresh()
    old = [kernel(100.0, 7, before=True), kernel(150.1, 8, before=True), kernel(160.0, 9, before=True)]
    assert tell(again, *old) == {79: 3}
    assert again.cursor == (BOOT, 9)


def test_the_drift_of_the_kernels_clock_is_allowed_for_what_was_there_before(book: FaultBook) -> None:
    month_s = 30 * 86400.0
    tell(book, nvml(month_s))
    assert tell(book, kernel(month_s + 100, 1, before=True)) == {79: 1}
    assert tell(book, nvml(2 * month_s), kernel(2 * month_s + 100, 2)) == {79: 3}


def test_another_boot_counts_its_own(book: FaultBook) -> None:
    tell(book, kernel(100.0, 7))
    assert tell(book, kernel(100.0, 7), boot="b2") == {79: 2}
    fault = next(iter(book.faults.values()))
    assert (fault.first_boot, fault.last_boot) == ("b1", "b2")


def test_a_cleanup_within_a_minute_follows_its_error(book: FaultBook) -> None:
    tell(book, kernel(100.0, 1, xid=48), kernel(100.1, 2, xid=45))
    fault = next(each for each in book.faults.values() if each.code == 45)
    assert fault.after == 48
    tell(book, kernel(300.0, 3, xid=45), at=NOON + timedelta(minutes=3))
    assert fault.after is None  # one of them came alone


def test_a_line_that_is_not_understood_is_unknown_and_kept(book: FaultBook) -> None:
    tell(book, Telling("kernel log", None, "kernel log", 1.0, seq=1, words="NVRM: Xid from somewhere"))
    (fault,) = book.shown({}, None)
    assert (fault.verdict, fault.code, fault.subject) == ("unknown", None, "kernel log")
    assert "NVRM: Xid from somewhere" in fault.reason


def test_how_often_in_a_day(book: FaultBook) -> None:
    for hours, seq in ((-30, 1), (-23, 2), (0, 3)):
        tell(book, kernel(100.0 * seq, seq), at=NOON + timedelta(hours=hours))
    fault = next(iter(book.faults.values()))
    assert (fault.count, fault.count_24h(NOON)) == (3, 2)
    assert fault.count_24h(NOON + timedelta(days=2)) == 0
