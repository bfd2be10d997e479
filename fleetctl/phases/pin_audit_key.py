"""PinAuditKey: keep the key that the box's audit log signs with, where nobody on the box can change it."""

from __future__ import annotations

import time
from collections.abc import Callable

from fleetctl.errors import ChangeError
from fleetctl.phases.base import HostRun, PhaseResult

COMMAND = ("appliancectl", "audit", "key")
# The gateway makes the log at its first start, which takes a minute on an emulated machine.
DEADLINE_S = 300.0
INTERVAL_S = 5.0
_COMMAND_S = 60.0
# What appliancectl says while there is no log (2) or none that can be read yet (5); every other code is final.
_MAY_COME = (2, 5)


class PinAuditKey:
    """Reads the verifier key over SSH, as soon as the gateway has begun its log, and pins it.

    From then on another key is an error: a log that was begun anew has lost what the old one proved.
    """

    title = "PinAuditKey"
    after_failure = False

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._clock = clock
        self._sleep = sleep

    def run(self, run: HostRun) -> PhaseResult:
        pinned = run.operator.pin_audit_key(self._key(run))
        return PhaseResult(detail="pinned" if pinned else "as pinned")

    def _key(self, run: HostRun) -> str:
        deadline_s = self._clock() + DEADLINE_S
        while True:
            done = run.host.run(COMMAND, timeout_s=_COMMAND_S)
            if done.exit_code == 0:
                return done.stdout
            if done.exit_code not in _MAY_COME or self._clock() > deadline_s:
                words = (done.stderr.strip().splitlines() or ["it says nothing"])[0]
                raise ChangeError(
                    f"the box shows no key of its audit log: {words[:300]}",
                    hint="systemctl status appliance-gateway.service on the machine's console",
                    host=run.site.name,
                )
            if run.cancelled():
                raise KeyboardInterrupt
            self._sleep(INTERVAL_S)
