"""Takes back from the fleet directory what only a virtual machine stood behind: pin, site file, record of its rules."""

from __future__ import annotations

from fleetctl.egress.isolation import forget_isolation
from fleetctl.errors import FleetctlError
from fleetctl.lab.record import LabRecord
from fleetctl.models.fleetdir import FleetDir
from fleetctl.models.site import SiteSpec
from fleetctl.release.committed import forget_committed
from fleetctl.remote.keypins import remove_key
from fleetctl.remote.pins import read_pin, remove_pin


def forget(fleetdir: FleetDir, record: LabRecord) -> list[str]:
    """Remove pin and site file, as `site add --lab` made them, and the record that provisioning kept; says what went.

    A pin of another machine and a file that a person changed stay, and so do escrowed recovery keys.
    """
    gone = []
    pin = read_pin(fleetdir.known_hosts, record.name)
    if pin is not None and pin == record.host_public_key:
        remove_pin(fleetdir.known_hosts, record.name)
        gone.append("host key pin")
        if forget_isolation(fleetdir.state_dir, record.name):
            gone.append("record of its rules")
        if remove_key(fleetdir.audit_keys, record.name):
            gone.append("audit key pin")
        if remove_key(fleetdir.health_keys, record.name):
            gone.append("health key pin")
        if forget_committed(fleetdir, record.name):
            gone.append("release that a rollout brought")
    path = fleetdir.site_path(record.name)
    if path.exists() and _as_made(fleetdir, record):
        path.unlink()
        gone.append(f"sites/{path.name}")
    return gone


def _as_made(fleetdir: FleetDir, record: LabRecord) -> bool:
    try:
        return fleetdir.site(record.name).spec == SiteSpec.model_validate(record.site_spec())
    except FleetctlError:
        return False
