"""PinAuditKey, PinHealthKey: keep a key that the box signs with, where nobody on the box can change it."""

from __future__ import annotations

import time
from collections.abc import Callable

from fleetctl.errors import ChangeError
from fleetctl.phases.base import HostRun, PhaseResult
from fleetctl.remote.keypins import AUDIT, HEALTH, KeyKind

# The gateway makes its log, and the health agent its key, at their first start: a minute on an emulated machine.
DEADLINE_S = 300.0
INTERVAL_S = 5.0
_COMMAND_S = 60.0
# What appliancectl says while there is no key (2) or none that can be read yet (5); every other code is final.
_MAY_COME = (2, 5)


class PinKey:
    """Reads a public key over SSH, as soon as the box has made it, and pins it.

    From then on another key is an error: what the old one signed is of another log, or of another machine.
    """

    title: str
    kind: KeyKind
    after_failure = False

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self.command = ("appliancectl", self.kind.name, "key")
        self._clock = clock
        self._sleep = sleep

    def run(self, run: HostRun) -> PhaseResult:
        pinned = run.operator.pin_key(self.kind, self._key(run))
        return PhaseResult(detail="pinned" if pinned else "as pinned")

    def _key(self, run: HostRun) -> str:
        deadline_s = self._clock() + DEADLINE_S
        while True:
            done = run.host.run(self.command, timeout_s=_COMMAND_S)
            if done.exit_code == 0:
                return done.stdout
            if done.exit_code not in _MAY_COME or self._clock() > deadline_s:
                words = (done.stderr.strip().splitlines() or ["it says nothing"])[0]
                raise ChangeError(
                    f"the box shows no key of {self.kind.signer}: {words[:300]}",
                    hint="systemctl list-units 'appliance-*' on the machine's console",
                    host=run.site.name,
                )
            if run.cancelled():
                raise KeyboardInterrupt
            self._sleep(INTERVAL_S)


class PinAuditKey(PinKey):
    title = "PinAuditKey"
    kind = AUDIT


class PinHealthKey(PinKey):
    title = "PinHealthKey"
    kind = HEALTH
