"""What checks ask of the hardware facts: the properties of the models, and the bounds on what is taken in."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from fleetctl.facts.base import Completed, Fact, Output, Unreadable, UnreadableError
from fleetctl.facts.bounds import at_most, number, text
from fleetctl.facts.dmi import DmiFacts
from fleetctl.facts.host import ALL_FACTS, HARDWARE_FACTS, HostFacts, gather_host_facts
from fleetctl.facts.hsm import HsmFacts, Pkcs11Module, Token
from fleetctl.facts.links import LINKS, Link, LinkFacts
from fleetctl.facts.memory_modules import MemoryModule, MemoryModuleFacts
from fleetctl.facts.nvme import LockingState, NvmeDrive, NvmeFacts, NvmeNamespace, NvmeSmart

MODULE = MemoryModule("A1", 32768, "DDR5", "", 80, 64, 4800, 4800, "", "", "", "Multi-bit ECC")
SMART = NvmeSmart(0, 38, 100, 10, 3, 0, 8123, 12)
DRIVE = NvmeDrive(
    controller="nvme0",
    address="0000:01:00.0",
    model="model",
    serial="S1",
    firmware="F1",
    namespaces=(NvmeNamespace(1, "/dev/nvme0n1", 4096, 512),),
    smart=SMART,
    security_commands=True,
    locking=None,
)
TOKEN = Token(
    "keys",
    "maker",
    "model",
    "1",
    "1.0",
    "1.0",
    frozenset({"token-initialized", "login-required", "user-pin-initialized"}),
)
PORT = Link("eno1", "", "02:00:00:00:00:01", "52:54:00:00:00:01", True, 1500, 1000, "full", None, "", "igb", "", "pci")
VLAN = replace(PORT, name="eno1.2", kind="vlan", permanent_mac="", vlan_id=2, parent="eno1", driver="", address="")


def test_a_fact_is_read_either_always_or_for_the_hardware() -> None:
    names = [fact.name for fact in (*ALL_FACTS, *HARDWARE_FACTS)]
    assert len(names) == len(set(names))
    assert set(names) <= set(HostFacts.__dataclass_fields__)


@pytest.mark.parametrize("hardware", [True, False])
def test_hardware_is_read_only_when_asked_for(hardware: bool) -> None:
    asked: list[str] = []

    class Recorder:
        def gather(self, facts: Sequence[Fact[Any]]) -> dict[str, Any]:
            asked.extend(fact.name for fact in facts)
            return {fact.name: Unreadable(fact.name, "a test") for fact in facts}

    facts = gather_host_facts(Recorder(), gpus=False, hardware=hardware, clock=lambda: 0.0)
    wanted = (*ALL_FACTS, *HARDWARE_FACTS) if hardware else ALL_FACTS
    assert asked == [fact.name for fact in wanted]
    assert {getattr(facts, fact.name) is None for fact in HARDWARE_FACTS} == {not hardware}


def test_modules_are_summed_and_one_without_ecc_is_enough() -> None:
    facts = MemoryModuleFacts(4, (MODULE, MODULE))
    assert (facts.populated, facts.installed_mib, facts.kinds) == (2, 65536, ("DDR5",))
    assert facts.error_correcting
    mixed = MemoryModuleFacts(4, (MODULE, replace(MODULE, ecc="None")))
    assert mixed.ecc == ("Multi-bit ECC", "None")
    assert not mixed.error_correcting
    assert not MemoryModuleFacts(4, ()).error_correcting


@pytest.mark.parametrize(
    ("security_commands", "locking", "answer"),
    [
        (True, LockingState(supported=True, enabled=True, locked=False, media_encryption=True), True),
        (True, LockingState(supported=True, enabled=True, locked=False, media_encryption=False), False),
        (True, None, None),
        (False, None, False),
    ],
)
def test_a_drive_that_could_not_be_asked_leaves_it_open(
    security_commands: bool, locking: LockingState | None, answer: bool | None
) -> None:
    drive = replace(DRIVE, security_commands=security_commands, locking=locking)
    assert drive.self_encrypting is answer
    facts = NvmeFacts((drive,))
    assert facts.with_serial("S1") is drive
    assert facts.with_serial("S2") is None


@pytest.mark.parametrize("missing", ["token-initialized", "login-required", "user-pin-initialized"])
def test_a_token_holds_keys_only_when_it_is_set_up(missing: str) -> None:
    half = replace(TOKEN, flags=TOKEN.flags - {missing})
    facts = HsmFacts((Pkcs11Module("m", "lib", "", "", "", (TOKEN, half)),), ())
    assert facts.key_tokens == (TOKEN,)


def test_a_software_token_is_known_by_its_model() -> None:
    assert replace(TOKEN, model="SoftHSM v2").software
    assert not TOKEN.software


def test_a_port_is_found_by_its_own_address_and_a_vlan_is_no_port() -> None:
    facts = LinkFacts((VLAN, PORT))
    assert facts.ports == (PORT,)
    assert facts.with_mac("52:54:00:00:00:01") is PORT
    assert facts.with_mac("02:00:00:00:00:01") is None


def test_too_many_links_are_unreadable() -> None:
    rows = json.dumps([{"ifname": f"veth{index}", "link_type": "ether"} for index in range(600)])
    output = Output(Completed(0, rows), {})
    answer = LINKS.read([output] * 4)
    assert isinstance(answer, Unreadable)
    assert answer.reason == "600 links, more than the 512 that are read"


@pytest.mark.parametrize(("number_given", "words"), [(23, "rack mount chassis"), (200, "SMBIOS chassis type 200")])
def test_a_chassis_has_words(number_given: int, words: str) -> None:
    facts = DmiFacts(None, None, None, None, number_given, None, None, None)
    assert facts.chassis == words
    assert replace(facts, chassis_type=None).chassis == "not named"


def test_text_loses_what_no_terminal_should_print() -> None:
    assert text(" Dell\x1b[31m\0 Inc. \n", "vendor") == "Dell?[31m? Inc."
    with pytest.raises(UnreadableError, match="vendor is longer than 256"):
        text("x" * 257, "vendor")
    with pytest.raises(UnreadableError, match="vendor is no text"):
        text(7, "vendor")


@pytest.mark.parametrize("value", [-1, 256, "256", "", "0x10", "-1", "1.5", True, None, 2.0, "9" * 5000])
def test_a_number_stays_in_its_range(value: object) -> None:
    with pytest.raises(UnreadableError, match="level"):
        number(value, "level", most=255)


def test_a_number_may_be_written_in_digits() -> None:
    assert number(" 25\n", "level", most=255) == 25
    assert number(255, "level", most=255) == 255


def test_a_list_stays_below_its_limit() -> None:
    assert at_most([1, 2], 2, "things") == [1, 2]
    with pytest.raises(UnreadableError, match="3 things"):
        at_most([1, 2, 3], 2, "things")
