"""The parent's side of its two children: one reads when it is asked, the other waits for Xid events.

A child that a driver holds in the kernel cannot be killed. It is left behind, and no other one is started until it is
gone: each would hang in the same call.
"""

import time
from collections.abc import Callable
from typing import Any

from appliance.contract.gpu import MAX_GPUS
from appliance.gpu.child import clean
from appliance.gpu.teller import STARTING, Teller, python_argv
from appliance.gpu.watched import Answers
from appliance.watch.tellings import Telling

# Until it is tried again after a failure: a driver that is being installed or reset comes back within minutes.
_AGAIN_S = 30.0
# The listener tells every 5 s that it waits; one that says nothing for longer hangs.
_LISTENER_LIMIT_S = 20.0

Start = Callable[..., Teller]


class ReadingChild:
    """Reads every GPU when it is asked to."""

    def __init__(self, *, call_limit_s: float, reading_limit_s: float, start: Start = Teller) -> None:
        self._call_limit_s, self._reading_limit_s, self._start = call_limit_s, reading_limit_s, start
        self._teller: Teller | None = None
        self._answers = Answers()
        self._began_s: float | None = None

    @property
    def is_reading(self) -> bool:
        """Whether a round is under way."""
        return self._began_s is not None

    def readable(self) -> list[int]:
        """What to wait on."""
        return self._teller.readable() if self._teller else []

    def begin(self) -> Answers | None:
        """Begin a round. Returns an answer at once if none can begin."""
        if self._teller and self._teller.is_left_behind():
            return Answers({}, self._teller.interruption)
        self._answers = Answers()
        try:
            if self._teller is None or self._teller.over:
                argv = python_argv("appliance.watch.reader", str(MAX_GPUS))
                self._teller = self._start(argv, hear=self._hear, call_limit_s=self._call_limit_s)
        except OSError as error:
            words = f"the reading process cannot be started: {error.strerror}"
            return Answers({}, {"cause": "died", "call": "none", "gpu": None, "detail": words})
        self._teller.ask()
        self._began_s = time.monotonic()
        return None

    def _hear(self, said: dict[str, Any]) -> None:
        self._answers.rows[said["row"], said["gpu"]] = said["answer"]

    def poll(self) -> Answers | None:
        """Take what it says; returns the answers when the round is over."""
        teller = self._teller
        if teller is None:
            return None
        goes_on = teller.poll()  # also while it rests: one that died is started anew by the next round
        if self._began_s is None:
            return None
        if goes_on and not teller.resting:
            if time.monotonic() - self._began_s <= self._reading_limit_s:
                return None
            detail = f"the whole reading took longer than {self._reading_limit_s:g} s"
            ended: dict[str, Any] | None = {
                "cause": "slow", "call": teller.call, "gpu": teller.gpu, "detail": detail
            }  # fmt: skip
            teller.kill()
        else:
            ended = teller.interruption
            if ended and ended["call"] == STARTING:
                ended = {**ended, "cause": "slow"}  # the driver was not asked yet, and is accused of nothing
        self._began_s = None
        self._answers.interruption = ended
        if ended is None and not self._is_well():
            # NVML that was initialized before a GPU was lost or a driver went may never see what is there now.
            teller.kill()
        return self._answers

    def _is_well(self) -> bool:
        rows = self._answers.rows
        values = [rows.get(key, {}).get("state") == "value" for key in (("driver_version", None), ("count", None))]
        lost = any(answer.get("nvml_error") for (row, _), answer in rows.items() if row == "uuid")
        return all(values) and not lost

    def kill(self) -> None:
        """End the child."""
        if self._teller:
            self._teller.kill()


class ListeningChild:
    """Waits for Xid events, and is started again when it ends."""

    def __init__(self, *, start: Start = Teller, clock: Callable[[], float] = time.monotonic) -> None:
        self._start, self._clock = start, clock
        self._teller: Teller | None = None
        self._tellings: list[Telling] = []
        self._again_s = clock()
        self.state: dict[str, str] = {"state": "starting", "reason": ""}

    def readable(self) -> list[int]:
        """What to wait on."""
        return self._teller.readable() if self._teller else []

    def poll(self) -> list[Telling]:
        """Return the Xids that it told since; starts it where it does not run."""
        if self._teller is None or self._teller.over:
            self._start_again()
        elif not self._teller.poll():
            self._ended(self._teller)
        tellings, self._tellings = self._tellings, []
        return tellings

    def _start_again(self) -> None:
        if self._clock() < self._again_s or (self._teller and self._teller.is_left_behind()):
            return
        self._again_s = self._clock() + _AGAIN_S
        try:
            argv = python_argv("appliance.watch.listener", str(MAX_GPUS))
            self._teller = self._start(argv, hear=self._hear, call_limit_s=_LISTENER_LIMIT_S)
        except OSError as error:
            self.state = {"state": "failed", "reason": f"the listening process cannot be started: {error.strerror}"}

    def _ended(self, teller: Teller) -> None:
        self._again_s = self._clock() + _AGAIN_S
        if why := teller.interruption:
            self.state = {"state": "failed", "reason": clean(f"{why['call']}: {why['detail']}", 300)}

    def _hear(self, said: dict[str, Any]) -> None:
        if "events" in said:
            self.state = {name: clean(str(said["events"][name]), 300) for name in ("state", "reason")}
        elif "xid" in said:
            uuid, pci_id = str(said["uuid"]), str(said["pci_id"])
            subject = pci_id or (f"…{uuid[-8:]}" if uuid else "GPU unknown")
            self._tellings.append(Telling("nvml", int(said["xid"]), subject, float(said["mono_s"]), card=uuid))

    def kill(self) -> None:
        """End the child."""
        if self._teller:
            self._teller.kill()
