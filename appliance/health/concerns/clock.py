"""The clock: does it follow the site's time server?"""

from typing import Any

from appliance.contract.health import ClockPart, Verdict

# A time server is usually followed within a minute; after ten something is in its way.
_SYNC_GRACE_S = 600.0


def judge(found: dict[str, Any], uptime_s: float) -> ClockPart:
    """Does the clock follow the site's time server, if it has one?"""
    values: dict[str, Any] = {"synchronized": found["synchronized"], "max_error_ms": found["max_error_ms"]}
    # First: the kernel calls its clock synchronized for hours after the last correction.
    if found["time_server"] and not found["time_client"]:
        return ClockPart(
            verdict=Verdict.DEGRADED, reason="a time server is configured, but the time client does not run",
            next_action="systemctl status systemd-timesyncd.service on the machine's console; then provision again",
            **values,
        )  # fmt: skip
    if found["synchronized"]:
        return ClockPart(verdict=Verdict.OK, reason="the kernel's clock is kept by a time server", **values)
    if not found["time_server"]:
        return ClockPart(verdict=Verdict.OK, reason="the site names no time server", **values)
    if uptime_s < _SYNC_GRACE_S:
        return ClockPart(verdict=Verdict.OK, reason=f"not synchronized yet, {uptime_s:.0f} s after boot", **values)
    return ClockPart(
        verdict=Verdict.DEGRADED, reason=f"not synchronized {uptime_s:.0f} s after boot",
        next_action="check that the time server answers from this network", **values,
    )  # fmt: skip
