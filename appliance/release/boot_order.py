"""Changes which system the boot loader takes, for appliance-boot-order@.service: `trial-ROOT_HASH`, `keep-ROOT_HASH`.

Apart from the release machine, because mounting the boot partition and reading the disk takes rights that a unit which
talks to the engines must not have. The caller holds the lock of the release machine.
"""

import re
import sys

from appliance.errors import ApplianceError
from appliance.release.disk import Disk
from appliance.release.places import Places
from appliance.release.slots import DiskSlots

_ORDER = re.compile(r"(trial|keep)-([0-9a-f]{64})")


def main(arguments: list[str]) -> int:
    """Do it; exit code 2 for an order that is none."""
    match = _ORDER.fullmatch(arguments[0]) if len(arguments) == 1 else None
    if match is None:
        print("error: wanted is trial-ROOT_HASH or keep-ROOT_HASH", file=sys.stderr)
        return 2
    slots = DiskSlots(Places.from_environment(), Disk())
    try:
        (slots.trial if match[1] == "trial" else slots.keep)(match[2])
    except ApplianceError as error:
        print(f"error: {error}\n  hint: {error.hint}", file=sys.stderr)
        return error.exit_code
    except OSError as error:
        print(f"error: {error.filename or 'the boot partition'}: {error.strerror or error}", file=sys.stderr)
        return 1
    print(f"{match[1]}: {match[2]}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
