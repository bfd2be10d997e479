"""The image's own rules in real network namespaces: the ones before provisioning and the ones of last resort."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from fleetctl.resources import resource_dir
from tests.unit.playbooks.netns import Namespaces

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        os.geteuid() != 0 or not shutil.which("nft"), reason="needs root and nft to make network namespaces"
    ),
]

EXTRA = resource_dir("images") / "edge/mkosi.extra"
BOOTSTRAP, LOCKDOWN = EXTRA / "etc/nftables.conf", EXTRA / "usr/lib/edge/lockdown.nft"
ANSWERED = "answered"
OUTWARD = [
    ("tcp", "10.0.2.2", 9999),
    ("udp", "10.0.2.2", 9998),
    ("tcp", "fd00:2::2", 9999),
    ("udp", "fd00:2::2", 9998),
    ("icmp", "10.0.2.2", 0),
    ("icmp", "fd00:2::2", 0),
]
INWARD = [
    ("tcp", "10.0.2.1", 22),
    ("tcp", "fd00:2::1", 22),
    ("tcp", "10.0.2.1", 443),
    ("tcp", "fd00:2::1", 443),
    ("udp", "10.0.2.1", 68),
    ("icmp", "10.0.2.1", 0),
    ("icmp", "fd00:2::1", 0),
]


@pytest.fixture
def net(tmp_path: Path) -> Iterator[Namespaces]:
    namespaces = Namespaces(tmp_path)
    yield namespaces
    namespaces.close()


def load(net: Namespaces, rules: Path) -> None:
    net.run(net.box, ["nft", "-f", "-"], rules.read_text())
    for namespace in (net.box, net.world):  # so that IPv6 has to find its neighbours through the rules
        net.run(namespace, ["ip", "-6", "neigh", "flush", "all"])


@pytest.mark.parametrize("rules", [BOOTSTRAP, LOCKDOWN], ids=["bootstrap", "lockdown"])
def test_only_ssh_comes_in(net: Namespaces, rules: Path) -> None:
    net.listen(net.box, ("tcp", 22), ("tcp", 443), ("udp", 68))
    for kind, address, port in INWARD:  # the control: without rules every one of them is answered
        assert net.probe(net.world, kind, address, port, wait_s=3) == ANSWERED, (kind, address, port)
    load(net, rules)
    for kind, address, port in INWARD:
        passes = port == 22
        outcome = net.probe(net.world, kind, address, port, wait_s=4 if passes else 0.3)
        assert (outcome == ANSWERED) == passes, (kind, address, port, outcome)


def test_before_provisioning_everything_gets_out_for_the_baseline(net: Namespaces) -> None:
    net.listen(net.world, ("tcp", 9999), ("udp", 9998))
    load(net, BOOTSTRAP)
    for kind, address, port in OUTWARD:
        assert net.probe(net.box, kind, address, port, wait_s=4) == ANSWERED, (kind, address, port)


def test_in_lockdown_nothing_gets_out_not_even_from_the_ssh_port(net: Namespaces) -> None:
    heard = net.listen(net.world, ("tcp", 9999), ("udp", 9998), ("udp", 67))
    load(net, LOCKDOWN)
    for kind, address, port in OUTWARD:
        assert net.probe(net.box, kind, address, port) != ANSWERED, (kind, address, port)
    assert net.probe(net.box, "tcp", "10.0.2.2", 9999, source_port=22) != ANSWERED
    assert net.probe(net.box, "udp", "10.0.2.2", 67, source_port=68) != ANSWERED
    assert heard.read_text() == ""
