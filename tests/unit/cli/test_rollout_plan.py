"""`rollout plan` as its user runs it: asks, writes a signed file, shows it again; refuses before it asks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from typer.testing import CliRunner, Result

from fleetctl.cli.rollout_plan import plan
from fleetctl.cli.site_hold import hold, pin, unhold, unpin
from fleetctl.errors import ConfigError, FleetctlError, RefusedError, UsageError, VerificationError
from fleetctl.models.fleetdir import FleetDir
from fleetctl.rollout.planfile import read_plan
from fleetctl.trust.keystore import KeyStore
from fleetctl.trust.plan_key import read_plan_keys
from tests.fakes.rollout_fleet import POLICY, RolloutFleet, rollout_fleet
from tests.fakes.sets import manifest, set_of

NEW, OLD = manifest("2026.11-2", 12, size=1 << 30), manifest("2026.10-1", 9)
PASSPHRASE = "correct horse battery staple"

app = typer.Typer()
for command in (plan, hold, unhold, pin, unpin):
    app.command()(command)


@pytest.fixture
def found(fleet_dir: FleetDir, keystore: KeyStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RolloutFleet:
    """Three sites: one as provisioned, one with the release before, one out of reach. The key is one of the test's."""
    keys = tmp_path / "keys"
    keys.mkdir(mode=0o700)
    for each in keystore.directory.iterdir():
        (keys / each.name).symlink_to(each)
    text = (fleet_dir.path / "fleet.yaml").read_text().replace(str(keystore.directory), str(keys))
    (fleet_dir.path / "fleet.yaml").write_text(text)
    made = rollout_fleet(FleetDir(fleet_dir.path))
    made.publish(NEW)
    made.add("north", {"ring": "pilot"})
    made.add("south", active=set_of(OLD))
    made.add("west", reachable=False)
    (tmp_path / "passphrase").write_text(PASSPHRASE)
    (tmp_path / "passphrase").chmod(0o600)
    monkeypatch.setenv("FLEETCTL_PASSPHRASE_FILE", str(tmp_path / "passphrase"))
    monkeypatch.setenv("FLEETCTL_OPERATOR", "Ada Berg")
    monkeypatch.setenv("FLEETCTL_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setattr("fleetctl.actions.rollout_sites.ssh_boxes", made.ssh_boxes)
    return made


def run(found: RolloutFleet, *words: str) -> Result:
    result = CliRunner().invoke(app, [*words, "--fleet", str(found.fleet.path)])
    if isinstance(result.exception, FleetctlError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result


def planned(found: RolloutFleet, *words: str) -> Result:
    return run(found, "plan", "--release", "2026.11-2", "--policy", "careful", *words)


def test_a_plan_is_written_signed_and_shown(found: RolloutFleet, tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    first = planned(found, "-O", str(file))
    for words in ("not signed", "error"):
        assert words not in first.stdout
    for words in (
        "signed by Ada Berg",
        "release 2026.11-2, sequence 12",
        "3 in 2 waves, 1 out of reach",
        "at most 6.0 GiB in all, 2.0 GiB to one site; how long is not known of 3 sites",
        "wave 1 of 2, canary",
        "then a named person promotes; any failure stops the rollout",
        "named by the policy",
        "switched at any time",
        "2026.10-1",
        "out of reach",
    ):
        assert words in first.stdout, words
    signed = read_plan(file, read_plan_keys(found.fleet))
    assert signed.plan.sites[0].site == "north"
    assert signed.plan.created_by == "Ada Berg"
    assert (found.fleet.path / "releases/plan_keys").read_text().endswith(" Ada Berg\n")
    assert run(found, "plan", "--show", str(file)).stdout == first.stdout
    assert PASSPHRASE not in first.output + file.read_text()


@pytest.mark.parametrize("form", ["json", "yaml"])
def test_programs_get_the_plan_itself(found: RolloutFleet, tmp_path: Path, form: str) -> None:
    file = tmp_path / "plan.json"
    text = planned(found, "-O", str(file), "-o", form).stdout
    data: dict[str, Any] = json.loads(text) if form == "json" else yaml.safe_load(text)
    assert data["signed_by"] == "Ada Berg"
    assert {site["site"]: site["wave"] for site in data["plan"]["sites"]} == {
        "north": "canary",
        "south": "rest",
        "west": "rest",
    }


def test_without_a_file_nothing_is_kept(found: RolloutFleet) -> None:
    assert "not signed" in planned(found).stdout
    assert not (found.fleet.path / "releases/plan_keys").exists()


def test_no_box_is_changed(found: RolloutFleet, tmp_path: Path) -> None:
    planned(found, "-O", str(tmp_path / "plan.json"))
    assert {verb for box in found.boxes.values() for verb, _ in box.calls} == {"status"}


@pytest.mark.parametrize(
    ("words", "error", "message"),
    [
        (["--release", "2026.12-1", "--policy", "careful"], UsageError, "has no release 2026.12-1"),
        (["--release", "2026.11-2", "--policy", "carefull"], UsageError, "no rollout policy carefull"),
        (["--release", "2026.11-2"], UsageError, "name a release and a policy"),
        (["--release", "2026.11-2", "--policy", "careful", "--expires", "1y"], UsageError, "no duration"),
        (["--release", "2026.11-2", "--policy", "careful", "--expires", "91d"], UsageError, "is not between a minute"),
        (["--release", "2026.11-2", "--policy", "careful", "-l", "ring"], UsageError, "is not key=value"),
        (
            ["--release", "2026.11-2", "--policy", "careful", "-l", "ring=x"],
            UsageError,
            "no site has the labels ring=x",
        ),
        (["--release", "2026.11-2", "--policy", "careful", "-O", "/no/p.json"], UsageError, "/no is no folder"),
        (["--release", "2026.11-2", "--policy", "careful", "--by", "A\x1b[2J"], UsageError, "no name of a person"),
        (["--show", "none.json"], ConfigError, "cannot be read"),
        (["--show", "none.json", "--policy", "careful"], UsageError, "stands alone"),
    ],
)
def test_what_is_wrong_is_told_before_a_site_is_asked(
    found: RolloutFleet, words: list[str], error: type[FleetctlError], message: str
) -> None:
    with pytest.raises(error, match=message):
        run(found, "plan", *words)
    assert not any(box.calls for box in found.boxes.values())


def test_a_name_in_the_policy_that_no_site_has(found: RolloutFleet) -> None:
    found.policy(POLICY.replace("[north]", "[norht]"))
    with pytest.raises(ConfigError, match="did you mean north"):
        planned(found)
    assert not found.boxes["north"].calls


def test_an_existing_file_is_kept(found: RolloutFleet, tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    file.write_text("mine")
    with pytest.raises(RefusedError, match="exists"):
        planned(found, "-O", str(file))
    assert not found.boxes["north"].calls
    assert file.read_text() == "mine"


def test_a_repository_that_does_not_verify_makes_no_plan(found: RolloutFleet) -> None:
    target = found.repository.targets / "stable/2026.11-2/release.json"
    target.write_bytes(target.read_bytes().replace(b'"sequence": 12', b'"sequence": 13'))
    with pytest.raises(VerificationError):
        planned(found)


def test_a_revoked_release_makes_no_plan(found: RolloutFleet) -> None:
    found.repository.revoke("stable", NEW, "drops negations")
    with pytest.raises(RefusedError, match="drops negations"):
        planned(found)


def test_a_plan_of_someone_whose_key_is_not_named(found: RolloutFleet, tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    planned(found, "-O", str(file))
    (found.fleet.path / "releases/plan_keys").write_text("ed25519:" + "A" * 43 + "= Bo\n")
    with pytest.raises(VerificationError, match="does not name"):
        run(found, "plan", "--show", str(file))


def test_holds_and_pins_leave_sites_out(found: RolloutFleet) -> None:
    run(found, "hold", "south", "--reason", "renovation", "--until", "7d")
    run(found, "pin", "west", "2026.10-1", "--reason", "study")
    shown = planned(found).stdout
    assert "Left out: 2 sites" in shown
    assert "south: held by Ada Berg until " in shown
    assert "west: pinned to 2026.10-1 by Ada Berg: study" in shown
    run(found, "unhold", "south")
    run(found, "unpin", "west")
    assert "Left out" not in planned(found).stdout


def test_a_hold_of_a_site_that_is_not_there(found: RolloutFleet) -> None:
    with pytest.raises(UsageError, match="there is no site norht"):
        run(found, "hold", "norht", "--reason", "x")
    with pytest.raises(UsageError, match="has no hold"):
        run(found, "unhold", "north")
