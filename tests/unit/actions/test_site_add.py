"""`site add`: the host key is confirmed before anything is written; twice is harmless."""

from __future__ import annotations

from typing import Any

import pytest

from fleetctl.actions.site_add import parse_allow, site_add
from fleetctl.cli.site_options import spec_from_options
from fleetctl.errors import ConfigError, RefusedError, UsageError, VerificationError
from fleetctl.models.fleetdir import FleetDir
from fleetctl.remote.pins import fingerprint
from tests.fakes import site as fake

KEY = ("ssh-ed25519", "AAAAC3NzaC1lZDI1NTE5AAAAIIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiI")
OTHER = ("ssh-ed25519", "AAAAC3NzaC1lZDI1NTE5AAAAIHd3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3")
PRINT = fingerprint(" ".join(KEY))
SPEC = fake.SITE.spec.model_dump(mode="json")


def _add(fleet_dir: FleetDir, expected: str | None = PRINT, confirm: Any = None, **changed: Any) -> Any:
    given = {"spec": SPEC, "contact": lambda address, port: KEY, **changed}
    return site_add(fleet_dir, "north", given["spec"], expected, confirm, contact=given["contact"])


def test_pin_and_file_are_written_once(fleet_dir: FleetDir) -> None:
    first, second = _add(fleet_dir), _add(fleet_dir)
    assert (first.pinned, first.written, second.pinned, second.written) == (True, True, False, False)
    assert fleet_dir.known_hosts.read_text() == f"north {' '.join(KEY)}\n"
    assert fleet_dir.site("north").spec == fake.SITE.spec


def test_contact_is_made_where_the_file_says(fleet_dir: FleetDir) -> None:
    asked: list[tuple[str, int]] = []
    _add(fleet_dir, contact=lambda address, port: (asked.append((address, port)), KEY)[1])
    assert asked == [("127.0.0.1", 2201)]


@pytest.mark.parametrize("confirm", [None, lambda shown: True])
def test_another_fingerprint_than_given_is_refused_and_nothing_is_written(fleet_dir: FleetDir, confirm: Any) -> None:
    with pytest.raises(VerificationError, match="host key mismatch"):
        _add(fleet_dir, expected=fingerprint(" ".join(OTHER)), confirm=confirm)
    assert not fleet_dir.known_hosts.exists()
    assert fleet_dir.site_names() == []


def test_without_a_fingerprint_a_person_is_asked(fleet_dir: FleetDir) -> None:
    shown: list[str] = []
    with pytest.raises(RefusedError, match="not confirmed"):
        _add(fleet_dir, expected=None, confirm=lambda text: bool(shown.append(text)))
    assert shown == [PRINT]
    assert fleet_dir.site_names() == []
    assert _add(fleet_dir, expected=None, confirm=lambda text: True).pinned


def test_without_a_fingerprint_and_nobody_to_ask_it_refuses_with_the_fingerprint(fleet_dir: FleetDir) -> None:
    with pytest.raises(UsageError) as caught:
        _add(fleet_dir, expected=None)
    assert f"--fingerprint {PRINT}" in caught.value.hint
    assert fleet_dir.site_names() == []


def test_a_pinned_site_is_not_asked_about_again_and_another_key_is_refused(fleet_dir: FleetDir) -> None:
    _add(fleet_dir)
    assert not _add(fleet_dir, expected=None).pinned
    other = fingerprint(" ".join(OTHER))
    with pytest.raises(VerificationError, match="host key mismatch"):
        _add(fleet_dir, expected=other, contact=lambda address, port: OTHER)
    assert fleet_dir.known_hosts.read_text() == f"north {' '.join(KEY)}\n"


def test_an_existing_site_with_another_content_is_left_alone(fleet_dir: FleetDir) -> None:
    _add(fleet_dir)
    changed = {**SPEC, "management": {**SPEC["management"], "ssh_port": 2299}}
    with pytest.raises(RefusedError, match="exists with another content"):
        _add(fleet_dir, spec=changed)


def test_a_wrong_value_is_named_by_its_path_before_any_contact(fleet_dir: FleetDir) -> None:
    def contact(address: str, port: int) -> tuple[str, str]:
        raise AssertionError("contact was made")

    wrong = {**SPEC, "management": {**SPEC["management"], "address": "clinic.example"}}
    with pytest.raises(ConfigError, match=r"spec\.management\.address"):
        _add(fleet_dir, spec=wrong, contact=contact)
    with pytest.raises(UsageError, match="no hardware profile lab-wm"):
        _add(fleet_dir, spec={**SPEC, "profile": "lab-wm"}, contact=contact)


def test_allow_rules_are_read() -> None:
    assert parse_allow(["name=ehr,protocol=tcp,address=10.0.0.5,port=443"]) == [
        {"name": "ehr", "protocol": "tcp", "address": "10.0.0.5", "port": 443}
    ]


@pytest.mark.parametrize(
    "text", ["ehr", "name=ehr,protocol=tcp,address=10.0.0.5", "name=ehr,protocol=tcp,address=1,port=https", "a=b,c"]
)
def test_an_odd_allow_rule_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--allow"):
        parse_allow([text])


def test_missing_options_are_named_at_once() -> None:
    with pytest.raises(UsageError) as caught:
        spec_from_options(
            profile=None,
            address="10.0.0.1",
            ssh_port=22,
            health_port=9443,
            clinical_address=None,
            clinical_port=443,
            macs={"management": None, "clinical": "52:54:00:00:00:02"},
            sources={"management": ["10.0.0.0/24"], "clinical": ["10.0.1.0/24"]},
            data_disks=["A"],
            erase_disks=None,
            allow=None,
            transcription="whisper-tiny.en",
            drafting=None,
        )
    assert caught.value.message == "missing: --profile, --management-mac"
