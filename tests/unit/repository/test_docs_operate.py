"""Commands of the task pages are complete: whoever copies one gets no usage error."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from fleetctl.cli.site_options import spec_from_options
from fleetctl.errors import UsageError
from fleetctl.resources import resource_dir

OPERATE = Path(__file__).parents[3] / "docs/operate"


def example(page: str, command: str) -> str:
    """The first example of a command, its continued lines joined."""
    text = (OPERATE / page).read_text().replace("\\\n", " ")
    return next(line.strip() for line in text.splitlines() if line.startswith(f"    {command} "))


def required_options() -> set[str]:
    with pytest.raises(UsageError) as refused:
        spec_from_options(
            profile=None, address=None, ssh_port=22, health_port=9443, clinical_address=None, clinical_port=443,
            macs={"management": None, "clinical": None}, sources={"management": None, "clinical": None},
            data_disks=None, erase_disks=None, allow=None, transcription=None, drafting=None,
        )  # fmt: skip
    return set(re.findall(r"--[a-z-]+", refused.value.message))


def test_the_example_of_site_add_has_every_required_option() -> None:
    words = example("provision-a-site.md", "fleetctl site add").split()
    assert "--transcription" in required_options()
    assert required_options() | {"--fingerprint"} <= set(words)


def test_the_example_of_site_add_names_a_profile_that_exists() -> None:
    words = example("provision-a-site.md", "fleetctl site add").split()
    assert (resource_dir("hardware") / f"{words[words.index('--profile') + 1]}.yaml").exists()


def test_binding_to_the_tpm_again_names_the_volumes_and_registers_that_provisioning_uses() -> None:
    text = (OPERATE / "recover-a-locked-volume.md").read_text().replace("\\\n", " ")
    commands = [line.split() for line in text.splitlines() if line.startswith("    systemd-cryptenroll ")]
    found = {words[-1]: next(word for word in words if word.startswith("--tpm2-pcrs=")) for words in commands}
    assert found == {
        "/dev/disk/by-partlabel/edge-root": "--tpm2-pcrs=7",
        "/dev/md/state": "--tpm2-pcrs=7+15",
    }
    storage = (resource_dir("playbooks") / "library/fleet_storage.py").read_text()
    assert '"default": [7, 15]' in storage
    root = (resource_dir("playbooks") / "module_utils/fleet_root_volume.py").read_text()
    assert '"/dev/disk/by-partlabel/edge-root"' in root
