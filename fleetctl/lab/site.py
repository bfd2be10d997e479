"""One virtual site: made, started, stopped, powered off, watched and typed into.

site = LabSite.ensure(fleetdir, "lab-1")
site.start()
site.wait_ssh()
site.stop()                    # or stop(power_cut=True)
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from fleetctl.errors import ChangeError, FleetctlError, RefusedError, UnreachableError
from fleetctl.lab import swtpm, upper_halves
from fleetctl.lab.accel import Accel, detect
from fleetctl.lab.boot import BOOT_TIMEOUT_S, BootWatch
from fleetctl.lab.canary_client import NAME as CANARY
from fleetctl.lab.canary_client import CanaryClient, start_canary
from fleetctl.lab.console import SerialLog, find_fingerprint, send
from fleetctl.lab.hosttools import HostTools, find_host_tools
from fleetctl.lab.image import cache_dir
from fleetctl.lab.make import Shape, make_files, new_record, reshape, write_credentials
from fleetctl.lab.ports import require_free
from fleetctl.lab.process import SiteProcesses, wait_for_exit
from fleetctl.lab.qemu import GuestFiles, qemu_argv
from fleetctl.lab.qmp import Qmp
from fleetctl.lab.record import HOST_LOOPBACK, LabRecord
from fleetctl.lab.store import LabStore
from fleetctl.models.fleetdir import FleetDir

QEMU = "qemu"
_START_TIMEOUT_S = 60.0
_POWER_DOWN_S = 180.0  # an emulated machine needs up to a minute to stop its services
_POWER_DOWN_EARLY_S = 20.0  # before its console shows the host key there is nobody to hear the power button
_TERM_GRACE_S = 10.0
_SERIAL_LOG_LIMIT_BYTES = 16 * 1024 * 1024

Report = Callable[[str], None]


def silent(_: str) -> None:
    """Report to nobody."""


class LabSite:
    """A virtual site of a fleet. What changes it holds the site's lock, so several processes may use it at once."""

    def __init__(self, fleetdir: FleetDir, name: str) -> None:
        fleetdir.site_path(name)  # the name becomes a path here too; this refuses what is no name
        self.fleetdir = fleetdir
        self.name = name
        self.store = LabStore(fleetdir.state_dir)
        self.runtime_dir = self.store.runtime_dir(name)
        self.files = GuestFiles(self.runtime_dir)
        self.serial = SerialLog(self.runtime_dir)
        self.processes = SiteProcesses(self.runtime_dir)
        self.canary = CanaryClient(self.runtime_dir)

    @classmethod
    def ensure(cls, fleetdir: FleetDir, name: str, shape: Shape | None = None) -> LabSite:
        """The site with its disks and firmware, made or completed. Nothing is started."""
        site, shape = cls(fleetdir, name), shape or Shape()
        tools = find_host_tools()
        with site.store.lock(name):
            record = site.store.find(name)
            if record is None:
                record = new_record(fleetdir.fleet.name, name, shape, site.store)
            else:
                record = reshape(record, shape, running=site.running)
            make_files(record, site.store, tools, fleetdir.keys)
        return site

    @property
    def record(self) -> LabRecord:
        """The record as it is on disk now. Raises UsageError if the site was never made."""
        return self.store.load(self.name)

    @property
    def running(self) -> bool:
        """Whether its QEMU runs; the guest in it may be anywhere between firmware and power-off."""
        return self.processes.pid(QEMU) is not None

    @property
    def booted(self) -> bool:
        """Whether the console has shown the SSH host key since the last power-on."""
        try:
            since = self.record.serial_offset_bytes
        except FleetctlError:  # no record to read: stopping and cleaning up must work all the same
            return False
        return find_fingerprint(self.serial.text(since)) is not None

    @property
    def raw_image_paths(self) -> tuple[Path, ...]:
        """The disks as files on the host, system disk first: what a thief would read."""
        return tuple(self.runtime_dir / disk.file for disk in self.record.disks)

    def start(self, accel: str = "auto") -> bool:
        """Power the site on with its canary; False if it was on already. Returns before the guest has booted."""
        tools = find_host_tools()
        with self.store.lock(self.name):
            record = self.record
            if self.running:
                self._keep_canary(record)
                return False
            chosen = detect(tools, cache_dir() / "lab" / "accel.json", accel)
            self.processes.stop_all(_TERM_GRACE_S)  # what a killed run left: a TPM without its machine, a canary
            try:
                require_free(record.ports.model_dump().values())
                start_canary(record, self.runtime_dir, self.processes)
                swtpm.start_swtpm(tools.swtpm, self.runtime_dir, self.processes)
                self._start_qemu(record, tools, chosen)
            except BaseException:
                self.processes.stop_all(_TERM_GRACE_S)
                raise
        return True

    def stop(self, *, power_cut: bool = False, report: Report = silent) -> int:
        """Power off, by the power button or by pulling the plug, and end every process; returns how many ran.

        The plug takes from the guest what it has not flushed; what it has written and the host still caches
        survives, as it would in a disk with a protected cache.
        """
        with self.store.lock(self.name):
            return self._stop(power_cut, report)

    def destroy(self, report: Report = silent) -> int:
        """Pull the plug and remove every file of the site."""
        with self.store.lock(self.name):
            ended = self._stop(True, report)
            if self.runtime_dir.exists():
                self.store.destroy(self.name)
            return ended

    def wait_ssh(self, *, timeout_s: float = BOOT_TIMEOUT_S, report: Report = silent, since: int | None = None) -> str:
        """Until SSH answers with the key that the console names; returns and records `ssh-ed25519 AAAA…`.

        `since` is a `serial.size()` taken before a reboot; without it the last power-on counts.
        Raises CriticalError with the end of the console when the boot has failed or takes too long.
        """
        record = self.record
        watch = BootWatch(self, record.serial_offset_bytes if since is None else since, timeout_s, report)
        key = watch.wait_for_key(HOST_LOOPBACK, record.ports.ssh)
        with self.store.lock(self.name):
            self.store.save(
                self.record.model_copy(update={"host_key_fingerprint": watch.fingerprint, "host_public_key": key})
            )
        return key

    def wait_console(
        self, pattern: str, *, timeout_s: float = BOOT_TIMEOUT_S, since: int | None = None
    ) -> re.Match[str]:
        """Until the guest has written `pattern` (a regular expression) to its console. Raises UnreachableError."""
        start = self.record.serial_offset_bytes if since is None else since
        deadline = time.monotonic() + timeout_s
        while True:
            match = re.search(pattern, self.serial.text(start))
            if match:
                return match
            if time.monotonic() > deadline or not self.running:
                last = (self.serial.tail(1, start) or ["nothing"])[0]
                raise UnreachableError(
                    f"the console did not show {pattern!r} within {timeout_s:.0f} s; last: {last[:120]}",
                    hint=f"read {self.serial.path}",
                    host=self.name,
                )
            time.sleep(1.0)

    def serial_text(self, since: int = 0) -> str:
        """What the guest wrote to its console, as plain text, from byte `since` of the log on."""
        return self.serial.text(since)

    def send_console(self, text: str) -> None:
        """Type into the console; a newline presses Enter."""
        send(self.runtime_dir, text)

    def fresh_tpm(self) -> None:
        """Put another TPM in, as if the disks had been carried away. The site must be off."""
        with self.store.lock(self.name):
            self._refuse_if_running("given another TPM")
            swtpm.replace_tpm(self.runtime_dir)

    def original_tpm(self) -> bool:
        """Put the site's own TPM back; False if it is in. The site must be off."""
        with self.store.lock(self.name):
            self._refuse_if_running("given its own TPM back")
            return swtpm.restore_tpm(self.runtime_dir)

    def qemu_state(self) -> str | None:
        """QEMU's word for what the machine does (running, io-error, …); None: it is off, unknown: QEMU is mute."""
        if not self.running:
            return None
        try:
            with Qmp(self.runtime_dir) as qmp:
                return qmp.run_state()
        except UnreachableError:
            return "unknown" if self.running else None

    def qemu_words(self) -> str:
        """What QEMU printed last."""
        return self.processes.log_tail(QEMU)

    def _start_qemu(self, record: LabRecord, tools: HostTools, accel: Accel) -> None:
        if self.serial.size() > _SERIAL_LOG_LIMIT_BYTES:
            self.serial.path.rename(self.serial.path.with_suffix(".log.1"))
        credentials = write_credentials(record, self.files, self.fleetdir.keys)
        self.store.save(
            record.model_copy(
                update={
                    "accel": accel.kind.value,
                    "accel_reason": accel.reason,
                    "starts": record.starts + 1,
                    "started_at": datetime.now(UTC),
                    "serial_offset_bytes": self.serial.size(),
                }
            )
        )
        faster = upper_halves.prepare(
            accel.kind, tools.qemu, tools.qemu_version, self.runtime_dir, Path("/proc/cpuinfo").read_text("utf-8")
        )
        argv = qemu_argv(record, self.files, tools, accel.kind, credentials)
        self.processes.start(QEMU, [*argv, *faster.arguments], environment=faster.environment)
        deadline = time.monotonic() + _START_TIMEOUT_S
        while (state := self.qemu_state()) != "running":
            if state is None or time.monotonic() > deadline:
                raise ChangeError(
                    f"QEMU did not start: {self.qemu_words() or 'it says nothing'}",
                    hint=f"read {self.processes.log_path(QEMU)}",
                    host=self.name,
                )
            time.sleep(0.1)

    def _stop(self, power_cut: bool, report: Report) -> int:
        pid = self.processes.pid(QEMU)
        if pid is None or power_cut:
            return self.processes.stop_all(0.0 if power_cut else _TERM_GRACE_S)
        patience_s = _POWER_DOWN_S if self.booted else _POWER_DOWN_EARLY_S
        try:
            with Qmp(self.runtime_dir) as qmp:
                qmp.command("system_powerdown")
            report("power button pressed")
        except UnreachableError as error:
            report(error.message)
            patience_s = 0.0
        left = _wait_for_exit(pid, patience_s, report)
        if not left:
            report("it does not power off by itself; pulling the plug")
        return self.processes.stop_all(_TERM_GRACE_S) + left

    def _keep_canary(self, record: LabRecord) -> None:
        if self.processes.pid(CANARY) is None:
            start_canary(record, self.runtime_dir, self.processes)

    def _refuse_if_running(self, what: str) -> None:
        if self.running:
            raise RefusedError(
                f"{self.name} is on and cannot be {what}", hint=f"fleetctl lab down {self.name}", host=self.name
            )


def _wait_for_exit(pid: int, timeout_s: float, report: Report) -> bool:
    deadline = time.monotonic() + timeout_s
    while (left_s := deadline - time.monotonic()) > 0:
        if wait_for_exit(pid, min(1.0, left_s)):
            return True
        report(f"waiting for the guest to power off, {left_s:.0f} s left")
    return wait_for_exit(pid, 0.0)
