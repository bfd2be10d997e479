"""The probe: real sockets on loopback, real network namespaces, and what each refusal means."""

import errno
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from appliance.ctl.egress import probe

NONCE = "0123456789abcdef0123456789abcdef"


def target(protocol: str, port: int | None, *, family: int = 4, address: str | None = None) -> dict[str, Any]:
    address = address or {4: "127.0.0.1", 6: "::1"}[family]
    return {
        "id": f"{protocol}{family}", "role": "target", "protocol": protocol, "family": family, "address": address,
        "port": port, "nonce": NONCE,
    }  # fmt: skip


def tried(one: dict[str, Any], variant: str = "host", timeout_s: float = 0.3) -> tuple[str, str]:
    found = probe.attempt(one, timeout_s, variant)
    return found["outcome"], found["layer"]


@contextmanager
def canary(kind: int, family: int, heard: list[bytes], *, answers: bool = True) -> Iterator[int]:
    """A listener on loopback that remembers what arrives."""
    listener = socket.socket(socket.AF_INET if family == 4 else socket.AF_INET6, kind)
    listener.bind(({4: "127.0.0.1", 6: "::1"}[family], 0))
    if kind == socket.SOCK_STREAM:
        listener.listen()

    def listen() -> None:
        if kind == socket.SOCK_STREAM:
            connection, _ = listener.accept()
            with connection:
                heard.append(connection.recv(100))
                connection.sendall(b"heard")
        else:
            data, client = listener.recvfrom(500)
            heard.append(data)
            if answers:
                listener.sendto(data, client)

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        thread.join(30)  # the last word may still be on its way to it
        listener.close()


@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize("protocol", ["tcp", "udp", "dns"])
def test_a_living_canary_is_reached_and_hears_the_nonce(protocol: str, family: int) -> None:
    heard: list[bytes] = []
    kind = socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM
    with canary(kind, family, heard) as port:
        assert tried(target(protocol, port, family=family), timeout_s=60) == ("reached", "reply")
    assert NONCE.encode() in heard[0]


@pytest.mark.skipif(os.geteuid() != 0, reason="raw sockets need root")
@pytest.mark.parametrize("family", [4, 6])
def test_an_echo_reply_is_reached(family: int) -> None:
    assert tried(target("icmp", None, family=family), timeout_s=60) == ("reached", "reply")


def test_a_refused_connection_counts_as_reached() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        assert tried(target("tcp", port), timeout_s=60) == ("reached", "refused")
        assert tried(target("udp", port), timeout_s=60) == ("reached", "refused")


def test_silence_is_blocked_by_timeout_only() -> None:
    with canary(socket.SOCK_DGRAM, 4, [], answers=False) as port:
        assert tried(target("udp", port)) == ("blocked", "timeout")


@pytest.mark.parametrize("number", [errno.EAFNOSUPPORT, errno.EPERM, errno.EACCES])
def test_only_a_services_sandbox_may_refuse_a_socket(number: int) -> None:
    error = OSError(number, "no")
    assert probe.judge_error(error, at_socket=True, variant="service").outcome == "blocked"
    assert probe.judge_error(error, at_socket=True, variant="host").outcome == "error"
    assert probe.judge_error(error, at_socket=True, variant="namespace").outcome == "error"


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENOBUFS, errno.ENOMEM, errno.EINVAL])
def test_a_probe_that_could_not_run_is_never_blocked(number: int) -> None:
    for at_socket in (True, False):
        assert probe.judge_error(OSError(number, "no"), at_socket=at_socket, variant="service").outcome == "error"


def test_a_defect_in_the_probe_is_an_error() -> None:
    assert tried(target("tcp", 1, address="not an address")) == ("error", "probe")


def test_dns_query_is_a_question_with_the_nonce_as_label() -> None:
    query = probe.dns_query(NONCE, 7)
    assert query[:2] == b"\0\x07"
    assert query[12:].startswith(bytes([32]) + NONCE.encode() + b"\x06egress\x07invalid\0")


def test_echo_request_has_a_right_checksum() -> None:
    assert probe.internet_checksum(probe.echo_request(4, NONCE, 9)) == 0
    assert probe.echo_request(6, NONCE, 9)[:1] == b"\x80"


def run_probe(prefix: list[str], spec: dict[str, Any]) -> dict[str, Any]:
    command = [*prefix, sys.executable, "-I", probe.__file__]
    done = subprocess.run(command, input=json.dumps(spec), capture_output=True, text=True, timeout=120, check=True)
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


needs_namespaces = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("unshare") is None, reason="needs root and network namespaces"
)


@needs_namespaces
def test_from_an_empty_namespace_a_living_canary_is_not_reached() -> None:
    """The same canary, the same probe: reached from here, blocked from a namespace of its own."""
    heard: list[bytes] = []
    with canary(socket.SOCK_DGRAM, 4, heard) as port:
        targets = [target("udp", port), target("tcp", port), target("icmp", None), target("dns", port, family=6)]
        spec = {"variant": "namespace", "timeout_s": 1, "targets": targets}
        inside = run_probe(["unshare", "-n"], spec)
        assert heard == []
        assert {(each["outcome"], each["layer"]) for each in inside["attempts"]} == {("blocked", "route")}
        outside = run_probe([], {**spec, "timeout_s": 30, "targets": targets[:1]})
        assert outside["attempts"][0]["outcome"] == "reached"
    assert len(heard) == 1
    assert inside["network_namespace"] != outside["network_namespace"]


RULES = """
table inet t {{
  counter egress_denied {{ }}
  chain out {{ type filter hook output priority 0; policy accept;
    {rule}
  }}
}}
"""


@needs_namespaces
@pytest.mark.skipif(shutil.which("nft") is None, reason="needs nft")
@pytest.mark.parametrize(
    ("rule", "tcp", "udp"),
    [
        ('oif "lo" counter name egress_denied drop', ("blocked", "timeout"), ("blocked", "filter")),
        ("", ("reached", "refused"), ("reached", "refused")),
    ],
)
def test_a_firewall_rule_blocks_and_its_absence_shows(rule: str, tcp: tuple[str, str], udp: tuple[str, str]) -> None:
    """In a namespace with loopback up: one rule decides. Without it the proof fails."""
    script = 'ip link set lo up && printf %s "$RULES" | nft -f - && exec "$@"'
    prefix = ["env", f"RULES={RULES.format(rule=rule)}", "unshare", "-n", "sh", "-c", script, "sh"]
    spec = {"variant": "host", "timeout_s": 1, "targets": [target("tcp", 9), target("udp", 9)]}
    found = {each["target_id"]: (each["outcome"], each["layer"]) for each in run_probe(prefix, spec)["attempts"]}
    assert found == {"tcp4": tcp, "udp4": udp}
