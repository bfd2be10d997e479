"""The commands as typed: exit codes, data on stdout only, no prompt without a terminal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fleetctl.__main__ import run
from fleetctl.models.fleetdir import FleetDir
from tests.fakes import site as fake


@pytest.fixture
def fleet(fleet_dir: FleetDir, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FleetDir:
    monkeypatch.setenv("FLEETCTL_FLEET", str(fleet_dir.path))
    monkeypatch.setenv("FLEETCTL_STATE_DIR", str(tmp_path / "state"))
    fleet_dir.write_site(fake.SITE)
    return fleet_dir


@pytest.fixture
def passphrase_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "passphrase"
    path.touch(0o600)
    path.write_text("correct horse battery staple\n")
    monkeypatch.setenv("FLEETCTL_PASSPHRASE_FILE", str(path))


def test_list_and_show_give_data_on_stdout(fleet: FleetDir, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["site", "list", "-o", "json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)[0]["name"] == "lab-1"
    assert err == ""
    assert run(["site", "show", "lab-1", "-o", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["spec"]["profile"] == "lab-vm"
    assert run(["site", "list"]) == 0
    assert "127.0.0.1:2201" in capsys.readouterr().out


def test_list_and_show_say_why_rollouts_leave_a_site_alone(
    fleet: FleetDir, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "400")
    assert run(["site", "show", "lab-1", "-o", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["hold"], found["pin"]) == (None, None)
    assert run(["site", "hold", "lab-1", "--reason", "[bold]moves", "--by", "alex", "--until", "7d"]) == 0
    assert run(["site", "pin", "lab-1", "2026.11-1", "--reason", "a study", "--by", "kim"]) == 0
    capsys.readouterr()
    assert run(["site", "list"]) == 0
    words = " ".join(capsys.readouterr().out.split())
    assert "held by alex until " in words
    assert ": [bold]moves" in words
    assert "pinned to 2026.11-1 by kim: a study" in words
    assert run(["site", "list", "-o", "json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["hold"]["by"], row["hold"]["active"], row["pin"]["release"]) == ("alex", True, "2026.11-1")
    assert run(["site", "show", "lab-1", "-o", "json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["hold"], shown["pin"]) == (row["hold"], row["pin"])


def test_a_hold_that_has_ended_is_shown_as_one(fleet: FleetDir, capsys: pytest.CaptureFixture[str]) -> None:
    path = fleet.path / "policies" / "holds" / "lab-1.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(
        "apiVersion: fleetctl/v1\nkind: SiteHold\nmetadata: {name: lab-1}\nspec: {by: alex, reason: moved, "
        "since: '2020-01-01T00:00:00+00:00', until: '2020-01-02T00:00:00+00:00'}\n"
    )
    assert run(["site", "list", "-o", "json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["hold"]["active"] is False
    path.write_text("kind: nonsense\n")
    assert run(["site", "list"]) == 2


@pytest.mark.usefixtures("passphrase_file")
@pytest.mark.parametrize("command", [["preflight"], ["verify"], ["provision", "--dry-run"], ["provision"]])
def test_a_site_without_a_pinned_key_is_refused_with_9(
    fleet: FleetDir, command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["site", *command, "lab-1"]) == 9
    assert "no host key is pinned for lab-1" in capsys.readouterr().err


@pytest.mark.usefixtures("passphrase_file")
def test_status_of_a_fleet_that_is_off_is_5(fleet: FleetDir, capsys: pytest.CaptureFixture[str]) -> None:
    management = fake.SITE.spec.management.model_copy(update={"health_port": 1})
    off = fake.SITE.model_copy(update={"spec": fake.SITE.spec.model_copy(update={"management": management})})
    fleet.write_site(off, replace=True)
    assert run(["status", "-o", "json"]) == 5
    assert json.loads(capsys.readouterr().out)[0]["verdict"] == "unknown"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["site", "preflight"], "no site was named"),
        (["site", "provision", "lab-2"], "did you mean lab-1?"),
        (["site", "verify", "lab-1", "-l", "ring=pilot"], "both names and selectors"),
        (["site", "verify", "-l", "ring=pilot"], "no site has the labels"),
        (["status", "-l", "ring=pilot"], "no site to show"),
        (["site", "provision", "lab-1"], "no terminal to ask on"),
        (["site", "add", "north"], "missing: --profile"),
        (["site", "add", "north", "--lab"], "there is no virtual site north"),
    ],
)
def test_a_wrong_call_is_2_and_says_what_to_do(
    fleet: FleetDir, arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments) == 2
    out, err = capsys.readouterr()
    assert words in err
    assert "hint:" in err
    assert out == ""


def test_destroying_content_is_asked_about_and_without_a_terminal_refused(
    fleet: FleetDir, capsys: pytest.CaptureFixture[str]
) -> None:
    storage = fake.SITE.spec.storage.model_copy(update={"erase_disks": ["LAB-1-DATA1"]})
    site = fake.SITE.model_copy(update={"spec": fake.SITE.spec.model_copy(update={"storage": storage})})
    fleet.write_site(site, replace=True)
    assert run(["site", "provision", "lab-1"]) == 6
    assert "LAB-1-DATA1" in capsys.readouterr().err
