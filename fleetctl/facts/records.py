"""Records that provisioning leaves on a box: how a fact tells "was never written" from "could not be read"."""

from __future__ import annotations

from fleetctl.facts.base import Output, command, stdout_of

RECORDS_DIRECTORY = "/var/lib/fleetctl/"

# `-a` for a reason: an empty folder still lists "." so that empty output never passes as an answer.
RECORDS = command("ls", "-a", RECORDS_DIRECTORY)

# ls(1): 2 is "cannot access"; a machine that was never provisioned has no such folder.
_NO_SUCH_FOLDER = 2


def names_in(listing: Output) -> frozenset[str]:
    """Names in the folder of records; of a folder that does not exist, none."""
    if listing.completed.exit_code == _NO_SUCH_FOLDER and not listing.completed.stdout.strip():
        return frozenset()
    return frozenset(stdout_of(listing, f"ls {RECORDS_DIRECTORY}").split())
