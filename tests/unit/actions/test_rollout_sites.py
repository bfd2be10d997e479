"""The boxes of a command: one a site, with one agent, closed at the end whatever happened."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from fleetctl.actions.rollout_sites import ssh_boxes
from fleetctl.models.fleetdir import FleetDir
from fleetctl.models.site import Site
from fleetctl.remote.release_box import SshBox
from fleetctl.rollout.plan_sites import ask
from fleetctl.trust.passphrase import Passphrase
from tests.fakes.site import SITE


def at(name: str, port: int) -> Site:
    management = SITE.spec.management.model_copy(update={"ssh_port": port})
    return SITE.model_copy(
        update={
            "metadata": SITE.metadata.model_copy(update={"name": name}),
            "spec": SITE.spec.model_copy(update={"management": management}),
        }
    )


@pytest.fixture
def closed_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def test_one_box_a_site_and_all_are_closed(
    fleet_dir: FleetDir, passphrase: Passphrase, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("FLEETCTL_STATE_DIR", str(tmp_path))
    closed: list[SshBox] = []
    monkeypatch.setattr(SshBox, "close", lambda self: closed.append(self))
    made: list[SshBox] = []

    def fails() -> None:
        with ssh_boxes(fleet_dir, passphrase) as boxes:
            made.extend([boxes(at("north", 1)), boxes(at("south", 1))])
            assert boxes(at("north", 1)) is made[0]
            assert not closed
            raise KeyError

    with pytest.raises(KeyError):
        fails()
    assert sorted(closed, key=id) == sorted(made, key=id)


def test_a_site_without_a_pinned_key_is_unknown_and_one_that_is_away_is_offline(
    fleet_dir: FleetDir, passphrase: Passphrase, closed_port: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("FLEETCTL_STATE_DIR", str(tmp_path))
    key = fleet_dir.keys.text("ssh_ed25519.pub").rsplit(" ", 1)[0]
    fleet_dir.known_hosts.write_text(f"away {key}\n")
    sites = [at("away", closed_port), at("stranger", closed_port)]
    with ssh_boxes(fleet_dir, passphrase) as boxes:
        found = ask(sites, boxes, deadline_s=60)
    assert found["away"].offline
    assert (found["stranger"].status, found["stranger"].offline) == (None, False)
    assert "stranger" in found["stranger"].problem
