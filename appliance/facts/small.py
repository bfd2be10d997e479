"""Small facts: the last try to get out, certificates, what the profile wants of GPUs, room on the disks."""

import json
import os
from pathlib import Path
from typing import Any

from appliance.facts.reading import UnreadableError, read_text

PROOF = Path("/var/lib/fleetctl/egress-proof.json")
TLS = Path("/etc/appliance/tls")
CERTIFICATES = ("box.crt", "ca.crt")
GPU_WANTED = Path("/etc/appliance/gpu.json")  # as in contract/gpu_wanted.py, whose import would cost root a second
PCI = Path("/sys/bus/pci/devices")
_NVIDIA, _DISPLAY = "0x10de", "0x03"
FILE_SYSTEMS = ("/", "/var/lib/appliance")


def last_proof(path: Path = PROOF) -> dict[str, Any] | None:
    """Return the summary that `appliancectl egress prove` kept, unjudged; None when none was made."""
    if not path.exists():
        return None
    try:
        return dict(json.loads(read_text(path)))
    except (ValueError, TypeError):
        raise UnreadableError(f"{path} is not a JSON object") from None


def gpus(wanted: Path = GPU_WANTED, pci: Path = PCI) -> dict[str, Any]:
    """Return the text of what the profile wants, None where it wants none, and the NVIDIA cards on the bus."""
    cards = [
        node.name
        for node in (sorted(pci.iterdir()) if pci.is_dir() else ())
        if read_text(node / "vendor") == _NVIDIA and read_text(node / "class").startswith(_DISPLAY)
    ]
    return {"wanted": read_text(wanted) if wanted.exists() else None, "cards": cards}


def certificates(folder: Path = TLS) -> dict[str, str]:
    """Return the PEM text of each certificate that is there. None of them is a secret."""
    return {name: read_text(folder / name) for name in CERTIFICATES if (folder / name).exists()}


def room(mounts: tuple[str, ...] = FILE_SYSTEMS) -> list[dict[str, Any]]:
    """Return the room that is left for a service on each file system."""
    found = []
    for mount in mounts:
        try:
            space = os.statvfs(mount)
        except OSError as error:
            raise UnreadableError(f"{mount}: {error.strerror}") from None
        mib = space.f_blocks * space.f_frsize >> 20, space.f_bavail * space.f_frsize >> 20
        found.append({"mount": mount, "size_mib": mib[0], "free_mib": mib[1]})
    return found
