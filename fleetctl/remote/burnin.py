"""The box's burn-in as it is called, and its stream of JSON lines as it is read. What a box says is outside input."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from appliance.contract.burnin import BurnInProgress, BurnInReport
from fleetctl.errors import UnreachableError
from fleetctl.models.profile import HardwareProfile

# Besides the load: the box gives DCGM's tests up to an hour more. A run that hangs is found by its silence before.
EXTRA_S = 5400.0
# A progress line comes every 5 s, and none while the box reads its counters a last time, which takes under a minute.
SILENCE_S = 120.0
# Ours: a line a second is more than the box sends.
_LINES_PER_S = 1


def burnin_command(minutes: float, profile: HardwareProfile) -> list[str]:
    """What is run on the box. DCGM's diagnostic only where it knows every GPU of the profile."""
    argv = ["appliancectl", "burnin", "--minutes", f"{minutes:g}"]
    if not profile.spec.gpus:
        return [*argv, "--no-gpu"]
    by_dcgm = all(gpu.diagnostic == "dcgm" for gpu in profile.spec.gpus)
    return [*argv, "--diagnostic", "dcgm" if by_dcgm else "own"]


class _Kind(BaseModel):
    """What every line has: which of the two it is."""

    model_config = ConfigDict(extra="ignore")

    schema_version: str = Field(max_length=50)


_LINES: dict[str, TypeAdapter[BurnInProgress] | TypeAdapter[BurnInReport]] = {
    "burnin-progress/v1": TypeAdapter(BurnInProgress),
    "burnin/v1": TypeAdapter(BurnInReport),
}


class BurnInStream:
    """Takes the lines in one after the other; keeps the last progress and the report."""

    def __init__(self, host: str, minutes: float) -> None:
        self._host = host
        self._most = int((minutes * 60 + EXTRA_S) * _LINES_PER_S)
        self._taken = 0
        self.progress: BurnInProgress | None = None
        self.report: BurnInReport | None = None

    def take(self, line: str) -> BurnInProgress | BurnInReport:
        """Read one line. Raises `UnreachableError` for anything that the contract does not know."""
        self._taken += 1
        if self._taken > self._most:
            raise self._wrong(f"sent more than {self._most} lines")
        if self.report is not None:
            raise self._wrong("went on after its report")
        try:
            kind = _Kind.model_validate_json(line).schema_version
            if kind not in _LINES:
                raise self._wrong(f"sent a line of a kind that this fleetctl does not know: {kind!r}")
            told = _LINES[kind].validate_json(line)
        except ValidationError as problem:
            first = problem.errors()[0]
            where = ".".join(map(str, first["loc"])) or "the line"
            raise self._wrong(f"sent a line that is no burn-in, line {self._taken}: {where}: {first['msg']}") from None
        if isinstance(told, BurnInReport):
            self.report = told
        else:
            self.progress = told
        return told

    def _wrong(self, what: str) -> UnreachableError:
        hint = "are fleetctl and the box of the same release? fleetctl version, and appliancectl version on the box"
        return UnreachableError(f"appliancectl burnin {what}", hint=hint, host=self._host)
