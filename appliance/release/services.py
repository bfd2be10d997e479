"""The engines as services: stopped, started, and asked which weights they have loaded."""

import subprocess
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from appliance.contract.seal import ModelTask
from appliance.errors import ApplianceError
from appliance.facts.reading import UnreadableError
from appliance.health.engines import ask_engine
from appliance.release.places import Places
from appliance.release.record import plain

# Loading weights under emulation takes minutes; the units have limits of their own (TimeoutStartSec, TimeoutStopSec).
_START_S, _STOP_S = 1200.0, 240.0
# An engine answers when its unit is active; a second look is for the moment between.
_ANSWER_S, _POLL_S = 60.0, 0.25


class ServiceError(ApplianceError):
    """The services do not run as they should."""


class Services(Protocol):
    """What a change needs of the services of patients' data."""

    def stop(self, tasks: Iterable[ModelTask]) -> None:
        """Stop the engines of these tasks. Raises ServiceError when one goes on."""
        ...

    def start(self, tasks: Iterable[ModelTask]) -> None:
        """Start them, and return when they serve. Raises ServiceError."""
        ...

    def loaded(self, task: ModelTask) -> str | None:
        """Root hash of the weights that an engine has loaded, as the kernel verifies them; None: not known."""
        ...

    def adapters(self) -> set[str] | None:
        """Digests of the adapters that the drafting engine serves; None: not known."""
        ...


@dataclass(frozen=True)
class Systemd:
    """The real ones. `systemctl` comes from PATH."""

    places: Places

    def stop(self, tasks: Iterable[ModelTask]) -> None:
        """Stop. Of no task there is nothing to do: a release may bring what the engines have loaded already."""
        if units := _units(tasks):
            self._systemctl(["stop", *units], _STOP_S)

    def start(self, tasks: Iterable[ModelTask]) -> None:
        """Start, also what failed before; the links may lead elsewhere now."""
        if not (units := _units(tasks)):
            return
        self._systemctl(["reset-failed", *units], _STOP_S, must=False)
        self._systemctl(["start", *units], _START_S)

    def loaded(self, task: ModelTask) -> str | None:
        """Ask the engine."""
        try:
            return ask_engine(task, self.places.socket(task)).root_hash
        except UnreadableError:
            return None

    def adapters(self) -> set[str] | None:
        """Ask the drafting engine."""
        try:
            return set(ask_engine("drafting", self.places.socket("drafting")).adapters)
        except UnreadableError:
            return None

    @staticmethod
    def _systemctl(arguments: list[str], timeout_s: float, *, must: bool = True) -> None:
        words = "systemctl " + " ".join(arguments)
        hint = "look at `journalctl --unit " + " --unit ".join(arguments[1:]) + "`"
        try:
            done = subprocess.run(
                ["systemctl", *arguments], stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout_s,
                check=False, start_new_session=True,  # a Ctrl-C is for us, and we go on
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise ServiceError(f"{words}: not done within {timeout_s:.0f} s", hint=hint) from None
        except OSError as error:
            raise ServiceError(f"{words}: {error.strerror}", hint="look at PATH") from None
        if done.returncode and must:
            said = plain(done.stderr.decode(errors="replace").strip().splitlines()[-1] if done.stderr.strip() else "")
            raise ServiceError(f"{words}: exit {done.returncode}: {said or 'no message'}", hint=hint)


def _units(tasks: Iterable[ModelTask]) -> list[str]:
    # Transcription first: it comes up in seconds, and everything else of a visit waits for it.
    return [f"appliance-{task}.service" for task in sorted(tasks, reverse=True)]


def demand_loaded(
    services: Services,
    wanted: Mapping[ModelTask, str],
    *,
    monotonic: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Return when every engine has loaded what is wanted. Raises ServiceError with what each said last."""
    deadline_s = monotonic() + _ANSWER_S
    while True:
        wrong = {task: found for task, root_hash in wanted.items() if (found := services.loaded(task)) != root_hash}
        if not wrong:
            return
        if monotonic() >= deadline_s or all(found is not None for found in wrong.values()):
            said = "; ".join(
                f"{task} has loaded {(found or 'nothing that is verified')[:24]}, wanted is {wanted[task][:12]}"
                for task, found in wrong.items()
            )
            raise ServiceError(said, hint="look at `journalctl --unit appliance-seal-check` and the engine's own")
        sleep(_POLL_S)


def demand_adapters(services: Services, wanted: Iterable[str]) -> None:
    """Raise ServiceError unless the drafting engine serves these adapters and no others; for engines that answer."""
    digests = set(wanted)
    found = services.adapters() if digests else set()
    if found != digests:
        said = ", ".join(sorted(each[:12] for each in found)) if found is not None else "nothing"
        raise ServiceError(
            f"drafting serves the adapters {said or 'none'}, wanted are {', '.join(sorted(d[:12] for d in digests))}",
            hint="look at `journalctl --unit appliance-drafting`",
        )
