"""HsmFacts against a real SoftHSM: a token made in a folder of the test, read by the very script that goes to a box."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from fleetctl.facts.base import Unreadable
from fleetctl.facts.hsm import HSM, HsmFacts
from fleetctl.facts.script import build_script, read_facts

LABEL = "fleetctl test"
NONCE = "0123456789abcdef0123456789abcdef"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (shutil.which("softhsm2-util") and shutil.which("p11-kit")), reason="needs softhsm2 and p11-kit"
    ),
]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    tokens = tmp_path / "tokens"
    tokens.mkdir()
    configuration = tmp_path / "softhsm2.conf"
    configuration.write_text(f"directories.tokendir = {tokens}\nobjectstore.backend = file\n")
    return {**os.environ, "SOFTHSM2_CONF": str(configuration)}


def read(environment: dict[str, str]) -> HsmFacts | Unreadable:
    script = build_script([HSM], NONCE)
    done = subprocess.run(["sh", "-c", script], env=environment, capture_output=True, text=True, check=True)
    answer: HsmFacts | Unreadable = read_facts([HSM], NONCE, done.stdout, done.stderr)["hsm"]
    return answer


def test_a_token_is_seen_once_it_is_set_up(environment: dict[str, str]) -> None:
    before = read(environment)
    # This machine may have other modules: one that does not load leaves the question open.
    if not isinstance(before, Unreadable):
        assert LABEL not in {token.label for token in before.key_tokens}

    command = ["softhsm2-util", "--init-token", "--free", "--label", LABEL, "--so-pin", "12345678", "--pin", "1234"]
    subprocess.run(command, env=environment, capture_output=True, check=True)
    after = read(environment)
    assert isinstance(after, HsmFacts), after
    (token,) = (token for token in after.key_tokens if token.label == LABEL)
    assert (token.manufacturer, token.model) == ("SoftHSM project", "SoftHSM v2")
    assert len(token.serial) == 16
    assert token.software
