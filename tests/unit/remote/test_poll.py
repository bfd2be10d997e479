"""Every outcome of asking a site, each made by a real server over real TLS; and what a poller keeps between rounds."""

from __future__ import annotations

import asyncio
import gzip
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from appliance.contract.signed import seal
from fleetctl.errors import UnreachableError, VerificationError
from fleetctl.models.fleetdir import FleetDir
from fleetctl.models.site import Site
from fleetctl.remote.health_client import HealthClient, identity_of
from fleetctl.remote.poll import Poller, poll
from fleetctl.remote.poll_answer import SeenBefore, Trust
from fleetctl.remote.poll_limits import Backoff, Limits
from fleetctl.remote.poll_outcome import WORDS, Observation, Outcome, Signature
from fleetctl.trust.ca import Authority
from fleetctl.trust.keystore import KeyStore
from fleetctl.trust.passphrase import Passphrase
from tests.fakes import health_server as servers
from tests.fakes.health_server import Behaviour, HealthServer, answer, raw, snapshot_body

Serve = Callable[..., HealthServer]
# Where the answer decides, not the time; and where a deadline is what is seen.
PATIENT = Limits(connect_s=60.0, deadline_s=60.0, total_s=300.0, turn_s=0.1)
QUICK = Limits(connect_s=0.5, deadline_s=0.8, total_s=10.0, turn_s=0.1)


@pytest.fixture(scope="session")
def authority(keystore: KeyStore, passphrase: Passphrase) -> Authority:
    return Authority.open(keystore, passphrase)


@pytest.fixture
def serve(authority: Authority, keystore: KeyStore, tmp_path: Path) -> Iterator[Serve]:
    """Starts a server that behaves as told, with a certificate for `name`."""
    started: list[HealthServer] = []

    def start(behave: Behaviour | None, *, name: str = "lab-1", pem: Path | None = None, **how: Any) -> HealthServer:
        pem = pem or servers.certificate(authority, name, tmp_path)
        started.append(HealthServer(behave, pem, keystore.path("ca.crt"), **how))
        return started[-1]

    yield start
    for server in started:
        server.close()


@pytest.fixture
def context(fleet_dir: FleetDir, passphrase: Passphrase) -> ssl.SSLContext:
    return identity_of(fleet_dir, passphrase).context()


def ask(context: ssl.SSLContext, site: Site, trust: Trust | None = None, **how: Any) -> Observation:
    poller = Poller(context, trust or Trust(), limits=how.pop("limits", PATIENT), **how)
    (observation,) = poll(poller, [site])
    assert observation.site == site.name
    return observation


def test_a_snapshot_is_read_over_mutual_tls(serve: Serve, context: ssl.SSLContext) -> None:
    server = serve(answer(snapshot_body()))
    seen = ask(context, server.site())
    assert (seen.outcome, seen.signature) == (Outcome.ANSWERED, Signature.UNPINNED)
    assert seen.snapshot is not None
    assert seen.snapshot.site == "lab-1"
    assert server.asked == ["GET /v1/health HTTP/1.1"]


def test_a_site_with_a_pinned_key_is_asked_for_a_signed_snapshot(serve: Serve, context: ssl.SSLContext) -> None:
    key = Ed25519PrivateKey.generate()
    body = snapshot_body()
    server = serve(answer(seal(body, key)))
    seen = ask(context, server.site(), Trust({"lab-1": key.public_key()}))
    assert (seen.outcome, seen.signature, seen.body) == (Outcome.ANSWERED, Signature.VERIFIED, body)
    assert server.asked == ["GET /v1/health/signed HTTP/1.1"]


def _other_key() -> bytes:
    return seal(snapshot_body(), Ed25519PrivateKey.generate())


BOMB = gzip.compress(b"0" * 50_000_000)
# A behaviour, the outcome that it is, and words of the detail.
HOSTILE: dict[str, tuple[Behaviour | None, Outcome, str]] = {
    "says nothing": (None, Outcome.TOO_SLOW, "no whole answer in 0.8 s"),
    "drips": (servers.drip, Outcome.TOO_SLOW, "no whole answer in 0.8 s"),
    "endless headers": (servers.endless_headers, Outcome.TOO_LARGE, "bytes of headers"),
    "one long header": (raw(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 20_000), Outcome.TOO_LARGE, "bytes of headers"),
    "announces too much": (answer(b"", length=10**9), Outcome.TOO_LARGE, "1000000000 bytes"),
    "sends less": (raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"), Outcome.CUT_OFF, "4 of 9"),
    "sends more": (answer(b"{}xyz", length=2), Outcome.GARBAGE, "more than the 2 bytes"),
    "hangs up": (raw(b""), Outcome.CUT_OFF, "before an answer"),
    "gzip bomb": (answer(BOMB[:40_000], headers="Content-Encoding: gzip\r\n"), Outcome.GARBAGE, "compressed"),
    "chunks": (raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), Outcome.GARBAGE, "chunked"),
    "two lengths": (answer(b"{}", headers="Content-Length: 7\r\n"), Outcome.GARBAGE, "stands twice"),
    "no length": (raw(b"HTTP/1.1 200 OK\r\n\r\n{}"), Outcome.GARBAGE, "no length"),
    "no HTTP": (raw(b"SSH-2.0-OpenSSH\r\n\r\n"), Outcome.GARBAGE, "no HTTP/1.1"),
    "redirect": (answer(b"", status=302, headers="Location: /elsewhere\r\n"), Outcome.HTTP_ERROR, "never followed"),
    "agent down": (answer(b"", status=502), Outcome.HTTP_ERROR, "status 502"),
    "certificate refused by nginx": (answer(b"", status=400), Outcome.NOT_AUTHORIZED, "status 400"),
    "another unit": (answer(b"", status=403), Outcome.NOT_AUTHORIZED, "status 403"),
    "no JSON": (answer(b"not json"), Outcome.GARBAGE, "not JSON"),
    "an array": (answer(b"[]"), Outcome.GARBAGE, "wanted an object"),
    "deep": (answer(b"[" * 5000), Outcome.GARBAGE, "nested deeper"),
    "not a snapshot": (answer(b'{"schema_version": "health/v3"}'), Outcome.GARBAGE, "no health snapshot"),
    "of the future": (answer(b'{"schema_version": "health/v9"}'), Outcome.VERSION, "health/v9"),
    "another site": (answer(snapshot_body(site="south")), Outcome.WRONG_SITE, "sealed as site south"),
    "no time zone": (answer(snapshot_body().replace(b"Z\"", b"\"", 1)), Outcome.GARBAGE, "taken_at"),
}  # fmt: skip


@pytest.mark.parametrize("case", HOSTILE)
def test_each_misbehaviour_is_its_own_outcome(case: str, serve: Serve, context: ssl.SSLContext) -> None:
    behave, outcome, words = HOSTILE[case]
    seen = ask(context, serve(behave).site(), limits=QUICK if outcome is Outcome.TOO_SLOW else PATIENT)
    assert (seen.outcome, words in seen.detail) == (outcome, True), seen.detail
    assert not seen.answered
    assert seen.next_action
    assert seen.failures == 1
    assert seen.next_ask_at is not None


@pytest.mark.parametrize(
    ("age_s", "outcome"),
    [
        (301, Outcome.STALE),
        (86400, Outcome.STALE),
        (-125, Outcome.AHEAD),
        (290, Outcome.ANSWERED),
        (-110, Outcome.ANSWERED),
    ],
)
def test_a_snapshot_of_another_time_says_nothing_about_now(
    serve: Serve, context: ssl.SSLContext, age_s: int, outcome: Outcome
) -> None:
    taken_at = (datetime.now(UTC) - timedelta(seconds=age_s)).isoformat()
    assert ask(context, serve(answer(snapshot_body(taken_at=taken_at))).site()).outcome is outcome


def test_a_certificate_for_another_site(serve: Serve, context: ssl.SSLContext) -> None:
    seen = ask(context, serve(answer(snapshot_body()), name="south").site())
    assert (seen.outcome, WORDS[seen.outcome].alarming) == (Outcome.WRONG_CERTIFICATE, True)
    assert "lab-1" in seen.detail


def test_a_certificate_of_another_authority(serve: Serve, context: ssl.SSLContext, tmp_path: Path) -> None:
    from cryptography.hazmat.primitives.asymmetric import ec

    from fleetctl.trust.ca import make_authority

    other = make_authority("other", ec.generate_private_key(ec.SECP256R1()))
    pem = servers.certificate(other, "lab-1", tmp_path)
    seen = ask(context, serve(answer(snapshot_body()), pem=pem).site())
    assert seen.outcome is Outcome.WRONG_CERTIFICATE


def test_a_server_that_refuses_our_certificate(serve: Serve, context: ssl.SSLContext) -> None:
    seen = ask(context, serve(answer(snapshot_body()), refuse_clients=True).site())
    assert seen.outcome is Outcome.NOT_AUTHORIZED
    assert "alert" in seen.detail


def test_old_tls_is_no_conversation(serve: Serve, context: ssl.SSLContext) -> None:
    seen = ask(context, serve(answer(snapshot_body()), tls=ssl.TLSVersion.TLSv1_2).site())
    assert (seen.outcome, "no TLS 1.3" in seen.detail) == (Outcome.GARBAGE, True)


def test_a_server_without_tls(serve: Serve, context: ssl.SSLContext) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        def talk() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(100)
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        threading.Thread(target=talk, daemon=True).start()
        seen = ask(context, serve(None).site(health_port=port))
    assert (seen.outcome, "no TLS 1.3" in seen.detail) == (Outcome.GARBAGE, True)


def test_nobody_listens(serve: Serve, context: ssl.SSLContext) -> None:
    server = serve(None)
    server.close()
    assert ask(context, server.site()).outcome is Outcome.REFUSED


def test_nobody_is_there(serve: Serve, context: ssl.SSLContext) -> None:
    """A full queue of connections drops the next one, as a machine that is off does."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        port = full.getsockname()[1]
        waiting = []
        for _ in range(8):
            each = socket.socket()
            each.setblocking(False)
            each.connect_ex(("127.0.0.1", port))
            waiting.append(each)
        seen = ask(context, serve(None).site(health_port=port), limits=QUICK)
        for each in waiting:
            each.close()
    assert (seen.outcome, "no answer in 0.5 s" in seen.detail) == (Outcome.OFFLINE, True)


@pytest.mark.parametrize("body", [_other_key(), snapshot_body(), b"{}"])
def test_what_the_pinned_key_did_not_sign_is_not_believed(serve: Serve, context: ssl.SSLContext, body: bytes) -> None:
    key = Ed25519PrivateKey.generate().public_key()
    seen = ask(context, serve(answer(body)).site(), Trust({"lab-1": key}))
    assert (seen.outcome, seen.snapshot, seen.body) == (Outcome.BAD_SIGNATURE, None, b"")


NOW = datetime.now(UTC)


@pytest.mark.parametrize(
    ("before", "outcome"),
    [
        (SeenBefore("boot", 6, NOW), Outcome.ANSWERED),
        (SeenBefore("boot", 7, NOW - timedelta(seconds=9)), Outcome.REPLAYED),
        (SeenBefore("boot", 8, NOW), Outcome.REPLAYED),
        (SeenBefore("other", 9, NOW), Outcome.ANSWERED),
        (SeenBefore("other", 9, NOW, ("boot",)), Outcome.REPLAYED),
    ],
)
def test_a_snapshot_that_was_seen_before(
    serve: Serve, context: ssl.SSLContext, before: SeenBefore, outcome: Outcome
) -> None:
    server = serve(answer(snapshot_body(boot_id="boot", sequence=7)))
    assert ask(context, server.site(), recall=lambda: {"lab-1": before}).outcome is outcome


def test_the_same_snapshot_again_is_no_replay(serve: Serve, context: ssl.SSLContext) -> None:
    """The agent keeps one for some seconds; the store keeps its time to the millisecond."""
    now = datetime.now(UTC)
    body = snapshot_body(sequence=7, taken_at=now.replace(microsecond=123456).isoformat())
    before = SeenBefore("boot", 7, now.replace(microsecond=123000))
    assert ask(context, serve(answer(body)).site(), recall=lambda: {"lab-1": before}).answered


def test_between_rounds_the_connection_stays_and_what_was_seen_is_known(serve: Serve, context: ssl.SSLContext) -> None:
    began = datetime.now(UTC)
    # A second apart each: a store keeps milliseconds, and two answers can come within one.
    given = iter([(5, -4), (6, -3), (6, -2), (4, -1)])

    def behave(connection: ssl.SSLSocket, request: bytes) -> None:
        number, seconds = next(given)
        body = snapshot_body(sequence=number, taken_at=(began + timedelta(seconds=seconds)).isoformat())
        answer(body)(connection, request)

    server = serve(behave)
    poller = Poller(context, Trust(), limits=PATIENT, keep=True)

    async def rounds() -> list[Outcome]:
        found = [(await poller.round([server.site()], everyone=True))[0].outcome for _ in range(4)]
        poller.close()
        return found

    # The same number with another time is another snapshot, so that it is a replay.
    answered, replayed = Outcome.ANSWERED, Outcome.REPLAYED
    assert asyncio.run(rounds()) == [answered, answered, replayed, replayed]
    assert server.connections == 2  # the one after the replay begins anew


def test_a_closed_connection_is_opened_again_with_a_short_handshake(serve: Serve, context: ssl.SSLContext) -> None:
    def once(connection: ssl.SSLSocket, request: bytes) -> None:
        answer(snapshot_body(sequence=len(server.asked)))(connection, request)
        raise ConnectionAbortedError

    server = serve(once)
    poller = Poller(context, Trust(), limits=PATIENT, keep=True)

    async def rounds() -> list[bool]:
        found = []
        for number in range(1, 4):
            found.append((await poller.round([server.site()], everyone=True))[0].answered)
            while server.ended < number:
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.01)  # once around the loop, which hears of the end
        poller.close()
        return found

    assert asyncio.run(rounds()) == [True, True, True]
    assert server.resumed == [False, True, True]


def test_a_dead_site_is_left_alone_between_rounds_and_keeps_its_last_state(
    serve: Serve, context: ssl.SSLContext
) -> None:
    server = serve(answer(b"", status=502))
    clock = [100.0]
    poller = Poller(context, Trust(), limits=PATIENT, backoff=Backoff(8.0, 60.0, lambda: 0.5), clock=lambda: clock[0])

    def turn(everyone: bool = False) -> Observation:
        return asyncio.run(poller.round([server.site()], everyone=everyone))[0]

    first = turn()
    assert (first.asked, first.failures) == (True, 1)
    assert first.next_ask_at == first.at + timedelta(seconds=8)
    clock[0] += 7.9
    waiting = turn()
    assert (waiting.asked, waiting.outcome, waiting.at) == (False, Outcome.HTTP_ERROR, first.at)
    assert turn(everyone=True).failures == 2
    clock[0] += 16.1
    assert (turn().asked, len(server.asked)) == (True, 3)


def test_dead_sites_do_not_slow_the_others(serve: Serve, context: ssl.SSLContext) -> None:
    """Four times as many silent sites as places: the good ones are done long before the deadline of the silent."""
    silent, good = serve(None), serve(answer(snapshot_body()))
    limits = Limits(connect_s=1.0, deadline_s=4.0, total_s=20.0, conversations=4, turn_s=0.05)
    sites = [silent.site(f"dead-{number}") for number in range(16)] + [good.site()]
    heard: dict[str, float] = {}
    started_s = time.monotonic()
    observed = poll(
        Poller(context, Trust(), limits=limits), sites,
        lambda one: heard.setdefault(one.site, time.monotonic() - started_s),
    )  # fmt: skip
    assert [one.site for one in observed] == [site.name for site in sites]
    assert {one.outcome for one in observed[:-1]} == {Outcome.TOO_SLOW}
    assert heard["lab-1"] < min(seconds for site, seconds in heard.items() if site != "lab-1")


def test_what_the_total_leaves_out_was_not_asked(serve: Serve, context: ssl.SSLContext) -> None:
    seen = ask(context, serve(None).site(), limits=Limits(deadline_s=30.0, total_s=0.3))
    assert (seen.outcome, "0.3 s for the whole fleet" in seen.detail) == (Outcome.NOT_ASKED, True)


def test_a_defect_in_judging_one_site_does_not_hide_the_others(
    serve: Serve, context: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fleetctl.remote import poll_answer

    def fails(body: bytes) -> None:
        raise RecursionError

    monkeypatch.setattr(poll_answer, "read_snapshot", fails)
    good, refused = serve(answer(snapshot_body())), serve(answer(b"", status=502))
    observed = poll(Poller(context, Trust(), limits=PATIENT), [good.site(), refused.site("south")])
    assert [one.outcome for one in observed] == [Outcome.GARBAGE, Outcome.WRONG_CERTIFICATE]


def test_one_snapshot_or_the_reason_why_there_is_none(
    serve: Serve, fleet_dir: FleetDir, passphrase: Passphrase
) -> None:
    client = HealthClient.of(fleet_dir, passphrase)
    assert client.read(serve(answer(snapshot_body())).site()).site == "lab-1"
    with pytest.raises(UnreachableError, match="status 503") as silent:
        client.read(serve(answer(b"", status=503)).site())
    assert (silent.value.exit_code, silent.value.host) == (5, "lab-1")
    with pytest.raises(VerificationError, match="another certificate"):
        client.read(serve(answer(snapshot_body()), name="south").site())
