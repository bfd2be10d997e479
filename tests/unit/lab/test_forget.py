"""Destroying a virtual site takes back what only its machine stood behind, and nothing that a person made."""

from __future__ import annotations

import pytest
from sqlalchemy import insert

from fleetctl.lab.forget import forget
from fleetctl.lab.record import LabRecord
from fleetctl.models.fleetdir import FleetDir
from fleetctl.models.site import Site
from fleetctl.remote.pins import read_pin, write_pin
from fleetctl.rollout.journal import Journal
from fleetctl.store.database import Database
from fleetctl.store.open import store_url
from fleetctl.store.rollout_tables import site_release

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g"
OTHER = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIP/+/fz7+vn49/b19PPy8fDv7u3s6+rp6Ofm5eTj4uHg"


@pytest.fixture
def added(fleet_dir: FleetDir, record: LabRecord) -> LabRecord:
    """A virtual site as `site add --lab` leaves it."""
    shown = record.model_copy(update={"host_public_key": KEY})
    write_pin(fleet_dir.known_hosts, record.name, KEY)
    fleet_dir.write_site(_site(shown))
    return shown


def _site(record: LabRecord, **spec: object) -> Site:
    document = {
        "apiVersion": "fleetctl/v1",
        "kind": "Site",
        "metadata": {"name": record.name},
        "spec": record.site_spec() | spec,
    }
    return Site.model_validate(document)


def test_pin_and_site_file_go_and_other_pins_stay(fleet_dir: FleetDir, added: LabRecord) -> None:
    write_pin(fleet_dir.known_hosts, "north", OTHER)
    kept = fleet_dir.state_dir / "sites" / f"{added.name}.isolation.json"
    kept.parent.mkdir()
    kept.write_text("{}")
    assert forget(fleet_dir, added) == ["host key pin", "record of its rules", f"sites/{added.name}.yaml"]
    assert not kept.exists()
    assert not fleet_dir.site_path(added.name).exists()
    assert read_pin(fleet_dir.known_hosts, added.name) is None
    assert read_pin(fleet_dir.known_hosts, "north") == OTHER


def test_what_a_rollout_brought_goes_with_its_machine(fleet_dir: FleetDir, added: LabRecord) -> None:
    database = Database(store_url(fleet_dir))
    try:
        with database.transaction(writes=True) as connection:
            for site in (added.name, "north"):
                values = {
                    "site": site,
                    "release": "r",
                    "digest": "d1" * 32,
                    "sequence": 1,
                    "rollout": "e" * 32,
                    "at": 1,
                }
                connection.execute(insert(site_release).values(values))
        assert "release that a rollout brought" in forget(fleet_dir, added)
        assert set(Journal(database).committed()) == {"north"}
    finally:
        database.close()


def test_a_file_that_a_person_changed_stays(fleet_dir: FleetDir, added: LabRecord) -> None:
    fleet_dir.write_site(_site(added, egress={"allow": []}), replace=True)
    assert forget(fleet_dir, added) == ["host key pin"]
    assert fleet_dir.site_path(added.name).exists()


def test_a_pin_of_another_machine_stays(fleet_dir: FleetDir, added: LabRecord) -> None:
    forget(fleet_dir, added.model_copy(update={"host_public_key": OTHER}))
    assert read_pin(fleet_dir.known_hosts, added.name) == KEY


def test_a_site_that_was_never_added_is_no_error(fleet_dir: FleetDir, record: LabRecord) -> None:
    assert forget(fleet_dir, record) == []
