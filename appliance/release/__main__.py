"""Finishes a change that was cut off, for the units of the boot: with --at-boot before the services start."""

import sys

from appliance.errors import ApplianceError
from appliance.release.locks import BusyError
from appliance.release.machine import Machine
from appliance.release.parts import Parts
from appliance.release.places import Places
from appliance.release.probe import SampleProbe
from appliance.release.shown import step_line


def main(arguments: list[str]) -> int:
    """Recover, and say what was done."""
    places = Places.from_environment()
    parts = Parts.of(places, SampleProbe(places), lambda step: print(step_line(step)), lambda: False)
    try:
        print(Machine(parts).recover(at_boot="--at-boot" in arguments))
    except BusyError as error:
        # Whoever is at work has finished what was open before, and goes on.
        print(f"nothing to do: {error}")
    except ApplianceError as error:
        print(f"error: {error}\n  hint: {error.hint}", file=sys.stderr)
        return error.exit_code
    except OSError as error:
        print(f"error: {error.filename or 'the disk'}: {error.strerror}\n  hint: free space on it", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
