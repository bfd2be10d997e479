"""A virtual site's record and host tools for the tests of the lab."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from fleetctl.lab.hosttools import HostTools, QemuVersion
from fleetctl.lab.record import ImageSource, LabRecord, Ports, disks_for, networks_for


@pytest.fixture
def record() -> LabRecord:
    management, clinical = networks_for("demo", "lab-1")
    return LabRecord(
        name="lab-1",
        fleet="demo",
        uuid="6f1c2c1e-0f9f-4bd6-9d0a-3a3bd7a1c001",
        memory_mib=2048,
        cpus=2,
        management=management,
        clinical=clinical,
        ports=Ports(
            ssh=20001,
            health=20002,
            clinical=20003,
            canary_tcp=20004,
            canary_udp=20005,
            canary_dns=20006,
            ehr=20007,
            time=20008,
        ),
        disks=disks_for("lab-1", 8 * 1024**3, 2, 1024**3),
        image=ImageSource(path="/images/edge-lab.raw", version="1", usr_root_hash="ab" * 32),
        created_at=datetime(2026, 1, 2, tzinfo=UTC),
    )


@pytest.fixture
def tools() -> HostTools:
    return HostTools(
        qemu=Path("/usr/bin/qemu-system-x86_64"),
        qemu_version=QemuVersion(10, 0, 2),
        swtpm=Path("/usr/bin/swtpm"),
        firmware_code=Path("/fw/code.fd"),
        firmware_variables=Path("/fw/vars.fd"),
    )
