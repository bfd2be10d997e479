"""Messages of the loader: file, line, path, nearest key."""

from __future__ import annotations

from pathlib import Path

import pytest

from fleetctl.errors import ConfigError
from fleetctl.models.load import MAX_BYTES, load, parse
from fleetctl.models.site import Site

SITE = """\
apiVersion: fleetctl/v1
kind: Site
metadata: {name: lab-1, labels: {ring: pilot}}
spec:
  profile: lab-vm
  management: {address: 127.0.0.1, ssh_port: 2201, health_port: 9543}
  clinical: {address: 127.0.0.1, port: 8443}
  networks:
    management: {interface_mac: 52:54:00:12:34:56, sources: [10.0.2.0/24]}
    clinical: {interface_mac: 52:54:00:AB:34:57, sources: [10.0.3.0/24]}
  egress:
    allow:
      - {name: ehr, protocol: tcp, address: 10.0.2.2, port: 7443}
  storage:
    data_disks: [LAB-1-DATA0, LAB-1-DATA1]
  release: {transcription: whisper-tiny.en}
"""


def problem(before: str, after: str) -> str:
    assert before in SITE
    with pytest.raises(ConfigError) as caught:
        parse(SITE.replace(before, after), Site, "sites/lab-1.yaml")
    return caught.value.message


def test_right_file_loads() -> None:
    site = parse(SITE, Site, "lab-1.yaml")
    assert site.name == "lab-1"
    assert site.spec.networks.clinical.interface_mac == "52:54:00:ab:34:57"
    assert site.spec.storage.erase_disks == []


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("data_disks", "data_diks", ":15: spec.storage.data_diks: unknown key; did you mean data_disks?"),
        ("name: ehr", "nmae: ehr", ":13: spec.egress.allow[0].nmae: unknown key; did you mean name?"),
        ("profile: lab-vm", "qqq: lab-vm", "; known keys: profile, management, clinical, networks"),
        ("  release: {transcription: whisper-tiny.en}\n", "", ":4: spec.release: missing"),
        ("name: lab-1,", "name: Lab_1,", ":3: metadata.name: string should match pattern"),
        ("port: 8443", "port: 70000", ":7: spec.clinical.port: input should be less than or equal to 65535; is 70000"),
        ("port: 8443", "port: '8443'", ":7: spec.clinical.port: input should be a valid integer; is '8443'"),
        ("port: 8443", "port: true", ":7: spec.clinical.port: input should be a valid integer; is True"),
        ("10.0.2.0/24", "10.0.2.1/24", ":9: spec.networks.management.sources[0]: 10.0.2.1/24 has host bits set"),
        ("10.0.2.0/24", "0.0.0.0/0", "the whole internet is no source network"),
        ("10.0.2.2", "ehr.example", "does not appear to be an IPv4 or IPv6 address"),
        ("10.0.2.2", "'::'", "must be the address of one host"),
        ("10.0.2.2", "'fe80::1%x accept'", "takes no zone"),
        ("10.0.2.0/24", "'fe80::%x/64'", "takes no zone"),
        ("10.0.2.2", "224.0.0.1", "must be the address of one host"),
        ("52:54:00:AB:34:57", "52:54:00:12:34:56", ":8: spec.networks: management and clinical must have different"),
        ("52:54:00:AB:34:57", "52-54-00-AB-34-57", "six hexadecimal pairs"),
        ("LAB-1-DATA1", "LAB-1-DATA0", "data disk named twice: LAB-1-DATA0"),
        (
            "LAB-1-DATA1]",
            "LAB-1-DATA1]\n    erase_disks: [OTHER]",
            "erase_disks names OTHER, which data_disks does not",
        ),
        ("LAB-1-DATA1", "12", "input should be a valid string; is 12; put it in quotes"),
        ("LAB-1-DATA1", "../sda", "string should match pattern"),
        ("protocol: tcp", "protocol: icmp", "input should be 'tcp' or 'udp'; is 'icmp'"),
        ("kind: Site", "kind: Fleet", ":2: kind: input should be 'Site'; is 'Fleet'"),
        ("fleetctl/v1", "fleetctl/v2", ":1: apiVersion: input should be 'fleetctl/v1'"),
    ],
)
def test_message_names_line_path_and_right_key(before: str, after: str, message: str) -> None:
    assert message in problem(before, after)
    assert problem(before, after).startswith("sites/lab-1.yaml:")


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        parse(SITE.replace("port: 8443", "prt: 8443").replace("tcp", "tpc"), Site, "x.yaml")
    assert len(caught.value.message.splitlines()) == 2
    assert caught.value.hint == "correct these 2 in x.yaml"


@pytest.mark.parametrize("text", ["", "- a\n", "text\n"])
def test_something_else_than_a_mapping(text: str) -> None:
    with pytest.raises(ConfigError, match=r"x\.yaml:1: the file"):
        parse(text, Site, "x.yaml")


def test_file_that_is_too_large_or_not_text(tmp_path: Path) -> None:
    file = tmp_path / "x.yaml"
    file.write_bytes(b"#" * (MAX_BYTES + 1))
    with pytest.raises(ConfigError, match="larger than"):
        load(file, Site)
    file.write_bytes(b"a: 1\nb: \xff\n")
    with pytest.raises(ConfigError, match=":2: not UTF-8"):
        load(file, Site)
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path / "absent.yaml", Site)
