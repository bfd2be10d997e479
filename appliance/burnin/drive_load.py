"""The data disks under load: read by fio, one after the other block and then at random. Nothing is ever written.

fio opens a disk for reading only, refuses every job that writes (--readonly), and makes no file.
"""

import json
import re
import shutil
from dataclasses import dataclass
from typing import Any

from appliance.burnin.observe import Reading, unread, value
from appliance.contract.burnin import MAX_DRIVES
from appliance.facts.reading import UnreadableError, run
from appliance.gpu.child import clean
from appliance.gpu.teller import Process

TOOL = "fio"
LSBLK = ["lsblk", "--json", "--bytes", "--output", "NAME,PATH,TYPE,SIZE,SERIAL,MODEL,MOUNTPOINTS"]
_DISK = re.compile(r"^(nvme\d+n\d+|vd[a-z]+)$")
# Where the running system lives; a disk that holds one of these, itself or below, is the system's.
_SYSTEM = re.compile(r"^(/|/usr|/boot(/.*)?|/efi(/.*)?|\[SWAP\])$")
_MIB = 1024**2
_DEPTH = {"read": 8, "randread": 32}
_BLOCK = {"read": "1M", "randread": "4k"}


@dataclass(frozen=True)
class Drive:
    """A disk that may be read: the path of its device, and what it says of itself."""

    path: str
    serial: str | None
    model: str | None


def drives() -> list[Drive]:
    """Return the whole NVMe and virtio disks but the system's; raises UnreadableError if they cannot be told apart."""
    return data_disks(run(LSBLK))


def data_disks(listed: str) -> list[Drive]:
    """Return the data disks in what lsblk printed; raises UnreadableError."""
    try:
        disks = [disk for disk in json.loads(listed)["blockdevices"] if disk["type"] == "disk"]
        system = [disk["name"] for disk in disks if _holds_system(disk)]
        found = [
            Drive(disk["path"], disk["serial"], disk["model"])
            for disk in disks
            if _DISK.match(disk["name"]) and disk["size"] and disk["name"] not in system
        ]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise UnreadableError("lsblk: its answer is not understood") from None
    if not system:
        raise UnreadableError("lsblk: no disk holds the running system, so that it cannot be left out")
    return found[:MAX_DRIVES]


def _holds_system(device: dict[str, Any]) -> bool:
    if any(_SYSTEM.match(place) for place in device["mountpoints"] if place):
        return True
    return any(_holds_system(child) for child in device.get("children", ()))


def argv(path: str, seconds: float) -> list[str]:
    """Return fio's arguments: half of the time for each of the two jobs, one after the other."""
    words = [TOOL, "--readonly", "--allow_file_create=0", "--output-format=json"]
    for name, kind in (("sequential", "read"), ("random", "randread")):
        words += [f"--name={name}", "--stonewall", f"--filename={path}", f"--rw={kind}", f"--bs={_BLOCK[kind]}"]
        words += [f"--iodepth={_DEPTH[kind]}", "--ioengine=libaio", "--direct=1", "--thread", "--norandommap"]
        words += [
            "--invalidate=0",
            "--continue_on_error=read",
            "--time_based",
            f"--runtime={max(1, round(seconds / 2))}",
        ]
    return words


class DriveLoad:
    """One run of fio on one disk."""

    def __init__(self, drive: Drive, seconds: float) -> None:
        """Start it."""
        self._drive = drive
        self.process: Process | None = None
        self._reason = ""
        self.title = drive.path
        try:
            if shutil.which(TOOL) is None:
                self._reason = f"{TOOL} is not installed"
            else:
                self.process = Process(argv(drive.path, seconds))
        except OSError as error:
            self._reason = f"{TOOL} cannot be started: {error.strerror}"

    def result(self, stopped: str) -> dict[str, Any]:
        """Return the contract's DriveBurnIn; `stopped` says why the whole burn-in was stopped, if it was."""
        said = {"device": self._drive.path, "model": _text(self._drive.model), "serial": _text(self._drive.serial)}
        names = ("read_mib", "sequential_mb_per_s", "random_mb_per_s", "random_p99_ms", "errors")
        if self.process is None:
            missing = unread(f"not run: {self._reason}")
            return {**said, "state": "not_run", "reason": self._reason, **dict.fromkeys(names, missing)}
        try:
            found = readings(self.process.written.decode(errors="replace"))
        except ValueError:
            found = dict.fromkeys(names, unread("fio left no report"))
        # fio's status is 1 when a job met an error, which it then counts.
        well = self.process.code == 0
        ended = "interrupted" if stopped else "finished" if well else "failed"
        reason = stopped or ("" if well else clean(f"{TOOL} {self.process.how_it_ended()}"))
        return {**said, "state": "ran", "ended": ended, "reason": reason, **found}


def readings(report: str) -> dict[str, Reading]:
    """Return what fio's JSON says of the two jobs; raises ValueError. Words before the JSON are fio's warnings."""
    try:
        jobs = {job["jobname"]: job for job in json.loads(report[report.index("{") :])["jobs"]}
        sequential, random = jobs["sequential"], jobs["random"]
        percentiles = random["read"]["clat_ns"].get("percentile", {})
        p99_ns = percentiles.get("99.000000")
        # total_err is counted where a job goes on after an error; `error` is the errno that ended one.
        errors = sum(max(int(job.get("total_err", 0)), int(job["error"] != 0)) for job in jobs.values())
        return {
            "read_mib": value(sum(int(job["read"]["io_bytes"]) for job in (sequential, random)) // _MIB),
            "sequential_mb_per_s": _speed(sequential),
            "random_mb_per_s": _speed(random),
            "random_p99_ms": unread("fio gave no percentile") if p99_ns is None else value(float(p99_ns) / 1e6),
            "errors": value(errors),
        }
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"fio's report is not understood: {error}") from None


def _speed(job: dict[str, Any]) -> Reading:
    if not job["read"]["total_ios"]:
        return unread("nothing was read")
    return value(float(job["read"]["bw_bytes"]) / 1e6)


def _text(said: str | None) -> Reading:
    words = clean((said or "").strip(), 96)
    return value(words) if words else unread("lsblk gives none")
