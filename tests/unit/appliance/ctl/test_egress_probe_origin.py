"""Who said "unreachable": this machine, or a router outside that our packet had reached. Real network namespaces."""

from __future__ import annotations

import errno
import json
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from appliance.ctl.egress import probe
from tests.unit.playbooks.netns import Namespaces

NONCE = "0123456789abcdef0123456789abcdef"
PROTOCOLS = ("tcp", "udp", "dns", "icmp")
BEYOND = {4: "192.0.2.9", 6: "2001:db8::9"}
FORBIDDEN = {4: "198.51.100.9", 6: "2001:db8:1::9"}
NOBODY = {4: "10.0.2.77", 6: "fd00:2::77"}

needs_namespaces = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("nsenter") is None, reason="needs root and network namespaces"
)


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Namespaces]:
    """`box` with `world` as its router, which rejects what lies beyond."""
    namespaces = Namespaces(tmp_path_factory.mktemp("net"))
    try:
        for script in (
            "echo 1 >/proc/sys/net/ipv4/ip_forward; echo 1 >/proc/sys/net/ipv6/conf/all/forwarding",
            "echo 0 >/proc/sys/net/ipv4/icmp_ratelimit; echo 0 >/proc/sys/net/ipv6/icmp/ratelimit",
            f"ip route add unreachable {BEYOND[4]}; ip -6 route add unreachable {BEYOND[6]}",
            f"ip route add prohibit {FORBIDDEN[4]}; ip -6 route add prohibit {FORBIDDEN[6]}",
        ):
            namespaces.run(namespaces.world, ["sh", "-ec", script])
        for script in (
            "ip route add default via 10.0.2.2; ip -6 route add default via fd00:2::2",
            "ip route add unreachable 203.0.113.9; ip -6 route add unreachable 2001:db8:2::9",
            # A next hop that does not answer is given up sooner than after three seconds.
            "cd /proc/sys/net; for v in ipv4 ipv6; do"
            " echo 60 >$v/neigh/mgmt0/retrans_time_ms; echo 1 >$v/neigh/mgmt0/mcast_solicit; done",
        ):
            namespaces.run(namespaces.box, ["sh", "-ec", script])
        yield namespaces
    finally:
        namespaces.close()


def tried(
    net: Namespaces, family: int, address: str, protocols: tuple[str, ...] = PROTOCOLS
) -> dict[str, tuple[str, str]]:
    targets = [
        {"id": protocol, "role": "target", "protocol": protocol, "family": family, "address": address,
         "port": None if protocol == "icmp" else 9, "nonce": NONCE}
        for protocol in protocols
    ]  # fmt: skip
    spec: dict[str, Any] = {"variant": "host", "timeout_s": 1.5, "targets": targets}
    answer = json.loads(net.run(net.box, [sys.executable, "-I", str(Path(probe.__file__))], json.dumps(spec)))
    return {each["target_id"]: (each["outcome"], each["layer"]) for each in answer["attempts"]}


@needs_namespaces
@pytest.mark.parametrize("family", [4, 6])
def test_an_error_from_a_router_shows_that_the_packet_got_out(net: Namespaces, family: int) -> None:
    assert tried(net, family, BEYOND[family]) == dict.fromkeys(PROTOCOLS, ("reached", "unreachable"))


@needs_namespaces
@pytest.mark.parametrize("family", [4, 6])
def test_a_router_that_forbids_was_reached_too(net: Namespaces, family: int) -> None:
    # One protocol: Linux as a router says this over IPv4 a few times a second at most.
    assert tried(net, family, FORBIDDEN[family], ("tcp",)) == {"tcp": ("reached", "unreachable")}


@needs_namespaces
@pytest.mark.parametrize("family", [4, 6])
def test_a_silent_next_hop_is_told_by_this_machine(net: Namespaces, family: int) -> None:
    assert tried(net, family, NOBODY[family]) == dict.fromkeys(PROTOCOLS, ("blocked", "neighbour"))


@needs_namespaces
@pytest.mark.parametrize(("family", "address"), [(4, "203.0.113.9"), (6, "2001:db8:2::9")])
def test_a_route_to_nowhere_of_this_machine_is_no_answer(net: Namespaces, family: int, address: str) -> None:
    assert {outcome for outcome, _ in tried(net, family, address).values()} == {"blocked"}


@pytest.mark.parametrize("number", [errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EACCES])
def test_an_error_that_nobody_signed_shows_nothing(number: int) -> None:
    assert probe.judge_late_error(OSError(number, "no"), [], "10.0.2.1", "host").outcome == "error"
    assert probe.judge_late_error(OSError(number, "no"), ["10.0.2.1"], "10.0.2.1", "host").outcome == "blocked"
    found = probe.judge_late_error(OSError(number, "no"), ["10.0.2.1", "10.0.2.2"], "10.0.2.1", "host")
    assert (found.outcome, found.layer) == ("reached", "unreachable")


def test_silence_after_an_error_from_outside_is_no_silence() -> None:
    assert (
        probe.judge_late_error(TimeoutError("nothing came back"), ["10.0.2.2"], "10.0.2.1", "host").outcome == "reached"
    )
    assert probe.judge_late_error(TimeoutError("nothing came back"), [], "10.0.2.1", "host").layer == "timeout"
