"""The canary, as a process of its own and on real sockets."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from fleetctl.errors import ChangeError, UnreachableError
from fleetctl.lab.canary import Canary, Memory
from fleetctl.lab.canary_client import NAME, CanaryClient, start_canary
from fleetctl.lab.ports import choose_ports
from fleetctl.lab.process import SiteProcesses
from fleetctl.lab.record import LabRecord

LOOPBACK = {4: (socket.AF_INET, "127.0.0.1"), 6: (socket.AF_INET6, "::1")}


class Lab:
    """A running canary and how to reach it."""

    def __init__(self, record: LabRecord, folder: Path) -> None:
        self.record, self.folder = record, folder
        self.processes = SiteProcesses(folder)
        self.client = CanaryClient(folder)
        self.ports = {
            "tcp": record.ports.canary_tcp,
            "udp": record.ports.canary_udp,
            "dns": record.ports.canary_dns,
            "ehr": record.ports.ehr,
            "time": record.ports.time,
        }

    def send(self, listener: str, family: int, payload: bytes) -> bytes:
        kind = socket.SOCK_STREAM if listener in ("tcp", "ehr") else socket.SOCK_DGRAM
        with socket.socket(LOOPBACK[family][0], kind) as probe:
            probe.settimeout(20)
            probe.connect((LOOPBACK[family][1], self.ports[listener]))
            probe.sendall(payload)
            return probe.recv(512)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    from datetime import UTC, datetime

    from fleetctl.lab.record import ImageSource, disks_for, networks_for

    management, clinical = networks_for("demo", "lab-1")
    record = LabRecord(
        name="lab-1", fleet="demo", memory_mib=1, cpus=1, management=management, clinical=clinical,
        ports=choose_ports(set()), disks=disks_for("lab-1", 1, 0, 1), image=ImageSource(path="x"),
        created_at=datetime.now(UTC),
    )  # fmt: skip
    folder = tmp_path_factory.mktemp("a-directory-whose-path-is-longer-than-a-unix-socket-may-have" * 2) / "lab-1"
    folder.mkdir()
    lab = Lab(record, folder)
    start_canary(record, folder, lab.processes)
    yield lab
    assert lab.processes.stop_all(20) == 1


def nonce() -> str:
    return os.urandom(16).hex()


def dns_query(name: str) -> bytes:
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return bytes.fromhex("beef01000001000000000000") + labels + b"\x00\x00\x01\x00\x01"


@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize("listener", ["tcp", "udp", "ehr", "time"])
def test_a_nonce_is_heard_and_answered(lab: Lab, listener: str, family: int) -> None:
    mine = nonce()
    assert lab.send(listener, family, f"probe {mine}\n".encode()) == f"heard {mine}\n".encode()
    (event,) = lab.client.heard([mine, nonce()])
    assert (event.nonce, event.listener, event.family) == (mine, listener, family)
    assert event.source == LOOPBACK[family][1]


@pytest.mark.parametrize("family", [4, 6])
def test_a_dns_question_is_heard_and_answered(lab: Lab, family: int) -> None:
    mine = nonce()
    answer = lab.send("dns", family, dns_query(f"{mine}.canary.invalid"))
    assert answer[:4] == b"\xbe\xef\x81\x83"
    assert [event.listener for event in lab.client.heard([mine])] == ["dns"]


def test_nothing_sent_is_nothing_heard(lab: Lab) -> None:
    assert lab.client.heard([nonce()]) == []
    assert lab.client.heard([]) == []


def test_a_connection_without_a_word_is_counted(lab: Lab) -> None:
    before = lab.client.status().counts.get("tcp4", 0)
    with socket.create_connection(("127.0.0.1", lab.ports["tcp"])) as silent:
        silent.shutdown(socket.SHUT_WR)
        assert silent.recv(10) == b""
    status = lab.client.status()
    assert status.counts["tcp4"] == before + 1
    assert status.pid == lab.processes.pid(NAME)
    assert status.forgotten == 0


def test_rubbish_does_not_hurt(lab: Lab) -> None:
    before = lab.client.status().counts.get("dns4", 0)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        for message in (b"", b"\x00" * 11, b"\xff" * 5000, dns_query("x")[:20]):
            probe.sendto(message, ("127.0.0.1", lab.ports["dns"]))
    mine = nonce()
    lab.send("dns", 4, dns_query(f"{mine}.invalid"))
    assert lab.client.heard([mine])
    assert lab.client.status().counts["dns4"] == before + 5


def test_a_second_canary_cannot_take_the_ports(lab: Lab, tmp_path: Path) -> None:
    folder = tmp_path / "lab-2"
    folder.mkdir()
    processes = SiteProcesses(folder)
    with pytest.raises(ChangeError, match="address already in use"):
        start_canary(lab.record, folder, processes)
    assert processes.stop_all(5) == 0


def test_a_dead_canary_is_no_silence(tmp_path: Path) -> None:
    with pytest.raises(UnreachableError, match=r"the canary of .* does not answer"):
        CanaryClient(tmp_path).heard([nonce()])


def test_memory_is_bounded_and_says_what_it_forgot() -> None:
    memory = Memory(limit=3)
    nonces = [nonce() for _ in range(5)]
    for one in nonces:
        memory.hear("tcp", 4, "127.0.0.1", one.encode())
    assert [event["nonce"] for event in memory.heard(nonces)] == nonces[2:]
    assert memory.forgotten == 2
    assert memory.counts["tcp4"] == 5


@pytest.mark.parametrize("payload", [b"", b"ab" * 15, b"AB" * 16, b"ab" * 17, b"g" * 32])
def test_only_32_hexadecimal_digits_alone_are_a_nonce(payload: bytes) -> None:
    assert Memory().hear("tcp", 4, "x", payload) is None


@pytest.mark.parametrize(
    "line", [b"{", b"[]", b'{"op": "heard"}', b'{"op": "forget"}', b"\xff", b'{"op":"heard","nonces":1}']
)
def test_a_question_that_makes_no_sense_gets_words(line: bytes) -> None:
    assert "error" in json.loads(json.dumps(Canary().answer(line)))
