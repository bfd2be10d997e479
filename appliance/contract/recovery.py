"""What the driver asks for to recover a GPU (NVML's field 230), and what that means."""

from appliance.contract.finding import Finding, bad, fine
from appliance.contract.health import Verdict

# Field 230, NVML_FI_DEV_GET_GPU_RECOVERY_ACTION: nvmlDeviceGpuRecoveryAction_t.
_ACTIONS = {
    1: "reset the GPU",
    2: "reboot the machine",
    3: "drain the GPU's peers (P2P)",
    4: "drain the GPU and reset it",
    5: "recover the IMEX domain",
    6: "reset the bus",
    7: "reboot the machine",
}


def judge_recovery(code: int) -> Finding:
    """Any action that the driver wants is critical; the next action is what it says."""
    if code == 0:
        return fine("no recovery action")
    what = _ACTIONS.get(code, "see the release notes of the driver for this code")
    return bad(Verdict.CRITICAL, f"recovery action {code} wanted", what)
