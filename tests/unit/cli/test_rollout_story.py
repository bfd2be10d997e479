"""What `fleetctl rollout` tells: status, watch, history and explain."""

from __future__ import annotations

import json
import platform
import subprocess

import pytest
from sqlalchemy import insert, update

from fleetctl.errors import FleetctlError
from fleetctl.models.rollout import LeftOut
from fleetctl.rollout.engine_run import opened_journal
from fleetctl.store.rollout_tables import rollout_holder
from tests.fakes.releases import SignedRepository
from tests.fakes.rollouts import RELEASE, plan
from tests.unit.cli.rollouts import QUICK, Fleet


def test_output_in_a_pipe_has_no_colour_and_status_fits_a_narrow_screen(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet.start(fleet.planned(plan(wave=QUICK)))
    assert "\x1b" not in fleet.ok("status").stdout + fleet.ok("history").stdout
    monkeypatch.setattr("fleetctl.report.lines.width_of_screen", lambda: 80)
    for words in (["status"], ["history"], ["explain", "s1"], ["status", "--all"]):
        assert max(len(line) for line in fleet.ok(*words).stdout.splitlines()) <= 80


def test_an_explanation_reads_the_repository_itself(fleet: Fleet) -> None:
    path = fleet.planned(plan(wave=QUICK))
    assert fleet.sources is not None
    fleet.sources.boxes["s1"].reachable = False
    fleet.start(path, code=7)
    said = " ".join(fleet.ok("explain", "s3").stdout.split())
    assert "Whether the release is still approved is not known" in said
    repository = SignedRepository(fleet.fleetdir.path / "releases" / "signed")
    for name in ("metadata", "targets"):
        (repository.folder / name).rename(fleet.fleetdir.path / "releases" / name)
    repository.folder = fleet.fleetdir.path / "releases"
    (repository.folder / "root.json").write_bytes(repository.root)
    repository.publish("stable", RELEASE)
    assert "approved is not known" not in fleet.ok("explain", "s3").stdout
    repository.revoke("stable", RELEASE, "it mishears doses")
    found = json.loads(fleet.ok("explain", "s3", "-o", "json").stdout)
    found = found[0] if isinstance(found, list) else found
    assert "may not be rolled out any more: release 2026.11-1 was revoked" in found["says"]
    assert "it mishears doses" in found["says"]
    assert "whoever controls the rollout stops it before the next step" in found["next_action"]
    assert "was revoked" in found["facts"]["revoked"]


def test_a_controller_that_was_killed_controls_nothing(fleet: Fleet) -> None:
    """Its row stays; watch would wait for it for ever."""
    made = plan(wave={"canary": {"bake": "0s", "promote": "human"}})
    fleet.start(fleet.planned(made), code=3)
    with subprocess.Popen(["true"]) as gone:
        gone.wait()
    here = {"rollout": made.id, "host": platform.node(), "pid": gone.pid, "actor": "kim", "since": 0}
    with opened_journal(fleet.fleetdir) as journal:
        with journal.database.transaction(writes=True) as connection:
            connection.execute(insert(rollout_holder).values(here))
        assert "nobody controls it now" in fleet.ok("status", code=3).stdout
        assert "started" in fleet.ok("watch", code=3).stdout
        # Of another machine nobody here can tell.
        with journal.database.transaction(writes=True) as connection:
            connection.execute(update(rollout_holder).values(host="elsewhere"))
        assert "controlled by kim on elsewhere" in fleet.ok("status", code=3).stdout


def test_watch_tells_what_happened_and_ends_when_nobody_controls(fleet: Fleet) -> None:
    fleet.start(fleet.planned(plan(wave=QUICK)))
    lines = fleet.ok("watch", "-o", "json").stdout.splitlines()
    assert json.loads(lines[0])["what"] == "started"
    assert json.loads(lines[-1])["what"] == "done"


def test_a_site_that_was_left_out_is_explained(fleet: Fleet) -> None:
    made = plan(wave=QUICK)
    left = LeftOut(site="s9", reason="held by kim: it moves")
    fleet.start(fleet.planned(made.model_copy(update={"left_out": (left,)})))
    with pytest.raises(FleetctlError, match="the plan left s9 out: held by kim"):
        fleet.ok("explain", "s9")
    for words in (("explain", "s33"), ("history", "--site", "s33")):
        with pytest.raises(FleetctlError, match="s33 is not in rollout") as caught:
            fleet.ok(*words)
        assert caught.value.hint == "did you mean s3?"
