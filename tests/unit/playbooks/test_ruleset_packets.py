"""The rules in real network namespaces: what passes, what does not, and that a session in progress survives them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.fleet_ruleset_text import render

from appliance.contract.ruleset import counter_values, ruleset_digest

from .netns import Namespaces

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        os.geteuid() != 0 or not shutil.which("nft"), reason="needs root and nft to make network namespaces"
    ),
]

NETWORKS = {"management": {"sources": ["10.0.2.0/26"]}, "clinical": {"sources": ["10.0.3.0/26"]}}
ALLOW = [
    {"name": "ehr", "protocol": "tcp", "address": "10.0.2.2", "port": 7443},
    {"name": "time", "protocol": "udp", "address": "10.0.2.2", "port": 7123},
]
INTERFACES = {"management": "mgmt0", "clinical": "clin0"}
ANSWERED = "answered"


def rules(**changes: Any) -> str:
    given = {"site": "lab-1", "networks": NETWORKS, "allow": ALLOW, "interfaces": INTERFACES, **changes}
    return render(**given)


@pytest.fixture
def net(tmp_path: Path) -> Iterator[Namespaces]:
    namespaces = Namespaces(tmp_path)
    yield namespaces
    namespaces.close()


def load(net: Namespaces, text: str) -> None:
    net.run(net.box, ["nft", "-f", "-"], text)


OUTWARD = [
    ("tcp", "10.0.2.2", 9999),
    ("udp", "10.0.2.2", 9998),
    ("tcp", "fd00:2::2", 9999),
    ("udp", "fd00:2::2", 9998),
    ("udp", "10.0.3.2", 53),
    ("tcp", "10.0.3.2", 7443),
    ("tcp", "fd00:2::2", 7443),
    ("icmp", "10.0.2.2", 0),
    ("icmp", "fd00:2::2", 0),
]


def test_nothing_goes_out_but_what_the_site_file_names(net: Namespaces) -> None:
    heard = net.listen(net.world, ("tcp", 9999), ("udp", 9998), ("tcp", 7443), ("udp", 7123), ("udp", 53))
    for kind, address, port in OUTWARD:  # the control: without rules every one of them is answered
        assert net.probe(net.box, kind, address, port, "before", wait_s=30) == ANSWERED, (kind, address, port)
    load(net, rules())
    for kind, address, port in OUTWARD:
        assert net.probe(net.box, kind, address, port, "escaped") != ANSWERED, (kind, address, port)
    assert net.probe(net.box, "tcp", "10.0.2.2", 7443, "allowed", wait_s=30) == ANSWERED
    assert net.probe(net.box, "udp", "10.0.2.2", 7123, "allowed", wait_s=30) == ANSWERED
    assert "escaped" not in heard.read_text()
    assert heard.read_text().count("allowed") == 2
    assert counter_values(net.run(net.box, ["nft", "-j", "list", "ruleset"]))["egress_denied"] >= len(OUTWARD)


def test_nothing_comes_in_but_ssh_health_and_the_clinical_port_from_their_networks(net: Namespaces) -> None:
    net.listen(net.box, *(("tcp", port) for port in (22, 80, 443, 9443)), ("udp", 161))
    attempts = {
        ("tcp", "10.0.2.1", 22, ""): True,
        ("tcp", "10.0.2.1", 9443, ""): True,
        ("tcp", "10.0.3.1", 443, ""): True,
        ("tcp", "10.0.2.1", 443, ""): False,
        ("tcp", "10.0.3.1", 22, ""): False,
        ("tcp", "10.0.3.1", 9443, ""): False,
        ("tcp", "10.0.2.1", 80, ""): False,
        ("tcp", "10.0.3.1", 80, ""): False,
        ("udp", "10.0.2.1", 161, ""): False,
        ("tcp", "10.0.2.1", 22, "10.0.2.99"): False,
        ("tcp", "10.0.3.1", 443, "10.0.3.99"): False,
        ("tcp", "fd00:2::1", 22, ""): False,
        ("tcp", "fd00:3::1", 443, ""): False,
        ("icmp", "10.0.2.1", 0, ""): False,
        ("icmp", "fd00:2::1", 0, ""): False,
    }
    for kind, address, port, source in attempts:
        assert net.probe(net.world, kind, address, port, source=source, wait_s=30) == ANSWERED
    load(net, rules())
    for (kind, address, port, source), passes in attempts.items():
        outcome = net.probe(net.world, kind, address, port, source=source, wait_s=30 if passes else 0.3)
        assert (outcome == ANSWERED) == passes, (kind, address, port, source, outcome)


_SESSION = """
import socket, sys
server = socket.socket(); server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
server.bind(("10.0.2.1", 22)); server.listen(); print("ready", flush=True)
connection, _ = server.accept(); print("accepted", flush=True)
for line in sys.stdin:
    if line.strip() == "send": connection.sendall(b"from the box\\n")
    else: print(connection.recv(100).decode().strip(), flush=True)
"""
_CLIENT = """
import socket, sys
s = socket.create_connection(("10.0.2.1", 22)); s.settimeout(60); print("ready", flush=True)
for line in sys.stdin:
    if line.strip() == "send": s.sendall(b"from the operator\\n"); print("sent", flush=True)
    else: print(s.recv(100).decode().strip(), flush=True)
"""


@pytest.mark.parametrize("first", ["box", "operator"])
def test_a_session_that_is_older_than_the_rules_goes_on(net: Namespaces, first: str) -> None:
    box = net.start(net.box, _SESSION)
    operator = net.start(net.world, _CLIENT)
    for process in (box, operator):
        assert process.stdin is not None
        assert process.stdout is not None
    assert box.stdout.readline() == "accepted\n"  # type: ignore[union-attr]

    def say(process: Any, words: str) -> None:
        process.stdin.write(words + "\n")
        process.stdin.flush()

    def from_box() -> None:
        say(box, "send")
        say(operator, "receive")
        assert operator.stdout.readline() == "from the box\n"  # type: ignore[union-attr]

    def from_operator() -> None:
        say(operator, "send")
        assert operator.stdout.readline() == "sent\n"  # type: ignore[union-attr]
        say(box, "receive")
        assert box.stdout.readline() == "from the operator\n"  # type: ignore[union-attr]

    load(net, rules())
    turns = [from_box, from_operator] if first == "box" else [from_operator, from_box]
    for turn in (*turns, *turns):
        turn()


def test_a_new_connection_from_the_ssh_port_does_not_get_out(net: Namespaces) -> None:
    heard = net.listen(net.world, ("tcp", 9999), ("udp", 9998))
    load(net, rules())
    assert net.probe(net.box, "tcp", "10.0.2.2", 9999, "escaped", source_port=22) != ANSWERED
    assert net.probe(net.box, "udp", "10.0.2.2", 9998, "escaped", source_port=22) != ANSWERED
    assert heard.read_text() == ""


_OPEN = """
import socket, sys
s = socket.create_connection(("10.0.2.2", 7443)); s.settimeout(30)
s.sendall(b"first"); s.recv(9); s.settimeout(1); print("ready", flush=True)
for line in sys.stdin:
    try: s.sendall(b"second"); print(s.recv(9).decode(), flush=True)
    except OSError as error: print(type(error).__name__, flush=True)
"""


def test_a_destination_that_is_no_longer_named_is_cut_in_the_middle_of_a_connection(net: Namespaces) -> None:
    heard = net.listen(net.world, ("tcp", 7443))
    load(net, rules())
    client = net.start(net.box, _OPEN)
    load(net, rules(allow=[]))
    assert client.stdin is not None
    assert client.stdout is not None
    client.stdin.write("go\n")
    client.stdin.flush()
    assert client.stdout.readline() == "TimeoutError\n"
    assert "second" not in heard.read_text()


def test_a_site_with_ipv6_works_over_ipv6_and_only_as_named(net: Namespaces) -> None:
    heard = net.listen(net.world, ("tcp", 7443), ("tcp", 9999))
    net.listen(net.box, ("tcp", 22))
    text = rules(
        networks={**NETWORKS, "management": {"sources": ["fd00:2::/64"]}},
        allow=[{"name": "ehr", "protocol": "tcp", "address": "fd00:2::2", "port": 7443}],
    )
    load(net, text)
    net.run(net.box, ["ip", "-6", "neigh", "flush", "all"])
    assert net.probe(net.box, "tcp", "fd00:2::2", 7443, "allowed", wait_s=30) == ANSWERED
    assert net.probe(net.world, "tcp", "fd00:2::1", 22, wait_s=30) == ANSWERED
    assert net.probe(net.world, "tcp", "10.0.2.1", 22) != ANSWERED
    assert net.probe(net.box, "tcp", "fd00:2::2", 9999, "escaped") != ANSWERED
    assert "escaped" not in heard.read_text()


def test_rules_loaded_twice_and_in_an_empty_namespace_have_one_digest(net: Namespaces) -> None:
    list_rules = ["nft", "-j", "list", "ruleset"]
    load(net, rules())
    first = ruleset_digest(net.run(net.box, list_rules))
    net.probe(net.box, "udp", "10.0.2.2", 9998)  # counts
    load(net, rules())
    assert ruleset_digest(net.run(net.box, list_rules)) == first
    net.run(net.world, ["nft", "-f", "-"], rules())
    assert ruleset_digest(net.run(net.world, list_rules)) == first
    load(net, rules(allow=ALLOW[:1]))
    assert ruleset_digest(net.run(net.box, list_rules)) != first
