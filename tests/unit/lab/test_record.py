"""lab.json and the site file that follows from it."""

from __future__ import annotations

import ipaddress

from fleetctl.lab.record import LabRecord, disks_for, networks_for
from fleetctl.models.site import Site, SiteSpec


def test_site_spec_is_a_valid_site(record: LabRecord) -> None:
    spec = SiteSpec.model_validate(record.site_spec())
    assert (spec.management.ssh_port, spec.management.health_port, spec.clinical.port) == (20001, 20002, 20003)
    assert spec.storage.data_disks == ["LAB-1-DATA0", "LAB-1-DATA1"]
    assert spec.storage.erase_disks == []
    assert [(rule.name, rule.protocol, rule.port) for rule in spec.egress.allow] == [
        ("ehr", "tcp", 20007),
        ("time", "udp", 20008),
    ]
    Site.model_validate(
        {"apiVersion": "fleetctl/v1", "kind": "Site", "metadata": {"name": record.name}, "spec": record.site_spec()}
    )


def test_record_survives_its_file(record: LabRecord) -> None:
    assert LabRecord.model_validate_json(record.model_dump_json()) == record


def test_serials_fit_virtio_and_differ() -> None:
    disks = disks_for("a-very-long-name-of-a-clinic-in-the-north", 1, 8, 1)
    serials = [disk.serial for disk in disks]
    assert all(len(serial) <= 20 and serial == serial.upper() for serial in serials)
    assert len(set(serials)) == 9


def test_macs_follow_from_names_and_differ() -> None:
    assert networks_for("demo", "lab-1") == networks_for("demo", "lab-1")
    macs = {network.mac for name in ("lab-1", "lab-2") for network in networks_for("demo", name)}
    assert len(macs) == 4
    assert all(mac.startswith("52:54:00:") and len(mac) == 17 for mac in macs)


def test_canaries_cover_each_protocol_and_family_inside_the_guests_network(record: LabRecord) -> None:
    canaries = record.canaries()
    assert {(c.protocol, c.family) for c in canaries} == {(p, f) for p in ("tcp", "udp", "dns") for f in (4, 6)}
    for canary in canaries:
        net = record.management.ipv4_net if canary.family == 4 else record.management.ipv6_net
        assert ipaddress.ip_address(canary.address) in ipaddress.ip_network(net)


def test_no_canary_is_an_allowed_path(record: LabRecord) -> None:
    assert not {c.port for c in record.canaries()} & {c.port for c in record.controls()}
