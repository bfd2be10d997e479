"""Reseal: the volumes' binding to PCR 7, off before a change of firmware or Secure Boot and on again behind it."""

from __future__ import annotations

from typing import Literal

from fleetctl.errors import RefusedError, VerificationError
from fleetctl.phases.base import HostRun, PhaseResult, summary
from fleetctl.phases.try_recovery_keys import TryRecoveryKeys

Stage = Literal["before", "after"]


class RequireTestedKeys:
    """The escrowed recovery keys open the volumes now. Without that a change that goes wrong takes the data with it."""

    title = "RequireTestedKeys"
    after_failure = False

    def __init__(self, try_keys: TryRecoveryKeys) -> None:
        self._try = try_keys

    def run(self, run: HostRun) -> PhaseResult:
        try:
            return self._try.run(run)
        except VerificationError as error:
            raise RefusedError(
                f"no tested recovery key is in escrow: {error.message}",
                hint=f"nothing was changed; {error.hint}",
                host=run.site.name,
            ) from None


class Reseal:
    """Has the box bind its volumes anew; a slot is added and tried there before another one goes."""

    title = "Reseal"
    after_failure = False

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def run(self, run: HostRun) -> PhaseResult:
        return summary(run.apply("reseal", reseal={"stage": self._stage}))
