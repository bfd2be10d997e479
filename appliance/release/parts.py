"""What a change works with. Each part can be another one: clock, disk and room are parts as well."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from appliance.contract.release_status import Phase, ReleaseStep
from appliance.release.disk import Disk
from appliance.release.drain import Drain, GatewayDrain
from appliance.release.facts import Room, read_room
from appliance.release.images import Images
from appliance.release.places import Places
from appliance.release.probe import Probe
from appliance.release.record import plain
from appliance.release.services import Services, Systemd
from appliance.release.slots import OrderedSlots, Slots
from appliance.release.trust import Trust


def utc_now() -> datetime:
    """The wall clock, which may be wrong."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Parts:
    """`own_slots`: others than those of `places`.

    `is_told_to_end`: somebody wants this process to end; asked only where nothing is switched.
    """

    places: Places
    disk: Disk
    services: Services
    drain: Drain
    probe: Probe
    now: Callable[[], datetime] = utc_now
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    room: Callable[[Path], Room] = read_room
    tell: Callable[[ReleaseStep], None] = lambda step: None
    is_told_to_end: Callable[[], bool] = lambda: False
    own_slots: Slots | None = None
    slots: Slots = field(init=False)
    images: Images = field(init=False)
    trust: Trust = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "slots", self.own_slots or OrderedSlots(self.places, self.disk))
        object.__setattr__(self, "images", Images(self.places, self.disk))
        object.__setattr__(self, "trust", Trust(self.places, self.disk))

    @classmethod
    def of(cls, places: Places, probe: Probe, tell: Callable[[ReleaseStep], None], told: Callable[[], bool]) -> "Parts":
        """The real ones."""
        disk = Disk()
        return cls(
            places, disk, Systemd(places), GatewayDrain(places, disk), probe, tell=tell, is_told_to_end=told
        )  # fmt: skip

    def say(self, phase: Phase, text: str) -> None:
        """Tell who waits how it goes on."""
        self.tell(ReleaseStep(at=self.now(), phase=phase, text=plain(text) or "-"))
