"""The ways to a site: a CONNECT proxy and an SSH bastion, both real; and what is said when they fail."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fleetctl.models.fleetdir import FleetDir
from fleetctl.models.via import Via
from fleetctl.remote.bastions import bastions, command
from fleetctl.remote.health_client import identity_of
from fleetctl.remote.pins import write_pin
from fleetctl.remote.poll import Poller, poll
from fleetctl.remote.poll_answer import Trust
from fleetctl.remote.poll_limits import Backoff, Limits, raise_file_limit
from fleetctl.remote.poll_outcome import Outcome
from fleetctl.remote.poll_patience import Deadline
from fleetctl.trust.ca import Authority
from fleetctl.trust.keystore import KeyStore
from fleetctl.trust.passphrase import Passphrase
from tests.fakes import health_server as servers
from tests.fakes.health_server import HealthServer, answer, snapshot_body
from tests.unit.remote.conftest import SshServer

PATIENT = Limits(connect_s=60.0, deadline_s=60.0, total_s=300.0)


@pytest.fixture
def context(fleet_dir: FleetDir, passphrase: Passphrase) -> ssl.SSLContext:
    return identity_of(fleet_dir, passphrase).context()


@pytest.fixture
def box(keystore: KeyStore, passphrase: Passphrase, tmp_path: Path) -> Iterator[HealthServer]:
    pem = servers.certificate(Authority.open(keystore, passphrase), "lab-1", tmp_path)
    server = HealthServer(answer(snapshot_body()), pem, keystore.path("ca.crt"))
    yield server
    server.close()


@pytest.fixture
def proxy() -> Iterator[Callable[[bytes], int]]:
    """Starts a proxy; `b""`: it connects as told, anything else: it answers that. Gives its port."""
    listeners = []

    def start(says: bytes = b"") -> int:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)
        threading.Thread(target=_proxy, args=(listener, says), daemon=True).start()
        return int(listener.getsockname()[1])

    yield start
    for listener in listeners:
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def _proxy(listener: socket.socket, says: bytes) -> None:
    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=_proxied, args=(client, says), daemon=True).start()


def _proxied(client: socket.socket, says: bytes) -> None:
    with client, contextlib.suppress(OSError):
        request = client.recv(4096).decode()
        if says:
            client.sendall(says)
            return
        host, _, port = request.split()[1].rpartition(":")
        with socket.create_connection((host, int(port))) as site:
            client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = threading.Thread(target=_pump, args=(site, client), daemon=True)
            back.start()
            _pump(client, site)
            back.join(60)


def _pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


def test_through_a_proxy(box: HealthServer, proxy: Callable[..., int], context: ssl.SSLContext) -> None:
    (seen,) = poll(Poller(context, Trust(), limits=PATIENT), [box.site(via=f"connect://127.0.0.1:{proxy()}")])
    assert seen.answered


@pytest.mark.parametrize(
    ("says", "outcome"),
    [
        (b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", Outcome.VIA_FAILED),
        (b"HTTP/1.1 504 Gateway Timeout\r\n\r\n", Outcome.OFFLINE),
        (b"HTTP/1.1 502 Bad Gateway\r\n\r\n", Outcome.OFFLINE),
        (b"SSH-2.0-x\r\n\r\n", Outcome.VIA_FAILED),
        (b"HTTP/1.1 200 OK\r\n\r\nand more", Outcome.VIA_FAILED),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 5000, Outcome.VIA_FAILED),
        (b"HTTP/1.1", Outcome.VIA_FAILED),
    ],
)
def test_a_proxy_that_does_not_lead_there(
    box: HealthServer, proxy: Callable[..., int], context: ssl.SSLContext, says: bytes, outcome: Outcome
) -> None:
    (seen,) = poll(Poller(context, Trust(), limits=PATIENT), [box.site(via=f"connect://127.0.0.1:{proxy(says)}")])
    assert (seen.outcome, "via connect://" in seen.detail) == (outcome, True)


def test_no_proxy_there(box: HealthServer, proxy: Callable[..., int], context: ssl.SSLContext) -> None:
    (seen,) = poll(Poller(context, Trust(), limits=PATIENT), [box.site(via="connect://127.0.0.1:1")])
    assert seen.outcome is Outcome.VIA_FAILED


@pytest.mark.slow
def test_through_a_bastion_whose_host_key_is_pinned(
    box: HealthServer, ssh_server: SshServer, context: ssl.SSLContext, fleet_dir: FleetDir, passphrase: Passphrase
) -> None:
    via = f"ssh://root@127.0.0.1:{ssh_server.port}"
    sites = [box.site(via=via), box.site("south", via=via, health_port=1)]

    def ask() -> list[Outcome]:
        with bastions(fleet_dir, sites, passphrase) as forwarded:
            observed = poll(Poller(context, Trust(), limits=PATIENT), sites, forwarded=forwarded)
        return [one.outcome for one in observed]

    # Nothing is pinned: nobody logs in, and no site is called offline for it.
    assert ask() == [Outcome.VIA_FAILED, Outcome.VIA_FAILED]
    write_pin(fleet_dir.known_hosts, f"[127.0.0.1]:{ssh_server.port}", ssh_server.host_key)
    assert ask() == [Outcome.ANSWERED, Outcome.CUT_OFF]


def test_the_command_of_a_bastion_holds_no_secret_and_reads_no_settings(tmp_path: Path) -> None:
    argv = command(Via.of("ssh://jump@b.example:2222"), tmp_path / "known_hosts", tmp_path / "agent",
                   {tmp_path / "0-0": "10.0.0.5:9443"})  # fmt: skip
    assert argv[:3] == ["ssh", "-F", "none"]
    assert {"StrictHostKeyChecking=yes", "BatchMode=yes", "HostKeyAlias=[b.example]:2222", "ForwardAgent=no"} <= set(
        argv
    )
    assert argv[-4:] == ["-L", f"{tmp_path / '0-0'}:10.0.0.5:9443", "--", "b.example"]


@pytest.mark.parametrize(
    "text",
    ["http://h:1", "connect://h", "connect://user@h:1", "ssh://h:22", "ssh://u:secret@h:22", "connect://h:70000",
     "ssh://u@-oProxyCommand=x:22", "ssh://u@h:22/x", "connect://[zz]:1", "ssh://-l@h:22"],
)  # fmt: skip
def test_a_way_that_cannot_be(text: str) -> None:
    with pytest.raises(ValueError):
        Via.of(text)


def test_ways_that_can_be() -> None:
    assert Via.of("connect://proxy.example:3128") == Via("connect", "proxy.example", 3128)
    assert Via.of("ssh://jump@[fd00::1]:22") == Via("ssh", "fd00::1", 22, "jump")
    assert Via.of("ssh://jump@[fd00::1]:22").known_as == "fd00::1"


def test_waiting_doubles_within_bounds() -> None:
    backoff = Backoff(5.0, 300.0, lambda: 0.5)
    assert [backoff.wait_s(failures) for failures in (0, 1, 2, 3, 7, 1000)] == [0, 5, 10, 20, 300, 300]
    assert [Backoff(8.0, 60.0, lambda: 0.0).wait_s(1), Backoff(8.0, 60.0, lambda: 1.0).wait_s(1)] == [6.0, 10.0]


def test_the_limit_of_open_files_is_kept() -> None:
    assert raise_file_limit(10) == 10
    assert 1 <= raise_file_limit(10**9) < 10**9


def test_a_deadline_is_not_shortened_by_a_loop_that_is_held_up() -> None:
    async def held_up() -> bool:
        done = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_later(0.35, done.set_result, True)
        async with Deadline(0.3):
            time.sleep(0.5)
            return await done

    async def waits() -> float:
        started_s = time.monotonic()
        with pytest.raises(TimeoutError):
            async with Deadline(0.2):
                await asyncio.sleep(30)
        return time.monotonic() - started_s

    assert asyncio.run(held_up())
    assert 0.19 < asyncio.run(waits()) < 10


def test_a_cancelled_task_stays_cancelled() -> None:
    async def cancelled() -> None:
        async def inner() -> None:
            async with Deadline(20):
                await asyncio.sleep(30)

        task = asyncio.ensure_future(inner())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
