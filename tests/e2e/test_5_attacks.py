"""What must fail: a rule taken out, a changed model, a stolen disk. And what must work again afterwards."""

from __future__ import annotations

import json

import pytest

from fleetctl.lab.site import LabSite
from fleetctl.models.fleetdir import FleetDir
from fleetctl.trust.escrow import decrypt_recovery_key
from fleetctl.trust.passphrase import Passphrase
from tests.e2e.operator import SITE, Operator

BOOT_TIMEOUT_S = 900
MODEL = "/var/lib/appliance/models/transcription.raw"


@pytest.fixture
def lab(sealed_site: Operator, monkeypatch: pytest.MonkeyPatch) -> LabSite:
    monkeypatch.setenv("FLEETCTL_STATE_DIR", str(sealed_site.base / "state"))
    return LabSite(FleetDir.find(sealed_site.fleet), SITE)


def test_one_opened_rule_makes_proof_and_verify_fail_until_it_is_closed(sealed_site: Operator) -> None:
    chain = json.loads(sealed_site.ssh("nft -j list chains inet").out)
    output = next(each["chain"] for each in chain["nftables"] if each.get("chain", {}).get("hook") == "output")
    sealed_site.ssh(f"nft insert rule inet {output['table']} {output['name']} ip daddr 10.0.2.2 accept")
    try:
        proof = sealed_site.run("egress", "prove", SITE, "-o", "json", expect=9).data
        assert proof["verdict"] == "leaking"
        leaked = {row["target"] for row in proof["rows"] if row["verdict"] == "leaked"}
        assert any(target.startswith("tcp 10.0.2.2") for target in leaked)
        assert proof["heard"]["tcp4"] == ["tcp4"], "the canary itself must have heard it"
        assert sealed_site.run("site", "verify", SITE, expect=None).code == 4
    finally:
        sealed_site.run("site", "provision", SITE, "--yes")
    sealed_site.run("egress", "prove", SITE)
    sealed_site.until("site", "verify", SITE)


def test_a_flipped_byte_in_the_model_is_refused_by_the_kernel(sealed_site: Operator) -> None:
    """The byte stands in the middle of the weights; the service must not come up with it, and must with it put back."""
    where = 32 * 1024 * 1024 + 17
    flip = (
        "import sys; f = open(sys.argv[1], 'r+b'); f.seek(int(sys.argv[2])); b = f.read(1)[0];"
        " f.seek(int(sys.argv[2])); f.write(bytes([b ^ 1])); f.flush(); import os; os.fsync(f.fileno())"
    )
    flip_command = f'python3 -c "{flip}" $(readlink -f {MODEL}) {where}'
    unit = "appliance-transcription.service"
    sealed_site.ssh(f"systemctl stop {unit}; {flip_command} && echo 3 > /proc/sys/vm/drop_caches")
    try:
        result = sealed_site.ssh(f"timeout 400 systemctl restart {unit}; systemctl is-active {unit}", expect=None)
        assert result.out.split()[-1] != "active"
        kernel = sealed_site.ssh("journalctl -k --no-pager -o cat | grep -iE 'verity.*(corrupt|mismatch)|erofs.*error'")
        assert kernel.out.strip()
        assert sealed_site.run("status", expect=None).code in (4, 5)
    finally:
        sealed_site.ssh(f"{flip_command}; echo 3 > /proc/sys/vm/drop_caches; systemctl reset-failed {unit}")
        sealed_site.ssh(f"systemctl restart {unit}")
    sealed_site.until("site", "verify", SITE)


def test_a_stolen_disk_stays_shut_and_the_recovery_key_opens_it(sealed_site: Operator, lab: LabSite) -> None:
    """With another TPM the machine asks for a recovery key and serves nothing; the escrowed key opens both volumes."""
    keys = _recovery_keys(sealed_site)
    lab.stop()
    lab.fresh_tpm()
    try:
        since = lab.serial.size()
        lab.start()
        lab.wait_console(r"(?i)recovery key|passphrase", timeout_s=BOOT_TIMEOUT_S, since=since)
        assert "ssh host key" not in lab.serial_text(since), "it went on without its TPM"
        lab.send_console(keys["root"] + "\n")
        # Not wait_ssh: a prompt for a recovery key, which the state volume shows too, is to it a boot that failed.
        lab.wait_console(r"fleetctl: ssh host key", timeout_s=BOOT_TIMEOUT_S, since=since)
        sealed_site.until("lab", "ssh", SITE, "--", "true")
        assert sealed_site.ssh("test -e /dev/mapper/state", expect=None).code != 0, "the state volume opened by itself"
        assert sealed_site.ssh("mountpoint -q /var/lib/appliance", expect=None).code != 0
        assert sealed_site.run("status", expect=None).code in (4, 5)
        sealed_site.run("disk", "escrow", "test", SITE)
    finally:
        lab.stop(power_cut=True)
        lab.original_tpm()
        lab.start()
        lab.wait_ssh(timeout_s=BOOT_TIMEOUT_S)
    sealed_site.until("site", "verify", SITE)
    sealed_site.run("egress", "prove", SITE)


def _recovery_keys(operator: Operator) -> dict[str, str]:
    """Volume → recovery key, out of the escrow files and the storage record's LUKS UUIDs."""
    fleet = FleetDir.find(operator.fleet)
    passphrase = Passphrase(operator.passphrase_file.read_text().strip())
    volumes = {}
    for volume in ("root", "state"):
        uuid = operator.ssh(
            f"cryptsetup luksUUID $(cryptsetup status {volume} | sed -n 's/^ *device: *//p')"
        ).out.strip()
        ciphertext = (fleet.escrow_dir / SITE / f"{uuid}.age").read_text()
        volumes[volume] = decrypt_recovery_key(ciphertext, fleet.keys, passphrase)
    return volumes
