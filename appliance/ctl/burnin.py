"""`appliancectl burnin`: streams a burn-in's lines, and stops everything when it is stopped itself."""

import signal
import sys
from types import FrameType

from pydantic import BaseModel

from appliance.burnin.refuse import OneAtATime, require_drained
from appliance.burnin.run import BurnIn, Options
from appliance.contract.burnin import BurnInReport
from appliance.contract.stdout import OutputLost
from appliance.errors import ApplianceError

# SIGHUP: the terminal is gone. Without a terminal, the end of an SSH session shows when nobody takes our lines.
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class _Stream:
    """Standard output, and the reason to stop."""

    def __init__(self) -> None:
        self.stopped = ""
        for number in _SIGNALS:
            signal.signal(number, self._signalled)

    def _signalled(self, number: int, _: FrameType | None) -> None:
        self.stopped = self.stopped or f"stopped by {signal.Signals(number).name}"

    def say(self, line: BaseModel) -> None:
        """Write one line; when nobody takes it, everything is to stop."""
        try:
            sys.stdout.buffer.write(line.model_dump_json().encode() + b"\n")
            sys.stdout.buffer.flush()
        except OutputLost:
            self.stopped = self.stopped or "nobody takes the results"


def burn_in(options: Options) -> BurnInReport:
    """Refuse, or run and stream a burn-in.

    Raises RefusedError or UnknownStateError, ApplianceError if a process cannot be started.
    """
    require_drained()
    with OneAtATime():
        stream = _Stream()
        try:
            report = BurnIn(options, stream.say, lambda: stream.stopped).run()
        except OSError as error:
            raise ApplianceError(
                f"a part of the burn-in cannot be started: {error}", hint="is setpriv there?"
            ) from None
        stream.say(report)
        return report
