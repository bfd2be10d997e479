"""RunBurnIn: the box loads itself, and every line that it sends is heard."""

from __future__ import annotations

from collections.abc import MutableMapping
from dataclasses import dataclass

from appliance.contract.burnin import BurnInProgress, BurnInReport
from appliance.contract.gpu import Value
from fleetctl.errors import FleetctlError, RefusedError, UnreachableError
from fleetctl.facts.base import Completed
from fleetctl.facts.host import HostFacts
from fleetctl.phases.base import HostRun, PhaseResult
from fleetctl.remote.burnin import EXTRA_S, SILENCE_S, BurnInStream, burnin_command

_MAX_WORDS = 300
# The box's own exit code for "a rule of mine says no", as ours (fleetctl/errors.py).
_REFUSED = RefusedError.exit_code


@dataclass
class BurnInOutcome:
    """What is known of one site's burn-in, at any moment of it. `facts` are those from before the load."""

    facts: HostFacts | None = None
    progress: BurnInProgress | None = None
    report: BurnInReport | None = None


class RunBurnIn:
    """Runs `appliancectl burnin` for `minutes` and renews the lock meanwhile. When this side stops or the connection
    breaks, the box ends its load by itself; what was heard until then stays in `outcomes`, by site."""

    title = "RunBurnIn"
    after_failure = False

    def __init__(self, minutes: float, outcomes: MutableMapping[str, BurnInOutcome]) -> None:
        self._minutes = minutes
        self._outcomes = outcomes

    def run(self, run: HostRun) -> PhaseResult:
        outcome = self._outcomes[run.site.name] = BurnInOutcome(facts=run.facts)
        stream = BurnInStream(run.site.name, self._minutes)

        def on_line(line: str) -> None:
            told = stream.take(line)
            if isinstance(told, BurnInProgress):
                outcome.progress = told
                run.say("progress", task="burn-in", seconds=round(told.elapsed_s, 1), detail=progress_words(told))
            run.keep_lock()

        argv = burnin_command(self._minutes, run.profile)
        done = run.host.stream(argv, on_line, timeout_s=self._minutes * 60 + EXTRA_S, silence_s=SILENCE_S)
        if stream.report is None:
            raise _without_report(done, run.site.name)
        # Only now: a report that something follows, or a connection that breaks after it, is no good end.
        report = outcome.report = stream.report
        return PhaseResult(detail=f"{report.duration_s / 60:.1f} min, {report.ended}")


def progress_words(progress: BurnInProgress) -> str:
    """Time, stage, the hottest GPU, and errors as soon as there are any."""
    words = [f"{progress.elapsed_s / 60:.1f} of {progress.total_s / 60:.1f} min, {progress.stage}"]
    known = [(gpu.temperature_c.value, gpu.index) for gpu in progress.gpus if isinstance(gpu.temperature_c, Value)]
    if known:
        celsius, index = max(known)
        words.append(f"hottest GPU {index} {celsius} °C")
    words += [
        f"GPU {gpu.index}: {gpu.memory_errors} wrong words, {gpu.tensor_errors} wrong results"
        for gpu in progress.gpus
        if gpu.memory_errors or gpu.tensor_errors
    ]
    return "; ".join(words)


def _without_report(done: Completed, host: str) -> FleetctlError:
    """The box refused, has no such command, or was cut off; its exit code decides, its words are only shown."""
    said = " ".join(done.stderr.split())[:_MAX_WORDS]
    if done.exit_code == _REFUSED:
        return RefusedError(
            f"the box refuses a burn-in: {said or 'without a word'}",
            hint="a burn-in needs an idle machine: run it before provisioning, or stop the site's services first",
            host=host,
        )
    return UnreachableError(
        f"appliancectl burnin ended with {done.exit_code} and without a report{f': {said}' if said else ''}",
        hint="look at the machine's console; an image older than this fleetctl has no burn-in",
        host=host,
    )
