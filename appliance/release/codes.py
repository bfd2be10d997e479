"""Code tables of a release on the box: proven like everything else of it, and put in use by one file.

The tables lie where `appliancectl codes` keeps them, under their digest; which of them the running release has brought
says `release.json` there. What a practice imported itself stands in another list, which no release touches.
"""

from pathlib import Path

from appliance.coding.tables.pack import open_pack
from appliance.coding.tables.store import PackStore, active_text
from appliance.contract.release import CodePackComponent
from appliance.errors import NotVerifiedError
from appliance.release.disk import Disk
from appliance.release.places import Places


def demand_pack(path: Path, wanted: CodePackComponent) -> None:
    """Return when the file is that pack and says of itself what the manifest says of it. Raises NotVerifiedError."""
    head = open_pack(path, wanted.sha256).head
    said = (head.system, head.version, head.effective_from)
    if said != (wanted.name, wanted.version, wanted.effective_from):
        raise NotVerifiedError(
            f"the code table {wanted.name} says that it is {head.system} {head.version} of {head.effective_from}",
            hint="build and sign the release again, with the table that was meant",
        )


def place_packs(places: Places, disk: Disk, digests: tuple[str, ...]) -> None:
    """Put these tables in use, and no others of a release. Doing it again changes nothing. Raises OSError."""
    store = PackStore(places.codes)
    if not digests and not store.release_list.exists():
        return
    _folder(places, disk)
    for digest in digests:
        if not store.path(digest).exists():
            disk.link(places.image(digest), store.path(digest))
    if not digests:
        disk.remove(store.release_list)
    elif store.release_list.exists() and store.release_list.read_text() == active_text(digests):
        return
    else:
        disk.replace(store.release_list, active_text(digests).encode(), mode=0o644)


def _folder(places: Places, disk: Disk) -> None:
    disk.make_directory(places.codes)
    # Services read their tables here, and run as users of their own.
    places.codes.chmod(0o755)


def demand_packs(places: Places, digests: tuple[str, ...]) -> None:
    """Return when every table of the release is in use and whole. Raises NotVerifiedError, UnknownStateError."""
    store = PackStore(places.codes)
    if sorted(store.of_release()) != sorted(digests):
        raise NotVerifiedError("other code tables are in use than the release has", hint="activate the release again")
    for digest in digests:
        store.open(digest)
