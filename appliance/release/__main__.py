"""Finishes a change that was cut off, for systemd: with --at-boot before the services start, else every two minutes.

A command that was killed, for want of memory perhaps, leaves engines stopped; no operator has to look for that.
"""

import sys

from appliance.release.places import Places


def is_open(places: Places) -> bool:
    """Whether there may be something to finish. Cheap, because it is asked often: nothing else is imported for it."""
    try:
        # As record.py writes it; a quotation mark inside of a text has a backslash before it.
        return places.drain.exists() or places.resting.exists() or b'"change":null' not in places.record.read_bytes()
    except FileNotFoundError:
        return False
    except OSError:
        return True


def _give_back(places: Places) -> None:
    """Free what an earlier transfer has copied. Room on the disk is no reason to hold anything else up."""
    if not any(places.bases.glob("*")):
        return
    from appliance.errors import ApplianceError
    from appliance.release.incoming import Arrivals, give_back_all

    try:
        give_back_all(Arrivals(places.releases))
    except (OSError, ApplianceError) as error:
        print(f"what a transfer had copied is still there: {error}", file=sys.stderr)


def main(arguments: list[str]) -> int:
    """Recover, and say what was done."""
    places = Places.from_environment()
    if "--at-boot" in arguments:
        _give_back(places)
    if not is_open(places):
        return 0
    from appliance.errors import ApplianceError
    from appliance.release.locks import BusyError
    from appliance.release.machine import Machine
    from appliance.release.parts import Parts
    from appliance.release.probe import SampleProbe
    from appliance.release.shown import step_line

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
