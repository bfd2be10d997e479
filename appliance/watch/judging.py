"""The watch's own judgements, beside the rules about GPUs: can events be heard, and what waits for a person."""

from collections.abc import Sequence

from appliance.contract.faults import Fault
from appliance.contract.finding import Judgement, shortened
from appliance.contract.gpu_watch import Sources
from appliance.contract.health import Verdict, worst

_LISTED = 5


def judge_sources(sources: Sources) -> Judgement:
    """Xids are heard from NVML and from the kernel. What cannot be heard may have happened."""
    nvml, kernel = sources.nvml_events, sources.kernel_log
    seen = f"NVML events {nvml.state}, kernel log {kernel.state}"
    said = [f"NVML events: {nvml.reason}"] if nvml.reason else []
    said += [f"kernel log: {kernel.reason}"] if kernel.reason else []
    heard = kernel.state == "reading" and nvml.state in ("listening", "unsupported")
    return Judgement(
        check="gpu_events",
        verdict=Verdict.OK if heard else Verdict.UNKNOWN,
        seen=seen,
        wanted="Xids heard from NVML, where the GPU has such events, and from the kernel log",
        reason=shortened("; ".join(said) or f"compared the state of both sources: {seen}"),
        next_action="" if heard else "look at the watch: journalctl -u appliance-gpu-watch; then at dmesg for Xids",
    )


def judge_faults(faults: Sequence[Fault], problem: str, damaged: int) -> Judgement:
    """Nothing waits for a person. Without the journal nobody knows; `problem` says why it cannot be used."""
    waiting = [fault for fault in faults if fault.state == "open" and fault.verdict is not Verdict.OK]
    verdicts = [fault.verdict for fault in waiting] or [Verdict.OK]
    said = [f"{fault.id} ({fault.subject}): {fault.reason}" for fault in waiting[:_LISTED]]
    said += [f"and {len(waiting) - _LISTED} more"] if len(waiting) > _LISTED else []
    actions = [fault.next_action for fault in waiting[:_LISTED]]
    if problem:
        verdicts.append(Verdict.UNKNOWN)
        said.insert(0, f"the journal of faults cannot be used: {problem}")
        actions.insert(0, "look at the state volume: is it full, is it there?")
    if damaged:
        verdicts.append(Verdict.UNKNOWN)
        said.insert(0, f"{damaged} records of the journal are damaged")
        actions.insert(0, "look at the disks; faults may be missing")
    acknowledged = sum(fault.state == "acknowledged" for fault in faults)
    return Judgement(
        check="gpu_faults",
        verdict=worst(verdicts),
        seen=f"{len(waiting)} open, {acknowledged} acknowledged",
        wanted="no open fault",
        reason=shortened("; ".join(said) or "looked for open faults in the journal"),
        next_action=shortened("; ".join(dict.fromkeys(action for action in actions if action))),
    )
