"""Xids in the kernel's words."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.watch.kernel_log import KernelLog


def log(path: Path, *records: str) -> KernelLog:
    path.write_text("".join(f"{record}\n" for record in records))
    return KernelLog(path)


@pytest.mark.parametrize(
    ("words", "pci_id", "xid"),
    [
        ("NVRM: Xid (PCI:0000:3b:00): 79, pid='<unknown>', GPU has fallen off the bus.", "0000:3b:00.0", 79),
        ("NVRM: Xid (PCI:0000:C1:00): 154, GPU recovery action changed", "0000:c1:00.0", 154),
        ("NVRM: Xid (0000:05:00): 13, Graphics Exception", "0000:05:00.0", 13),
        ("NVRM: Xid (PCI:00010000:05:00.0): 31, pid=7", "10000:05:00.0", 31),
        ("NVRM: Xid from somewhere", None, None),
    ],
)
def test_the_forms_of_a_line(tmp_path: Path, words: str, pci_id: str | None, xid: int | None) -> None:
    (found,) = log(tmp_path / "kmsg", f"3,1200,5000000,-;{words}").poll()
    assert (found.pci_id, found.xid, found.seq) == (pci_id, xid, 1200)
    assert (found.mono_s, found.before_start) == (5.0, True)


def test_other_words_are_no_xid(tmp_path: Path) -> None:
    lines = ("6,1,1,-;usb 1-1: new device", " SUBSYSTEM=usb", "6,2,2,-;NVRM: loading NVIDIA UNIX Kernel Module", "junk")
    assert log(tmp_path / "kmsg", *lines).poll() == []


def test_what_comes_later_is_told_by_when_it_came(tmp_path: Path) -> None:
    path = tmp_path / "kmsg"
    kernel = log(path, "3,1,1000000,-;NVRM: Xid (PCI:0000:3b:00): 31, one")
    assert len(kernel.poll()) == 1
    with path.open("a") as file:
        file.write("3,2,2000000,-;NVRM: Xid (PCI:0000:3b:00")
        file.flush()
        assert kernel.poll() == []  # half of a line
        file.write("): 32, two\n")
    (found,) = kernel.poll()
    assert (found.xid, found.before_start) == (32, False)
    assert found.mono_s > 2.0


def test_a_log_that_is_not_there_is_unreadable(tmp_path: Path) -> None:
    kernel = KernelLog(tmp_path / "none")
    assert kernel.poll() == []
    assert "No such file" in kernel.problem
