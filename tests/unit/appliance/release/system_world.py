"""One box with two slots, and what happens to it from outside: a boot loader (simulated), starts, units of a boot."""

from __future__ import annotations

from dataclasses import dataclass, field

from appliance.contract.release import ReleaseManifest
from appliance.release.places import Places
from appliance.release.record import load
from appliance.release.slots import DiskSlots
from appliance.release.system_switch import RestartsError
from tests.fakes.systems import System, simulated_boot

from .conftest import Box, FastDisk, op


@dataclass(frozen=True)
class OrderedAtOnce(DiskSlots):
    """The real slots; a start of the machine is only noted, and happens when the test lets it."""

    reboots: list[str] = field(default_factory=list)

    def reboot(self) -> None:
        self.reboots.append("reboot")
        step = getattr(self.disk, "event", lambda words: None)
        step("reboot")


@dataclass
class World:
    """One box, and what happens to it from outside."""

    box: Box
    systems: dict[str, System]
    comes_up: set[str] = field(default_factory=lambda: {"a", "b", "c"})
    slots: OrderedAtOnce | None = None

    @property
    def places(self) -> Places:
        return self.box.places

    def machine(self, disk: FastDisk | None = None):  # type: ignore[no-untyped-def]
        from dataclasses import replace

        from appliance.release.machine import Machine

        self.box.disk = disk or FastDisk()
        self.slots = OrderedAtOnce(self.places, self.box.disk, newer=lambda one, other: one > other)
        return Machine(replace(self.box.parts, own_slots=self.slots))

    @property
    def runs(self) -> str:
        text = self.places.command_line.read_text()
        return next(name for name, each in self.systems.items() if each.root_hash in text)

    @property
    def seal_usr(self) -> str:
        text = self.places.seal.read_text()
        return next(name for name, each in self.systems.items() if each.root_hash in text)

    def publish(self, name: str, sequence: int, usr: str, drafting: str = "old") -> ReleaseManifest:
        component = self.systems[usr].component()
        found = self.box.publish(
            name, sequence, drafting, system=component, usr_root_hashes=(component.root_hash,)
        )  # fmt: skip
        self.box.send(drafting)
        (self.places.arrived / f"{component.root_hash}.raw").write_bytes(self.systems[usr].whole)
        return found

    def staged(self, name: str, sequence: int, usr: str, drafting: str = "old") -> ReleaseManifest:
        found = self.publish(name, sequence, usr, drafting)
        self.machine().stage(op(1000 + sequence), name, "stable")
        return found

    def power_on(self, *, settle: bool = True) -> None:
        """The boot loader, until something comes up; the unit before the services; the services; the unit behind."""
        self.box.services.step = lambda words: None
        for _ in range(6):
            self.box.boot()
            came = simulated_boot(self.places.root)
            name = next((name for name, each in self.systems.items() if each.root_hash == came), "")
            if name in self.comes_up:
                break
            # What hung in between is given up by its deadline; the loader is asked again.
        else:
            raise AssertionError("nothing comes up any more")
        self.machine().recover(at_boot=True)
        self.box.systemd_starts()
        if settle:
            self.settle()

    def settle(self) -> None:
        """The timer behind the services; where it orders a start of the machine, that happens."""
        try:
            self.machine().recover()
        except RestartsError:
            self.power_on()

    def outcome(self, number: int) -> str | None:
        ended = load(self.places.record).found(op(number))
        return ended.outcome if ended else None

    def whole(self) -> None:
        """Seal, links, services, record and the system that runs are of one set."""
        record = load(self.places.record)
        assert record.change is None
        assert self.seal_usr == self.runs
        assert self.box.linked() == self.box.sealed() == self.box.services.running
        assert not self.box.drain.on
        assert self.slots is not None
        assert self.slots.holds(self.systems[self.runs].root_hash)
        if record.active is not None:
            assert record.active.hashes == self.box.sealed()
            assert record.active.usr in (None, self.systems[self.runs].root_hash)
        # And it is what the boot loader takes from now on, however often: nothing is counted any more.
        runs = self.systems[self.runs].root_hash
        assert [simulated_boot(self.places.root) for _ in range(5)] == [runs] * 5
