"""The agent: one snapshot for all who ask, in three forms, and nothing that hangs holds it up."""

import http.client
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from appliance.contract.envelope import public_key_of
from appliance.contract.health import HealthSnapshot
from appliance.contract.health_reading import read_snapshot
from appliance.contract.signed import open_snapshot
from appliance.errors import UnknownStateError
from appliance.facts.reading import UnreadableError
from appliance.health.agent import Agent, Handler
from appliance.health.answers import STUCK_S, Answers
from appliance.health.asking import Asker
from appliance.health.inputs import ask
from appliance.health.key import ensure_key, read_public_key
from tests.fakes.site import HEALTH_KEY, snapshot

DEADLINE_S = 2.0
"""What a source that hangs costs the first time; the others answer well within it on a loaded machine, too."""


@contextmanager
def serving(path: Path, answers: Answers) -> Iterator[Path]:
    with Agent(path, answers) as agent:
        thread = threading.Thread(target=agent.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield path
        finally:
            agent.shutdown()
            thread.join()


def counted(made: list[HealthSnapshot]) -> Callable[[], HealthSnapshot]:
    def make() -> HealthSnapshot:
        made.append(snapshot(sequence=len(made)))
        return made[-1]

    return make


def test_it_serves_three_routes_and_keeps_a_snapshot_for_two_seconds(tmp_path: Path) -> None:
    now, made = [0.0], list[HealthSnapshot]()
    answers = Answers(counted(made), lambda: HEALTH_KEY, clock=lambda: now[0])
    with serving(tmp_path / "http.sock", answers) as path:
        assert path.stat().st_mode & 0o777 == 0o660
        plain = read_snapshot(ask(path, "/v1/health"))
        assert open_snapshot(ask(path, "/v1/health/signed"), HEALTH_KEY.public_key()) == plain
        assert b"fleetctl_snapshot_sequence 0\n" in ask(path, "/metrics")
        now[0] = 2.0
        ask(path, "/v1/health")
        assert len(made) == 1
        now[0] = 2.1
        assert open_snapshot(ask(path, "/v1/health/signed"), HEALTH_KEY.public_key()).sequence == 1
        assert b"fleetctl_snapshot_sequence 1\n" in ask(path, "/metrics")
        assert len(made) == 2
        with pytest.raises(UnreadableError, match="status 404"):
            ask(path, "/etc/passwd")


def test_many_at_once_get_one_snapshot(tmp_path: Path) -> None:
    made, begin, found = list[HealthSnapshot](), threading.Event(), list[bytes]()

    def slow() -> HealthSnapshot:
        begin.wait(60)
        return counted(made)()

    with serving(tmp_path / "http.sock", Answers(slow, lambda: HEALTH_KEY, clock=lambda: 0.0)) as path:
        threads = [threading.Thread(target=lambda: found.append(ask(path, "/v1/health"))) for _ in range(20)]
        for thread in threads:
            thread.start()
        begin.set()
        for thread in threads:
            thread.join(60)
    assert (len(found), len(set(found)), len(made)) == (20, 1, 1)


def test_a_client_that_says_nothing_holds_up_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Handler, "timeout", 600.0)  # nobody is given up while the others ask
    with (
        serving(tmp_path / "http.sock", Answers(snapshot, lambda: HEALTH_KEY)) as path,
        socket.socket(socket.AF_UNIX) as silent,
    ):
        silent.connect(str(path))
        assert ask(path, "/v1/health", timeout_s=60.0)


def test_a_failing_snapshot_is_answered_without_words(tmp_path: Path) -> None:
    def fails() -> HealthSnapshot:
        raise RuntimeError("secret")

    with (
        serving(tmp_path / "http.sock", Answers(fails, lambda: HEALTH_KEY)) as path,
        socket.socket(socket.AF_UNIX) as client,
    ):
        client.connect(str(path))
        client.sendall(b"GET /v1/health HTTP/1.0\r\n\r\n")
        answer = http.client.HTTPResponse(client)
        answer.begin()
        body = answer.read()
        answer.close()
    assert answer.status == 500
    assert b"secret" not in body


def test_without_a_key_all_but_the_signature_works_and_it_comes_later(tmp_path: Path) -> None:
    keys: list[Ed25519PrivateKey] = []

    def key() -> Ed25519PrivateKey:
        if not keys:
            raise UnknownStateError("not on the state volume", hint="open it")
        return keys[0]

    with serving(tmp_path / "http.sock", Answers(snapshot, key)) as path:
        with pytest.raises(UnreadableError, match="status 503"):
            ask(path, "/v1/health/signed")
        assert ask(path, "/v1/health")
        keys.append(HEALTH_KEY)
        assert open_snapshot(ask(path, "/v1/health/signed"), HEALTH_KEY.public_key())


def test_a_snapshot_that_hangs_is_seen_by_the_watchdog() -> None:
    now, inside, leave = [0.0], threading.Event(), threading.Event()

    def hangs() -> HealthSnapshot:
        inside.set()
        leave.wait(60)
        return snapshot()

    answers = Answers(hangs, lambda: HEALTH_KEY, clock=lambda: now[0])
    thread = threading.Thread(target=answers.plain)
    thread.start()
    assert inside.wait(60)
    assert not answers.stuck()
    now[0] = STUCK_S + 1
    assert answers.stuck()
    leave.set()
    thread.join()
    assert not answers.stuck()


def test_a_source_that_hangs_costs_its_deadline_once_and_one_thread() -> None:
    leave, asked = threading.Event(), list[int]()

    def hangs() -> str:
        asked.append(1)
        leave.wait(60)
        return "late"

    def fails() -> str:
        raise RuntimeError("secret")

    asker = Asker(deadline_s=DEADLINE_S)
    found = asker.all({"slow": hangs, "quick": lambda: 5, "broken": fails})
    assert found["quick"] == 5
    assert "slow has not answered" in str(found["slow"])
    assert str(found["broken"]) == "broken cannot be asked (RuntimeError)"
    begun = time.monotonic()
    again = asker.all({"slow": hangs, "quick": lambda: 6})
    assert again["quick"] == 6
    assert isinstance(again["slow"], UnreadableError)
    assert time.monotonic() - begun < DEADLINE_S
    assert len(asked) == 1
    leave.set()
    until = time.monotonic() + 60
    while asker.all({"slow": lambda: "new"})["slow"] != "new":
        assert time.monotonic() < until


def test_the_key_is_made_once_durably_and_for_its_owner_alone(tmp_path: Path) -> None:
    elsewhere = Path("/proc")  # another file system than the test's
    key = ensure_key(tmp_path, root=elsewhere)
    assert (tmp_path / "health.key").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "health.pub").stat().st_mode & 0o777 == 0o644
    assert ensure_key(tmp_path, root=elsewhere).private_bytes_raw() == key.private_bytes_raw()
    assert public_key_of(read_public_key(tmp_path / "health.pub")) == key.public_key()
    (tmp_path / "health.pub").unlink()  # a crash came between the two
    ensure_key(tmp_path, root=elsewhere)
    assert public_key_of(read_public_key(tmp_path / "health.pub")) == key.public_key()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["health.key", "health.pub"]


def test_a_key_that_is_not_kept_as_it_must_be_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownStateError, match="not on the state volume"):
        ensure_key(tmp_path, root=tmp_path)
    with pytest.raises(UnknownStateError, match="No such file"):
        ensure_key(tmp_path / "absent", root=Path("/proc"))
    ensure_key(tmp_path, root=Path("/proc"))
    (tmp_path / "health.key").chmod(0o640)
    with pytest.raises(UnknownStateError, match="read by others"):
        ensure_key(tmp_path, root=Path("/proc"))
    (tmp_path / "health.key").chmod(0o600)
    (tmp_path / "health.key").write_text("nonsense")
    with pytest.raises(UnknownStateError, match="no private key"):
        ensure_key(tmp_path, root=Path("/proc"))
    with pytest.raises(UnknownStateError, match="no health key"):
        read_public_key(tmp_path / "absent")


def test_the_program_serves_from_its_socket_and_ends_when_told(tmp_path: Path) -> None:
    path = tmp_path / "http.sock"
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); from pathlib import Path; "
        "from appliance.health import __main__ as agent; agent.SOCKET = Path(sys.argv[2]); agent.main()"
    )
    command = [sys.executable, "-I", "-c", code, str(Path(__file__).parents[4]), str(path)]
    process = subprocess.Popen(command)
    try:
        until = time.monotonic() + 60
        body = b""
        while not body:  # the socket is there a moment before anybody listens
            assert process.poll() is None
            assert time.monotonic() < until
            with suppress(UnreadableError):
                body = ask(path, "/v1/health", timeout_s=30)
            time.sleep(0.02)
        found = read_snapshot(body)
        # Nothing of a box is here, and the snapshot says so of each part.
        assert found.verdict in ("critical", "unknown")
        assert found.parts()["storage"].verdict == "unknown"
        with pytest.raises(UnreadableError, match="status 503"):
            ask(path, "/v1/health/signed", timeout_s=30)
        process.terminate()
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait(10)
