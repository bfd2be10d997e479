"""An update of Secure Boot's lists where a TPM opens the volumes: announced, they open; else they stay shut."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from fleetctl.lab.firmware import OWNER
from fleetctl.lab.site import LabSite
from fleetctl.models.fleetdir import FleetDir
from tests.e2e.operator import SITE, Operator

pytestmark = pytest.mark.soak

BOOT_TIMEOUT_S = 900


@pytest.fixture
def lab(sealed_site: Operator, monkeypatch: pytest.MonkeyPatch) -> LabSite:
    monkeypatch.setenv("FLEETCTL_STATE_DIR", str(sealed_site.base / "state"))
    return LabSite(FleetDir.find(sealed_site.fleet), SITE)


def revoke(variables: Path, what: str) -> None:
    """As a vendor's update does: one more hash in the list of what may not be started (dbx), which PCR 7 measures."""
    changed = variables.with_name(f"{variables.name}.changed")
    argv = [sys.executable, "-m", "virt.firmware.vars", "--loglevel", "error", "--input", str(variables)]
    argv += ["--add-dbx-hash", OWNER, hashlib.sha256(what.encode()).hexdigest(), "--output", str(changed)]
    subprocess.run(argv, check=True, capture_output=True, timeout=120)
    assert changed.read_bytes() != variables.read_bytes()
    changed.replace(variables)


def register_7(operator: Operator) -> str:
    return operator.ssh("cat /sys/class/tpm/tpm0/pcr-sha256/7").out.strip()


def restarted(lab: LabSite) -> None:
    lab.stop()
    lab.start()
    lab.wait_ssh(timeout_s=BOOT_TIMEOUT_S)


def test_volumes_open_over_an_announced_update_of_secure_boots_lists(sealed_site: Operator, lab: LabSite) -> None:
    assert "--before-change" in sealed_site.run("site", "reseal", SITE, expect=2).err
    before = register_7(sealed_site)
    sealed_site.run("site", "reseal", SITE, "--before-change")
    found = sealed_site.run("site", "verify", SITE, "-o", "json", expect=4).out
    assert "tpm_bound" in found, "a machine that is bound to less than before must say so"

    revoke(lab.files.variables, "first")
    restarted(lab)
    assert register_7(sealed_site) != before, "the update changed nothing that the TPM measures"
    sealed_site.ssh("mountpoint /var/lib/appliance")
    sealed_site.run("site", "reseal", SITE, "--after-change")
    sealed_site.until("site", "verify", SITE)
    restarted(lab)
    sealed_site.until("site", "verify", SITE)


def test_an_update_that_nobody_announced_leaves_them_shut(sealed_site: Operator, lab: LabSite, tmp_path: Path) -> None:
    """That they are bound anew, and to what the first test left: with another list the machine asks for its key."""
    lab.stop()
    kept = tmp_path / "variables"
    shutil.copyfile(lab.files.variables, kept)
    try:
        revoke(lab.files.variables, "second")
        since = lab.serial.size()
        lab.start()
        lab.wait_console(r"(?i)recovery key|passphrase", timeout_s=BOOT_TIMEOUT_S, since=since)
        assert "ssh host key" not in lab.serial_text(since), "it went on without its TPM"
    finally:
        lab.stop(power_cut=True)
        shutil.copyfile(kept, lab.files.variables)
        lab.start()
        lab.wait_ssh(timeout_s=BOOT_TIMEOUT_S)
    sealed_site.until("site", "verify", SITE)
