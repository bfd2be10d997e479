"""`fleetctl profile size` and `fleetctl profile roi`: exit codes, output, pictures, wrong input."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import yaml

from fleetctl.__main__ import run
from fleetctl.models.load import parse
from fleetctl.models.profile import builtin_profile_paths
from fleetctl.planning.scenario import CostScenario

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def outside_a_fleet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.splitlines()]


def test_a_clinic_fits(capsys: Capture) -> None:
    assert run(["profile", "size", "--providers", "50"]) == 0
    out = lines(capsys.readouterr().out)
    assert out[0] == "1 host of clinic-sys-221h-tnr carries this load with a GPU to spare."
    assert out[1] == "Bottleneck: transcription, 77% of the GPU time."
    assert max(map(len, out)) <= 80


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--providers", "140", "--profile", "clinic-t360"], 4),
        (["--providers", "140", "--profile", "clinic-sys-221h-tnr", "--hosts", "3"], 0),
        (["--providers", "50", "--profile", "clinic-t360"], 3),  # unconfirmed
        (["--providers", "110", "--profile", "clinic-t360"], 3),
        (["--providers", "50", "--profile", "lab-vm"], 5),
        (["--providers", "50", "--profile", "clinic-t360", "--drafting-model", "70b"], 5),
    ],
)
def test_the_code_says_how_it_fits_whatever_the_form(capsys: Capture, arguments: list[str], code: int) -> None:
    for form in ("table", "json", "yaml"):
        assert run(["profile", "size", *arguments, "-o", form]) == code
        assert capsys.readouterr().out


def test_several_hosts_are_said_plainly(capsys: Capture) -> None:
    assert run(["profile", "size", "--providers", "5000", "--encounters-per-provider", "20"]) == 4
    out = " ".join(capsys.readouterr().out.split())
    assert "no profile carries this load on 1 host: 20 hosts of hospital-r760xa do with N+1" in out
    assert "of 100,000 encounters" in out
    assert "one of 20 hosts" in out


def test_json_has_every_figure_with_its_source(capsys: Capture) -> None:
    assert run(["profile", "size", "--providers", "50", "--visit-minutes", "12", "-o", "json"]) == 0
    data = json.loads(capsys.readouterr().out)
    given = next(row for row in data["inputs"] if row["name"] == "visit_minutes")
    assert (given["value"], given["basis"], given["source"]) == (12, "given", "--visit-minutes")
    assert all(row["source"] for row in data["inputs"])
    assert data["profiles"][0]["plan"]["memory"]["drafts_room"] == 17


def test_options_beat_the_measured_file(tmp_path: Path, capsys: Capture) -> None:
    file = tmp_path / "north.yaml"
    hours = ", ".join("5" if 6 <= hour < 20 else "0" for hour in range(24))
    file.write_text(
        "apiVersion: fleetctl/v1\nkind: SiteMeasurements\nmetadata: {name: north}\n"
        f"spec:\n  source: north, week 45\n  demand: {{visit_minutes: 11}}\n  hourly_encounters: [{hours}]\n"
    )
    arguments = ["profile", "size", "--providers", "50", "--measured", str(file), "-o", "json"]
    assert run(arguments) == 0
    measured = json.loads(capsys.readouterr().out)
    assert measured["peak_share"] == pytest.approx(1 / 14)
    assert run([*arguments, "--hours", "8-17", "--visit-minutes", "8"]) == 0
    given = json.loads(capsys.readouterr().out)
    assert given["peak_share"] == pytest.approx(1.5 / 9)
    assert given["audio_hours_per_day"] == pytest.approx(1000 * 8 / 60)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "--providers"),
        (["--providers", "0"], "--providers"),
        (["--providers", "50", "--hours", "17-8"], "no span of whole hours"),
        (["--providers", "50", "--peak-factor", "6"], "below zero"),
        (["--providers", "50", "--drafting-model", "gpt"], "names no models"),
        (["--providers", "50", "--drafting-model", "llama"], "names 2 models"),
        (["--providers", "50", "--profile", "clinic-t36"], "did you mean clinic-t360?"),
        (["--providers", "50", "--plot", "load.pdf"], "not .png or .svg"),
        (["--providers", "50", "--measured", "absent.yaml"], "absent.yaml: cannot be read"),
    ],
)
def test_wrong_use_is_refused(capsys: Capture, arguments: list[str], words: str) -> None:
    assert run(["profile", "size", *arguments]) == 2
    assert words in capsys.readouterr().err


def test_a_profile_with_an_unknown_gpu_is_listed_and_not_guessed(tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "fleet.yaml").write_text("")
    own = tmp_path / "profiles"
    own.mkdir()
    text = builtin_profile_paths()["clinic-sys-221h-tnr"].read_text()
    text = text.replace("name: clinic-sys-221h-tnr", "name: other").replace("NVIDIA RTX 6000 Ada Gen", "NVIDIA T4 Gen")
    (own / "other.yaml").write_text(text)
    assert run(["profile", "size", "--providers", "50", "-o", "yaml"]) == 0
    rows = {row["profile"]: row for row in yaml.safe_load(capsys.readouterr().out)["profiles"]}
    assert rows["other"]["verdict"] == "cannot be sized"
    assert rows["other"]["why"] == "no figures for NVIDIA T4 Generation"


def test_roi_shows_the_documents_and_what_is_wrong_with_them(capsys: Capture) -> None:
    assert run(["profile", "roi"]) == 0
    text = capsys.readouterr().out
    out = " ".join(text.split())
    for words in ("$6,750", "$81,000", "$540,000", "$2,790,000", "$940,000", "$493,333", "3.2 months"):
        assert words in out
    assert "The three that matter: usd_per_encounter, hosts, admin_hours_per_month." in out
    assert max(len(line.rstrip()) for line in text.splitlines()) <= 80


def test_the_printed_scenario_is_a_scenario(tmp_path: Path, capsys: Capture) -> None:
    assert run(["profile", "roi", "--print-scenario"]) == 0
    text = capsys.readouterr().out
    assert parse(text, CostScenario, "printed").name == "specification"
    file = tmp_path / "mine.yaml"
    file.write_text(text.replace("value: 55000, low: 45000", "value: 9000, low: 8000"))
    assert run(["profile", "roi", "--scenario", str(file), "-o", "json"]) == 0
    cases = {row["name"]: row for row in json.loads(capsys.readouterr().out)["cases"]}
    assert cases["clinic-50"]["payback_months"] < 24


def test_a_broken_scenario_is_refused_with_its_line(tmp_path: Path, capsys: Capture) -> None:
    file = tmp_path / "mine.yaml"
    assert run(["profile", "roi", "--print-scenario"]) == 0
    text = capsys.readouterr().out.replace("discount_percent:", "discount_percnt:")
    file.write_text(text)
    line = next(number for number, row in enumerate(text.splitlines(), 1) if "discount_percnt" in row)
    assert run(["profile", "roi", "--scenario", str(file)]) == 2
    assert f"mine.yaml:{line}: spec.discount_percnt: unknown key; did you mean discount_percent?" in (
        capsys.readouterr().err
    )


def test_pictures_are_written(tmp_path: Path, capsys: Capture) -> None:
    pytest.importorskip("matplotlib")
    assert run(["profile", "size", "--providers", "50", "--plot", "load.svg", "-o", "json"]) == 0
    svg = (tmp_path / "load.svg").read_text()
    for words in ("Load over the day against capacity", "Waiting until transcription starts", "Cost a year against"):
        assert words in svg
    assert "this site" in svg
    assert run(["profile", "roi", "--plot", "roi.png"]) == 0
    assert (tmp_path / "roi.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("arguments", [["size", "--providers", "50"], ["roi"]])
def test_a_picture_that_cannot_be_written_takes_no_answer_away(capsys: Capture, arguments: list[str]) -> None:
    pytest.importorskip("matplotlib")
    assert run(["profile", *arguments, "-o", "json", "--plot", "no/such/folder.png"]) == 1
    said = capsys.readouterr()
    assert json.loads(said.out)
    assert "cannot be written" in said.err


def test_nothing_to_draw_is_said_beside_the_answer(tmp_path: Path, capsys: Capture) -> None:
    pytest.importorskip("matplotlib")
    assert run(["profile", "size", "--providers", "50", "--profile", "lab-vm", "--plot", "load.png"]) == 5
    said = capsys.readouterr()
    assert said.out.startswith("no profile can be sized: lab-vm: it has no GPU.")
    assert "nothing to draw" in said.err
    assert not (tmp_path / "load.png").exists()


def test_the_answer_names_the_hosts_needed_not_those_allowed(capsys: Capture) -> None:
    assert run(["profile", "size", "--providers", "50", "--hosts", "100"]) == 0
    out = lines(capsys.readouterr().out)
    assert " ".join(out[:2]).startswith(
        "1 host of clinic-sys-221h-tnr carries this load with a GPU to spare, of up to 100 allowed."
    )


def test_an_unconfirmed_profile_is_marked_in_every_form(capsys: Capture) -> None:
    arguments = ["profile", "size", "--providers", "50", "--profile", "clinic-t360"]
    assert run(arguments) == 3
    out = " ".join(capsys.readouterr().out.split())
    assert "carries this load with a GPU to spare; but the profile is unconfirmed: " in out
    assert out.count("unconfirmed: ") == 2
    assert run([*arguments, "-o", "json"]) == 3
    assert json.loads(capsys.readouterr().out)["profiles"][0]["unconfirmed"]


@pytest.mark.parametrize(
    "others", [["--scenario", "absent.yaml"], ["--case", "clinic-50"], ["-o", "json"], ["--plot", "roi.png"]]
)
def test_print_scenario_goes_with_nothing_else(capsys: Capture, others: list[str]) -> None:
    assert run(["profile", "roi", "--print-scenario", *others]) == 2
    said = capsys.readouterr()
    assert not said.out
    assert f"it does not go with {others[0]}" in said.err


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--providers", "1000000000000"),
        ("--encounters-per-provider", "inf"),
        ("--encounters-per-provider", "1e400"),
        ("--encounters-per-provider", "nan"),
        ("--visit-minutes", "inf"),
        ("--visit-minutes", "nan"),
        ("--visit-variation", "nan"),
        ("--input-tokens", "100000000"),
        ("--output-tokens", "100000000"),
        ("--coding-records", "10000000000"),
        ("--peak-factor", "inf"),
        ("--growth", "nan"),
        ("--years", "21"),
    ],
)
def test_a_figure_outside_its_bounds_names_its_option(capsys: Capture, option: str, value: str) -> None:
    providers = [] if option == "--providers" else ["--providers", "50"]
    assert run(["profile", "size", *providers, option, value]) == 2
    assert option in capsys.readouterr().err


def test_a_load_beyond_any_site_is_refused(capsys: Capture) -> None:
    arguments = ["--providers", "1000000", "--encounters-per-provider", "1000", "--growth", "1"]
    assert run(["profile", "size", *arguments]) == 2
    assert "are more than 1,000,000,000" in capsys.readouterr().err


def test_the_largest_site_gets_an_answer_of_finite_numbers(capsys: Capture) -> None:
    arguments = ["--providers", "1000000", "--encounters-per-provider", "1000", "-o", "json"]
    assert run(["profile", "size", *arguments]) == 4
    assert json.loads(capsys.readouterr().out)["profiles"][0]["hosts_n_plus_1"] > 100_000


def test_a_measured_gpu_of_a_profile_needs_no_built_in_figure(tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "fleet.yaml").write_text("")
    own = tmp_path / "profiles"
    own.mkdir()
    text = builtin_profile_paths()["clinic-sys-221h-tnr"].read_text()
    text = text.replace("name: clinic-sys-221h-tnr", "name: other").replace("NVIDIA RTX 6000 Ada Gen", "NVIDIA T4 Gen")
    (own / "other.yaml").write_text(text)
    file = tmp_path / "north.yaml"
    file.write_text(
        "apiVersion: fleetctl/v1\nkind: SiteMeasurements\nmetadata: {name: north}\n"
        "spec:\n  source: north\n  gpus:\n    - {name: NVIDIA T4 Generation, transcription_speed: 20}\n"
    )
    assert run(["profile", "size", "--providers", "50", "--profile", "clinic-t360", "--measured", str(file)]) == 3
    capsys.readouterr()
    file.write_text(file.read_text().replace("NVIDIA T4 Generation", "L40S"))
    assert run(["profile", "size", "--providers", "50", "--measured", str(file)]) == 2
    assert "north.yaml:7: spec.gpus[0].name: L40S is no GPU of a profile or the planner; did you mean NVIDIA L40S?" in (
        capsys.readouterr().err
    )


def test_without_matplotlib_a_picture_is_refused_with_the_way_to_get_it(
    monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    for arguments in (["size", "--providers", "50"], ["roi"]):
        assert run(["profile", *arguments, "--plot", "load.png"]) == 2
        assert "fleetctl[plot]" in capsys.readouterr().err
