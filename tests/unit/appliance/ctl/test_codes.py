"""`appliancectl codes` as its user calls it: documents, sentences and exit codes."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from appliance.audit.log import AuditLog
from appliance.ctl.__main__ import app
from appliance.errors import ApplianceError
from appliance.release.places import ROOT_VARIABLE
from tests.unit.appliance.coding.tables import files


@pytest.fixture
def run(tmp_path: Path) -> Any:
    def _run(*arguments: str) -> Result:
        return CliRunner().invoke(app, ["codes", *arguments, "--directory", str(tmp_path / "codes")])

    return _run


def written(folder: Path, content: bytes, name: str = "file.txt") -> str:
    path = folder / name
    path.write_bytes(content)
    return str(path)


def document(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_import_then_list_then_look_up(run: Any, tmp_path: Path) -> None:
    cpt = written(tmp_path, files.CPT_LONG)
    made = document(run("import", "cpt", cpt, "--effective", "2026-01-01", "--version", "2026", "-o", "json"))
    assert (made["system"], made["version"], made["counts"]["codes"]) == ("cpt", "2026", 2)
    listed = document(run("list", "-o", "json"))["packs"]
    assert {(each["system"], each["origin"]) for each in listed} == {
        ("cpt", "imported"), ("hcpcs", "built-in"), ("icd-10-cm", "built-in"),
    }  # fmt: skip
    found = document(run("lookup", "00001", "--system", "cpt", "--on", "2026-05-01", "-o", "json"))
    assert (found["title"][:13], found["billable"], found["table_digest"]) == ("Made-up visit", True, made["digest"])
    text = run("list").stdout
    assert made["digest"][:16] in text
    assert "SYSTEM" in text


def test_what_holds_a_pack_is_listed_and_what_nothing_holds_goes(
    run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ROOT_VARIABLE, str(tmp_path))
    path = written(tmp_path, files.CPT_LONG)
    first = document(run("import", "cpt", path, "--effective", "2026-01-01", "--version", "old", "-o", "json"))
    second = document(run("import", "cpt", path, "--effective", "2026-01-01", "--version", "new", "-o", "json"))
    assert second["replaced"] == [first["digest"]]

    def held() -> dict[str, Any]:
        return {each["digest"]: each for each in document(run("list", "-o", "json"))["packs"]}

    assert held()[second["digest"]]["held_by"] == ["import"]
    assert held()[first["digest"]]["held_by"][0].startswith("the tables were changed at ")
    size = (tmp_path / "codes" / f"{first['digest']}.pack").stat().st_size
    assert held()[first["digest"]]["size_bytes"] == size
    assert {tuple(each["held_by"]) for each in held().values() if each["origin"] == "built-in"} == {("OS image",)}
    days_ago = time.time() - 3 * 86400
    os.utime(tmp_path / "codes", (days_ago, days_ago))
    # Nobody can say which decisions rest on it while there is no log to read.
    assert held()[first["digest"]]["held_by"][0].startswith("the audit log cannot be read: ")
    refused = run("prune", "--yes")
    assert isinstance(refused.exception, ApplianceError)
    assert "every pack is held" in run("prune").stdout
    with AuditLog.open(tmp_path / "var/lib/appliance/audit", tmp_path / "audit.key", "example.org/audit"):
        # Its checkpoint is the first thing in a new log: nothing was decided yet.
        os.utime(tmp_path / "codes", (days_ago, days_ago))
        assert held()[first["digest"]]["held_by"] == []
        assert "HELD BY" in run("list").stdout
        assert f"cpt old: {size} bytes would be removed, with --yes" in run("prune").stdout
        assert first["digest"] in held()
        assert document(run("prune", "--yes", "-o", "json")) == {
            "removed": True, "packs": [{"digest": first["digest"], "size_bytes": size}],
        }  # fmt: skip
    assert first["digest"] not in held()
    assert second["digest"] in held()


def test_a_wrong_file_leaves_everything_as_it_was(run: Any, tmp_path: Path) -> None:
    wrong = written(tmp_path, files.CPT_TAB.replace(b"0001T\t", b"visit\t"))
    result = run("import", "cpt", wrong, "--effective", "2026-01-01")
    assert isinstance(result.exception, ApplianceError)
    assert result.exception.exit_code == 9
    assert "file.txt: line 5, column 1" in str(result.exception)
    assert not (tmp_path / "codes").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--effective", "soon"), "--effective: 'soon' is no day"),
        (("--effective", "2026-02-30"), "is no day"),
        (("--effective", "2026-02-01", "--until", "2026-01-01"), "--until: is before"),
        (("--effective", "2026-02-01", "--version", "a\nb"), "--version"),
    ],
)
def test_wrong_usage(run: Any, tmp_path: Path, arguments: tuple[str, ...], message: str) -> None:
    result = run("import", "cpt", written(tmp_path, files.CPT_TAB), *arguments)
    assert isinstance(result.exception, ApplianceError)
    assert result.exception.exit_code == 2
    assert message in str(result.exception)


def test_look_up_in_the_built_in_table(run: Any) -> None:
    text = run("lookup", "m545", "--on", "2026-05-01").stdout
    assert "may NOT be on a claim of 2026-05-01" in text
    assert "valid 2015-10-01 to 2021-09-30" in text
    assert "below: M54.50  Low back pain, unspecified" in text
    found = document(run("lookup", "low", "back", "pain", "--limit", "2", "--on", "2026-05-01", "-o", "json"))
    assert [each["code"] for each in found["found"]] == ["M54.59", "M54.50"]
    none = run("lookup", "xyzzy")
    assert none.exit_code == 1
    assert "no such code" in none.stdout
    missing = run("lookup", "1A00", "--system", "icd-11-mms")
    assert isinstance(missing.exception, ApplianceError)
    assert "appliancectl codes import icd-11-mms" in missing.exception.hint


def test_diff_with_favourites(run: Any, tmp_path: Path) -> None:
    for name, content, day in (("1", files.CPT_TAB, "2026-01-01"), ("2", files.CPT_LINK, "2027-01-01")):
        document(run("import", "cpt", written(tmp_path, content, name), "--effective", day, "-o", "json"))
    favourites = written(tmp_path, b"code,system,label\n0001T,cpt,our trial\n00001,cpt,\n", "f.csv")
    found = document(run("diff", "cpt@2026-01-01", "cpt@2027-01-01", "--favourites", favourites, "-o", "json"))
    assert [each["code"] for each in found["added"]] == ["00002"]
    assert [each["code"] for each in found["deleted"]] == ["0001T"]
    assert [(each["code"], each["why"]) for each in found["dead_favourites"]] == [("0001T", "deleted")]
    text = run("diff", "cpt@2026-01-01", "cpt@2027-01-01", "--favourites", favourites).stdout
    assert "favourites that died: 1" in text
    assert "favourites that died" not in run("diff", "cpt@2026-01-01", "cpt@2027-01-01").stdout
    document(run("import", "favourites", favourites, "--effective", "2026-01-01", "-o", "json"))
    assert "0001T" in run("diff", "cpt@2026-01-01", "cpt@2027-01-01").stdout.partition("favourites that died: 1")[2]
    other = run("diff", "cpt@2026-01-01", "hcpcs@2020-04-01")
    assert isinstance(other.exception, ApplianceError)
    assert "cannot be compared" in str(other.exception)


def test_check(run: Any) -> None:
    clean = run("check", "E11.9", "--on", "2026-05-01")
    assert (clean.exit_code, clean.stdout.strip()) == (0, "nothing was found")
    warned = run("check", "E11.9", "E10.9", "--on", "2026-05-01", "-o", "json")
    assert [each["rule"] for each in document(warned)["findings"]] == ["excludes-1"]
    wrong = run("check", "M54.5", "--on", "2026-05-01")
    assert wrong.exit_code == 3
    assert "divided into M54.50" in wrong.stdout


def test_a_damaged_pack_is_listed_and_said_by_the_exit_code(run: Any, tmp_path: Path) -> None:
    cpt = written(tmp_path, files.CPT_TAB)
    digest = document(run("import", "cpt", cpt, "--effective", "2026-01-01", "-o", "json"))["digest"]
    path = tmp_path / "codes" / f"{digest}.pack"
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    listed = run("list", "-o", "json")
    assert listed.exit_code == 9
    assert "damaged" in [each["origin"] for each in json.loads(listed.stdout)["packs"]]
    assert isinstance(run("lookup", "I10").exception, ApplianceError)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("lookup", " "), "nothing to look up"),
        (("check", "E11.9,I10", "--on", "2026-05-04"), "code 1 ('E11.9,I10') has not the form of a code"),
        (("check", "I10", "", "--on", "2026-05-04"), "code 2 ('')"),
        (("check", "\x1b[31mE11", "--on", "2026-05-04"), r"code 1 ('\x1b[31mE11')"),
        (("check", *["I10"] * 201, "--on", "2026-05-04"), "201 codes"),
    ],
)
def test_what_cannot_be_looked_up_or_checked_is_said_with_the_next_action(
    run: Any, arguments: tuple[str, ...], message: str
) -> None:
    result = run(*arguments)
    assert isinstance(result.exception, ApplianceError)
    assert (result.exception.exit_code, message in str(result.exception)) == (2, True)
    assert result.exception.hint


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("E11.9.9", "the nearest above it is E11.9 "), ("Q99.77", "the nearest above it is Q99 "),
        ("99213", "was another --system meant?"), ("diabetse", "try fewer or other words"),
    ],
)  # fmt: skip
def test_nothing_found_says_what_to_try(run: Any, words: str, said: str) -> None:
    result = run("lookup", words, "--on", "2026-05-04")
    assert (result.exit_code, said in result.stdout) == (1, True)
    assert json.loads(run("lookup", words, "--on", "2026-05-04", "-o", "json").stdout)["found"] == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("E11.9", "--on", "2026-09-30"), None),
        (("E11.9", "--on", "2026-10-01"), "The newest table is of 2026-04-01; codes changed on 2026-10-01"),
        (("nephropathy", "--on", "2027-01-05"), "The newest table is of 2026-04-01; codes changed on 2026-10-01"),
        (("J1100", "--system", "hcpcs", "--on", "2021-04-02"), None),
        (("J1100", "--system", "hcpcs", "--on", "2021-04-03"), "The table of hcpcs is of 2020-04-01"),
        (("J1100", "--system", "hcpcs", "--on", "2020-03-31"), "The table of hcpcs is of 2020-04-01"),
    ],
)
def test_look_up_says_when_the_table_is_of_another_time(run: Any, arguments: tuple[str, ...], said: str | None) -> None:
    told = document(run("lookup", *arguments, "-o", "json"))["outdated"]
    shown = run("lookup", *arguments).stdout
    if said is None:
        assert told is None
        assert "look again" not in shown
    else:
        assert told.startswith(said)
        assert f"look again: {said}" in shown


def test_edits_of_a_code_are_told_in_words(run: Any) -> None:
    assert ": questionable admission\n" in run("lookup", "E11.9", "--on", "2026-05-01").stdout


def test_an_import_of_favourites_says_which_codes_no_table_has(run: Any, tmp_path: Path) -> None:
    listed = written(tmp_path, b"code,system\nE11.9,icd-10-cm\nZZZ,icd-10-cm\n99213,cpt\nJ1100,hcpcs\nZ9999,hcpcs\n")
    shown = run("import", "favourites", listed, "--effective", "2026-05-01")
    assert shown.exit_code == 0
    assert "look again: ZZZ is in no table that is here" in shown.stdout
    assert " 0 " not in shown.stdout
    again = document(run("import", "favourites", listed, "--effective", "2026-05-01", "-o", "json"))
    assert sorted(again["unknown"]) == ["Z9999", "ZZZ"]
