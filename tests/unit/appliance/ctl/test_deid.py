"""`appliancectl deid` and `deid-policy` in the process, with a fake detector: streams, files, exit codes."""

from __future__ import annotations

import errno
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from appliance.ctl import deid
from appliance.ctl.__main__ import app
from appliance.ctl.__main__ import run as command
from appliance.deid import loading
from appliance.deid.identifier import IdentifierKind as Kind
from appliance.deid.mapping import loads
from appliance.deid.restored import WHY, Reason
from appliance.errors import ApplianceError, RefusedError, UsageError
from tests.fakes.deid import FakeDetector

TEXT = "Maria Lopez came on March 5, 2024.\r\nCall (512) 867-5309.\n"
LISTED = {"Maria Lopez": Kind.NAME, "March 5, 2024": Kind.DATE, "(512) 867-5309": Kind.PHONE, "Welby": Kind.NAME}

Run = Callable[..., Any]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Run the program in an empty folder; errors of ours are raised."""
    monkeypatch.setattr(loading, "load_detector", lambda: FakeDetector(LISTED))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "note.txt").write_bytes(TEXT.encode())

    def go(*arguments: str, given: bytes = b"") -> Any:
        result = CliRunner().invoke(app, list(arguments), input=given)
        if isinstance(result.exception, ApplianceError):
            raise result.exception
        return result

    return go


def test_a_text_goes_out_and_comes_back_byte_by_byte(run: Run) -> None:
    out = run("deid", "note.txt", "--mapping", "m.json")
    assert out.exit_code == 0
    assert "Lopez" not in out.stdout
    assert out.stdout_bytes.count(b"\r\n") == 1
    assert "replaced: 1 date, 1 name, 1 phone" in out.stderr
    assert "no determination" in out.stderr
    assert Path("m.json").stat().st_mode & 0o777 == 0o600
    back = run("deid", "-", "--restore", "m.json", given=out.stdout_bytes)
    assert (back.exit_code, back.stdout_bytes) == (0, TEXT.encode())


def test_json_has_text_places_and_risk(run: Run) -> None:
    out = json.loads(run("deid", "-", "-o", "json", given=TEXT.encode()).stdout)
    assert out["undoable"] is False
    assert [one["kind"] for one in out["replaced"]] == ["name", "date", "phone"]
    assert out["text"][: out["replaced"][0]["end"]] == out["text"].split(" came")[0]
    assert out["residual_risk"]["counts"] == {"name": 1, "date": 1, "phone": 1}
    assert len(out["detector_sha256"]) == 64


def test_a_rewritten_text_comes_back_in_part_and_says_where(run: Run) -> None:
    out = run("deid", "note.txt", "--mapping", "m.json").stdout
    family = out.split()[1]
    back = run("deid", "-", "--restore", "m.json", given=f"ok\n{family} saw Welby.".encode())
    assert (back.exit_code, back.stdout) == (7, "ok\nLopez saw Welby.")
    assert "line 2, column 11: 5 characters are not brought back (name, unknown)" in back.stderr
    assert "Welby" not in back.stderr
    given = f"{family} saw Welby.".encode()
    told = json.loads(run("deid", "-", "--restore", "m.json", "-o", "json", given=given).stdout)
    assert told["leftovers"] == [{"start": 10, "end": 15, "line": 1, "column": 11, "kind": "name", "reason": "unknown"}]
    Path("read.txt").write_text(out + "Welby")
    back = run("deid", "-", "--restore", "m.json", "--read", "read.txt", given=given)
    assert back.exit_code == 0


def test_a_mapping_is_never_overwritten_and_no_text_goes_out_without_it(run: Run) -> None:
    run("deid", "note.txt", "--mapping", "m.json")
    before = Path("m.json").read_bytes()
    with pytest.raises(RefusedError, match=r"m\.json is there already"):
        run("deid", "note.txt", "--mapping", "m.json")
    assert Path("m.json").read_bytes() == before
    Path("link").symlink_to("nowhere.json")
    with pytest.raises(RefusedError):
        run("deid", "note.txt", "--mapping", "link")
    assert not Path("nowhere.json").exists()
    with pytest.raises(UsageError, match="No such file"):
        run("deid", "note.txt", "--mapping", "no/m.json")


def test_the_same_key_gives_the_same_text_and_another_does_not(run: Run) -> None:
    for name, key in (("a", b"k" * 16), ("b", b"l" * 16)):
        Path(name).write_bytes(key)
        Path(name).chmod(0o600)
    one, again, other = (run("deid", "note.txt", "--key-file", name).stdout for name in ("a", "a", "b"))
    assert one == again
    assert one != other
    assert run("deid", "note.txt").stdout != run("deid", "note.txt").stdout


def test_dates_move_by_a_key_of_their_own_and_names_do_not(run: Run) -> None:
    for name in "abcd":
        Path(name).write_bytes(name.encode() * 16)
        Path(name).chmod(0o600)
    Path("note.txt").write_text("Maria Lopez came on March 5, 2024.")

    def made(*options: str) -> tuple[str, str]:
        name, day = run("deid", "note.txt", *options).stdout.split(" came on ")
        return name, day

    one = made("--key-file", "a", "--dates-key-file", "c")
    other = made("--key-file", "b", "--dates-key-file", "c")
    assert one[0] != other[0]
    assert one[1] == other[1]
    assert made("--key-file", "a")[0] == one[0]
    assert made("--key-file", "a", "--dates-key-file", "d")[1] != one[1]
    assert made("--key-file", "a", "--dates-key-file", "c", "--stream") == one


def test_known_names_are_found_in_any_case(run: Run) -> None:
    Path("names").write_text("Ada Okafor\n\n")
    for option in (("--known-name", "Ada Okafor"), ("--known-names", "names")):
        out = run("deid", "-", *option, given=b"okafor is here").stdout
        assert "okafor" not in out


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"a\nb\xff", "line 2, byte 3: not UTF-8"), (b"a\0", "byte 1 is 0"), (b"x" * (deid.MAX_CHARS + 1), "characters"),
     (b"x" * (deid.MAX_BYTES + 1), "more than")],
)  # fmt: skip
def test_what_is_no_text_or_too_much_is_refused_by_place(run: Run, content: bytes, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        run("deid", "-", given=content)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nowhere",), "nowhere: No such file"),
        (("note.txt", "-o", "yaml"), "--output: yaml"),
        (("note.txt", "--restore", "nowhere"), "nowhere: No such file"),
        (("note.txt", "--restore", "note.txt"), "note.txt: line 1, column 1: not JSON"),
        (("note.txt", "--restore", "m", "--mapping", "x"), "--mapping does not go"),
        (("note.txt", "--read", "note.txt"), "--read goes with"),
        (("-", "--restore", "-"), "both"),
        (("note.txt", "--key-file", "short"), "2 bytes, at least 16"),
        (("note.txt", "--key-file", "open"), "others may read it"),
        (("note.txt", "--dates-key-file", "short"), "2 bytes, at least 16"),
        (("note.txt", "--restore", "m", "--dates-key-file", "short"), "--dates-key-file does not go"),
    ],
)
def test_wrong_options_are_told_in_words(run: Run, arguments: tuple[str, ...], said: str) -> None:
    for name, key, mode in (("short", b"ab", 0o600), ("open", os.urandom(16), 0o644)):
        Path(name).write_bytes(key)
        Path(name).chmod(mode)
    with pytest.raises(UsageError, match=said):
        run("deid", *arguments)


def test_a_policy_is_shown_and_a_wrong_one_refused(run: Run) -> None:
    Path("p.json").write_text(
        '{"schema_version": "deid-policy/v1", "rules": [{"kind": "coding", "sealed": true, "text": "allowed"}]}'
    )
    out = run("deid-policy", "p.json").stdout
    assert "coding on *, sealed weights only: allowed\neverything else: required" in out
    assert json.loads(run("deid-policy", "p.json", "-o", "json").stdout)["on_unrestored"] == "mark"
    with pytest.raises(UsageError, match=r"standard input|line 1, column 2: not JSON"):
        run("deid-policy", "-", given=b"{")


def test_a_stream_is_the_same_text_and_has_its_way_back(run: Run) -> None:
    Path("key").write_bytes(b"k" * 16)
    Path("key").chmod(0o600)
    text = (TEXT + "and so on. \u00e9\n") * 40
    whole = run("deid", "-", "--key-file", "key", given=text.encode())
    out = run("deid", "-", "--stream", "--key-file", "key", "--mapping", "m.json", given=text.encode())
    assert out.stdout_bytes == whole.stdout_bytes
    assert "replaced: 40 date, 40 name, 40 phone" in out.stderr
    back = run("deid", "-", "--restore", "m.json", given=out.stdout_bytes)
    assert back.stdout_bytes == text.encode()


@pytest.mark.parametrize("end", [b"\xff", b"\0", b"\xc3"])
def test_a_stream_that_breaks_off_keeps_the_way_back_of_what_was_given_out(run: Run, end: bytes) -> None:
    Path("long.txt").write_bytes(TEXT.encode() + b"and so on " * 20_000 + end)
    with pytest.raises(UsageError, match=r"long\.txt: "):
        run("deid", "long.txt", "--stream", "--mapping", "m.json")
    assert loads(Path("m.json").read_bytes(), "m.json").texts[0].pieces[0].original == "Maria Lopez"


def test_a_mapping_that_was_not_filled_is_not_left_behind(run: Run) -> None:
    with pytest.raises(UsageError, match="--stream gives text"):
        run("deid", "note.txt", "--stream", "-o", "json", "--mapping", "m.json")
    with pytest.raises(UsageError, match="nowhere"):
        run("deid", "nowhere", "--stream", "--mapping", "m.json")
    assert not Path("m.json").exists()


@pytest.mark.parametrize("content", [b"\xff\xfea\0", b"a\xff", b"a\0"])
def test_a_stream_that_gave_nothing_out_leaves_no_mapping(run: Run, content: bytes) -> None:
    Path("wrong.txt").write_bytes(content)
    with pytest.raises(UsageError, match=r"wrong\.txt"):
        run("deid", "wrong.txt", "--stream", "--mapping", "m.json")
    assert not Path("m.json").exists()


def test_a_file_is_streamed_in_larger_steps_than_speech(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    detector = FakeDetector(LISTED)
    monkeypatch.setattr(loading, "load_detector", lambda: detector)
    text = TEXT * 1000
    Path("long.txt").write_bytes(text.encode())
    assert "Lopez" not in run("deid", "long.txt", "--stream").stdout
    assert sum(map(len, detector.asked)) < 1.3 * len(text)
    detector.asked.clear()
    assert "Lopez" not in run("deid", "-", "--stream", given=text.encode()).stdout
    assert max(map(len, detector.asked)) < 1_000


@pytest.mark.parametrize("given", [b"", b" \r\n\t\n"])
def test_an_empty_text_is_refused_as_by_the_other_commands(run: Run, given: bytes) -> None:
    with pytest.raises(UsageError, match="standard input: is empty"):
        run("deid", "-", "--mapping", "m.json", given=given)
    assert not Path("m.json").exists()


def test_an_empty_stream_has_its_way_back(run: Run) -> None:
    assert run("deid", "-", "--stream", "--mapping", "m.json").stdout == ""
    back = run("deid", "-", "--restore", "m.json")
    assert (back.exit_code, back.stderr) == (0, "exactly as it was\n")


def test_a_stream_longer_than_the_detector_takes_at_once_comes_back(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deid, "MAX_CHARS", 300)
    monkeypatch.setattr(deid, "MAX_BYTES", 400)
    text = (TEXT * 20).encode()
    out = run("deid", "-", "--stream", "--mapping", "m.json", given=text).stdout_bytes
    assert run("deid", "-", "--restore", "m.json", given=out).stdout_bytes == text
    with pytest.raises(UsageError, match="characters, at most 300"):
        run("deid", "-", "--restore", "m.json", given=out + b"!")


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (("--key-file", "long"), "makes a key"),
        (("--known-names", "long"), "one name on each line"),
        ((), "--stream"),
        (("--restore", "long"), "give the file that --mapping wrote"),
    ],
)
def test_what_is_too_long_gets_the_hint_of_its_option(
    run: Run, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], hint: str
) -> None:
    for most in ("_MAX_KEY_BYTES", "_MAX_NAMES_BYTES", "MAX_BYTES"):
        monkeypatch.setattr(deid, most, 99)
    monkeypatch.setattr("appliance.deid.mapping.MAX_MAPPING_BYTES", 99)
    Path("long").write_bytes(b"a" * 100)
    Path("long").chmod(0o600)
    with pytest.raises(UsageError, match="more than 99 bytes") as told:
        run("deid", "note.txt" if arguments else "long", *arguments)
    assert hint in told.value.hint


def test_utf_16_is_refused_with_the_way_to_convert_it(run: Run) -> None:
    for more in ((), ("--stream",)):
        with pytest.raises(UsageError, match="is 0: this is no text") as told:
            run("deid", "-", *more, given=TEXT.encode("utf-16"))
        assert "iconv -f UTF-16" in told.value.hint


def test_an_empty_object_is_no_mapping(run: Run) -> None:
    Path("e.json").write_text("{}")
    with pytest.raises(UsageError, match=r"e\.json: schema_version: missing"):
        run("deid", "note.txt", "--restore", "e.json")


def test_each_reason_is_told_in_words() -> None:
    assert set(WHY) == set(Reason)


@pytest.mark.parametrize(
    ("raised", "said"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "unexpected OSError: No space left on device"),
        (ValueError("Maria Lopez\nMaria Lopez"), "unexpected ValueError"),
    ],
)
def test_what_fails_unexpectedly_shows_no_text_and_no_traceback(
    run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], raised: Exception, said: str
) -> None:
    def fails(_text: str) -> None:
        raise raised

    monkeypatch.setattr(deid, "_print", fails)
    monkeypatch.setattr(sys, "argv", ["appliancectl", "deid", "note.txt"])
    assert command() == 1
    told = capsys.readouterr()
    assert told.out == ""
    lines = told.err.splitlines()
    assert lines[0] == f"error: {said}"
    assert lines[1].endswith("of test_deid.py, in fails; say so in a report")
    assert "Lopez" not in told.err
    assert len(lines) == 2
