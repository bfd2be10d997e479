"""A visit from the console against a real gateway with stub engines: exit codes, messages, and what stays."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from appliance.ctl.clinical import app
from appliance.errors import ApplianceError
from tests.fakes.clinical import wav

pytestmark = pytest.mark.anyio
BOTH = ("--consent", "patient,clinician")


class Console:
    """`appliancectl encounter run` in this process, with a clinician's token."""

    def __init__(self, gateway: Any, folder: Path) -> None:
        self.gateway, self.folder = gateway, folder
        self.audio, self.config = folder / "visit.wav", folder / "gateway.json"
        self.audio.write_bytes(wav())
        self.config.write_text(gateway.core.settings.model_dump_json())
        self.token = folder / "token"
        self.token.write_text(f"{gateway.token('doc-1')}\n")

    async def run(self, *more: str, **options: str) -> tuple[int, str, str]:
        """(exit code, stdout, the error's words and hint)."""
        given = {"audio": str(self.audio), "state": "CA", "config": str(self.config), "token-file": str(self.token)}
        arguments = [part for name, value in (given | options).items() for part in (f"--{name}", value)]
        done = await asyncio.to_thread(CliRunner().invoke, app, [*arguments, *more])
        error = done.exception
        if isinstance(error, ApplianceError):
            return error.exit_code, done.stdout, f"{error} | {error.hint}"
        assert error is None or isinstance(error, SystemExit), error
        return done.exit_code, done.stdout, done.stderr


@pytest.fixture
def console(real: Any, tmp_path: Path) -> Console:
    return Console(real, tmp_path)


async def test_the_whole_path_with_json_alone_on_stdout(console: Console) -> None:
    proof = console.folder / "proof"
    code, out, told = await console.run(*BOTH, "--sign", "-o", "json", "--proof", str(proof))
    assert code == 0, told
    result = json.loads(out)
    assert result["signature"]["subject"].endswith("#doc-1")
    assert result["encounter"] in told  # the way, on stderr
    assert proof.read_text() == result["proof"]


async def test_what_makes_no_sense_is_told_before_anything_is_begun(console: Console) -> None:
    wrong: list[tuple[str, dict[str, str]]] = [
        ("--state: California", {"state": "California"}),
        ("--clinician-state: C", {"clinician-state": "C"}),
        ("--token-file: ", {"token-file": str(console.folder / "none")}),
        ("--token-file: ", {"token-file": str(console.audio)}),
        ("--proof: ", {"proof": str(console.folder / "none/proof")}),
        ("--config: ", {"config": str(console.folder / "none.json")}),
        ("--audio: ", {"audio": str(console.folder)}),
        ("--kind: notes", {"kind": "notes"}),
        ("--consent: doctor", {"consent": "doctor"}),
        ("invalid-request", {"patient-ref": "a\x01b"}),
    ]
    for words, options in wrong:
        code, out, told = await console.run(**options)
        assert (code, out) == (2, ""), (options, told)
        assert told.startswith(words), told
    assert console.gateway.rows("SELECT id FROM encounter") == []


async def test_a_refusal_says_what_to_do_and_names_the_encounter(console: Console) -> None:
    code, out, told = await console.run()
    assert (code, told) == (6, "consent-missing: no consent is recorded for this | record the patient's consent first")
    (encounter,) = console.gateway.row("SELECT id FROM encounter")
    assert encounter in out
    code, out, told = await console.run(*BOTH, template="none")
    assert (code, told) == (6, "not-found: Not found | the practice has no template of that name")
    assert console.gateway.row("SELECT count(*) FROM transcript WHERE state = 'done'") == (1,)


async def test_an_engine_that_is_away_or_dies_is_no_refusal(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    console.gateway.engine.fail_after = 3
    code, _, told = await console.run(*BOTH)
    assert code == 1
    assert told.startswith("the draft failed: ")
    drafts = console.gateway.core.drafts

    async def nobody() -> None:
        return None

    monkeypatch.setattr(drafts, "_ask", nobody)
    drafts._health = None
    code, _, told = await console.run(*BOTH)
    assert (code, told) == (5, "engine-unavailable: The drafting engine does not answer | try again")
    assert console.gateway.rows("SELECT state FROM document") == [("failed",), ("failed",)]


async def test_a_proof_that_cannot_be_written_takes_nothing_back(console: Console) -> None:
    code, out, told = await console.run(*BOTH, "--sign", "-o", "json", "--proof", str(console.folder))
    assert code == 1
    assert "all else is done" in told
    assert json.loads(out)["signature"]


async def test_a_reader_that_goes_away_ends_it_without_a_trace_of_our_code(console: Console) -> None:
    command = [
        sys.executable, "-m", "appliance.ctl", "encounter", "run", "--audio", str(console.audio), "--state", "CA",
        "--config", str(console.config), "--token-file", str(console.token), *BOTH,
    ]  # fmt: skip
    reader, writer = os.pipe()
    os.close(reader)
    done = await asyncio.to_thread(
        subprocess.run, command, stdout=writer, stderr=subprocess.PIPE, check=False, timeout=60
    )
    os.close(writer)
    assert done.returncode != 0
    assert b"Traceback" not in done.stderr
