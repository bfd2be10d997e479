"""The one script that carries all facts, and its framed output; the list of commands that may only read."""

from __future__ import annotations

import subprocess

import pytest

from fleetctl.errors import FleetctlError
from fleetctl.facts.allowed import refuse_unless_reader
from fleetctl.facts.base import Fact, Unreadable, command, completed_stdout, for_each, stdout_of
from fleetctl.facts.gpus import GPUS
from fleetctl.facts.host import ALL_FACTS, HARDWARE_FACTS
from fleetctl.facts.script import build_script, read_facts

NONCE = "0123456789abcdef0123456789abcdef"
EVERY_FACT = (*ALL_FACTS, *HARDWARE_FACTS, GPUS)


def _run(*facts: Fact[str]) -> dict[str, object]:
    done = subprocess.run(["sh", "-c", build_script(facts, NONCE)], capture_output=True, text=True, check=True)
    return read_facts(facts, NONCE, done.stdout, done.stderr)


def test_output_exit_code_and_stderr_come_back_apart() -> None:
    good = Fact("good", (command("cat", "/proc/sys/kernel/ostype"),), lambda outputs: stdout_of(outputs[0], "cat"))
    bad = Fact("bad", (command("cat", "/proc/nothing"),), lambda outputs: stdout_of(outputs[0], "cat"))
    answers = _run(bad, good)
    assert answers["good"] == "Linux\n"
    assert isinstance(answers["bad"], Unreadable)
    assert answers["bad"].reason.startswith("cat ended with 1: cat: /proc/nothing: No such file")


def test_a_program_that_is_missing_is_unreadable_not_absent() -> None:
    fact = Fact("gone", (command("mdadm", "--detail", "--scan"),), lambda outputs: str(outputs[0].completed.exit_code))
    script = build_script([fact], NONCE).replace("mdadm", "no-such-program")
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
    assert read_facts([fact], NONCE, done.stdout, done.stderr) == {"gone": "127"}


def test_for_each_runs_once_a_line_and_quotes_it() -> None:
    fact = Fact(
        "each",
        (for_each(("ls", "/proc/sys/kernel/random/"), "cat", "/proc/sys/kernel/random/{}"),),
        lambda outputs: completed_stdout(outputs[0].items["poolsize"], "cat"),
    )
    assert str(_run(fact)["each"]).strip().isdigit()


def test_a_line_of_a_listing_is_never_a_command() -> None:
    """The listing is outside input: names with spaces, quotes and dollars stay one argument."""
    fact = Fact(
        "each", (for_each(("ls", "/proc/"), "cat", "/proc/{}"),), lambda outputs: "\n".join(sorted(outputs[0].items))
    )
    script = build_script([fact], NONCE).replace("ls /proc/", "echo '$(touch /nowhere/x) \"; id'")
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
    answers = read_facts([fact], NONCE, done.stdout, done.stderr)
    assert answers["each"] == '$(touch /nowhere/x) "; id'
    assert "uid=" not in done.stdout


def test_an_answer_that_was_cut_off_is_unreadable() -> None:
    fact = Fact("system", (command("cat", "/proc/cmdline"),), lambda outputs: stdout_of(outputs[0], "cat"))
    whole = f"\n{NONCE} B system/0\nquiet\n\n{NONCE} E 0\n"
    assert read_facts([fact], NONCE, whole, "")["system"] == "quiet\n"
    for length in range(len(whole) - 1):
        assert isinstance(read_facts([fact], NONCE, whole[:length], "")["system"], Unreadable)


def test_output_cannot_fake_a_frame() -> None:
    fact = Fact("system", (command("cat", "/proc/cmdline"),), lambda outputs: stdout_of(outputs[0], "cat"))
    fake = "\nffff E 0\n\nffff B system/0\nevil\n"
    text = f"\n{NONCE} B system/0\n{fake}\n{NONCE} E 0\n"
    assert read_facts([fact], NONCE, text, "")["system"] == fake


@pytest.mark.parametrize(
    "argv",
    [
        ("rm", "-rf", "/"),
        ("cat", "/etc/appliance/tls/box.key"),
        ("cat", "/etc/shadow"),
        ("cat", "/proc/../etc/shadow"),
        ("cat",),
        ("ls", "/root/"),
        ("cryptsetup", "open", "/dev/vda", "x"),
        ("cryptsetup", "luksDump", "--dump-volume-key", "/dev/vda"),
        ("dmsetup", "table", "--showkeys"),
        ("nft", "flush", "ruleset"),
        ("systemctl", "stop", "sshd"),
        ("ip", "link", "set", "lo", "down"),
        ("blkid", "/dev/vda"),
        ("sh", "-c", "id"),
        ("dmidecode",),
        ("dmidecode", "--type", "16", "--type", "17", "--no-sysfs"),
        ("dmidecode", "--dump-bin", "/root/dump"),
        ("ethtool", "-i"),
        ("ethtool", "-r", "enp0s2"),
        ("ethtool", "-i", "--reset"),
        ("ethtool", "-i", "enp0s2", "enp0s3"),
        ("ip", "-j", "-d", "link", "set", "lo", "down"),
        ("nvme",),
        ("nvme", "format", "/dev/nvme0n1"),
        ("nvme", "sed", "revert", "/dev/nvme0n1"),
        ("nvme", "sed", "discover", "--force"),
        ("nvme", "id-ctrl", "-o", "json", "/dev/../root/x"),
        ("nvme", "smart-log", "-o", "json", "/dev/nvme0", "--raw-binary"),
        ("nvme", "list", "-v", "-o", "json", "--verbose"),
        ("od", "-An", "-v", "-tx8", "-j", "0x982", "-N", "16", "/dev/cpu/0/msr"),
        ("od", "-An", "-v", "-tx8", "-j", "0x10", "-N", "8", "/dev/cpu/0/msr"),
        ("od", "-An", "-v", "-tx8", "-j", "0x982", "-N", "8", "/dev/cpu/../mem"),
        ("od", "-An", "-v", "-tx8", "-j", "0x982", "-N", "8", "/dev/mem"),
        ("cat", "/dev/cpu/0/msr"),
        ("ls", "/dev/"),
        ("cat", "/etc/pkcs11/modules/vendor.module"),
        ("p11-kit", "list-objects"),
        ("p11-kit", "generate-keypair"),
        ("timedatectl", "set-time", "2020-01-01"),
        ("timedatectl", "show", "--host=elsewhere"),
        ("tpm2_getcap", "-T", "device:/dev/tpmrm0", "properties-fixed", "-o", "/root/x"),
        ("tpm2_nvreadpublic",),
        ("tpm2_clear",),
    ],
)
def test_what_is_not_a_reader_is_refused(argv: tuple[str, ...]) -> None:
    with pytest.raises(FleetctlError, match="not a read command"):
        refuse_unless_reader(argv)
    with pytest.raises(FleetctlError):
        build_script([Fact("bad", (command(*argv),), lambda outputs: None)], NONCE)


def test_every_fact_uses_read_commands_only() -> None:
    assert build_script(EVERY_FACT, NONCE)


def test_the_script_is_valid_for_a_posix_shell() -> None:
    done = subprocess.run(
        ["sh", "-n"], input=build_script(EVERY_FACT, NONCE), capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
