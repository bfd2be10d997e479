"""A site's releases over a real sshd and a real rsync. The box behind it is a fake: it says what a test gives it to
say, but makes ready for a transfer as the real one does."""

from __future__ import annotations

import hashlib
import random
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from appliance.contract.envelope import seal
from appliance.contract.release_status import CLINICAL_RESULT, Offer, ReleaseStatus, ReleaseStep, WantedImage
from fleetctl.errors import (
    ChangeError,
    ConfigError,
    FleetctlError,
    RefusedError,
    UnreachableError,
    UsageError,
    VerificationError,
)
from fleetctl.models.fleetdir import FleetDir
from fleetctl.models.rollout import ClinicalSpec
from fleetctl.models.site import Site
from fleetctl.release.local_images import LocalImages
from fleetctl.release.store import ReleaseStore
from fleetctl.remote import release_box
from fleetctl.remote.release_box import SshBox
from fleetctl.remote.rsync import Moved
from fleetctl.rollout.box import Rest
from fleetctl.rollout.clinical_policy import policy_of
from fleetctl.trust.keystore import KeyStore
from fleetctl.trust.passphrase import Passphrase
from fleetctl.trust.ssh_agent import ssh_agent
from tests.fakes.ssh_box import SshFake, served
from tests.fakes.systems import install_system, system
from tests.unit.remote.conftest import SITE

OPERATION = "0123456789abcdef" * 2
NEW, OLD = "a" * 64, "b" * 64
AT = datetime(2026, 11, 26, tzinfo=UTC)
STEP = ReleaseStep(at=AT, phase="draining", text="one visit goes on").model_dump_json()
STATUS = ReleaseStatus(
    site="north-clinic", at=AT, boot_id="b", phase="idle", active=None, previous=None, staged=None,
    minimum_sequence=0, images={}, free_bytes=1,
).model_dump_json()  # fmt: skip
OFFER = Offer(release="2026.11-1", channel="stable", digest="a" * 64).model_dump_json()


@pytest.fixture(scope="module")
def agent(keystore: KeyStore, passphrase: Passphrase) -> Iterator[Path]:
    with ssh_agent(keystore, passphrase) as socket:
        yield socket


@pytest.fixture
def fake(tmp_path: Path, keystore: KeyStore) -> Iterator[SshFake]:
    with served(tmp_path, keystore) as found:
        yield found


@pytest.fixture
def store(fleet_dir: FleetDir, fake: SshFake) -> ReleaseStore:
    """A signed release, as far as a transfer is concerned."""
    fleet_dir.known_hosts.write_text(f"north-clinic {fake.host_key}\n")
    found = ReleaseStore(fleet_dir)
    for path in ("metadata/1.root.json", "metadata/timestamp.json", "targets/stable/2026.11-1/release.json",
                 "targets/stable/2026.11-1/bom.json", "targets/stable/2026.10-9/release.json"):  # fmt: skip
        (found.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (found.folder / path).write_text(path)
    (found.metadata / "link").symlink_to("/etc/passwd")
    found.images.mkdir(parents=True)
    return found


MakeBox = Callable[..., SshBox]


@pytest.fixture
def make(fake: SshFake, fleet_dir: FleetDir, store: ReleaseStore, agent: Path) -> Iterator[MakeBox]:
    site = Site.model_validate(SITE)
    management = site.spec.management.model_copy(update={"ssh_port": fake.port})
    site = site.model_copy(update={"spec": site.spec.model_copy(update={"management": management})})
    made = []

    def make(**options: object) -> SshBox:
        box = SshBox(site, fleet_dir, LocalImages(store), lambda: agent, **options)  # type: ignore[arg-type]
        made.append(box)
        return box

    yield make
    for box in made:
        box.close()


@pytest.fixture
def box(make: MakeBox) -> SshBox:
    return make()


def image(store: ReleaseStore, content: bytes, basis: str | None = OLD) -> WantedImage:
    store.image(NEW).write_bytes(content)
    return WantedImage(
        task="drafting", root_hash=NEW, sha256=hashlib.sha256(content).hexdigest(), size_bytes=len(content),
        basis=basis, received_bytes=0,
    )  # fmt: skip


def content(mib: int) -> bytes:
    return random.Random(mib).randbytes(mib << 20)  # noqa: S311 (no secret)


def test_an_offer_sends_the_metadata_and_this_release_alone(box: SshBox, fake: SshFake) -> None:
    fake.say("offer", STEP + "\n" + OFFER + "\n")
    assert box.offer("2026.11-1", "stable").release == "2026.11-1"
    repository = fake.releases / "incoming" / "repository"
    there = {str(path.relative_to(repository)) for path in repository.rglob("*") if not path.is_dir()}
    assert there == {
        "metadata/1.root.json", "metadata/timestamp.json", "targets/stable/2026.11-1/release.json",
        "targets/stable/2026.11-1/bom.json",
    }  # fmt: skip
    assert fake.asked()[-1] == "release offer 2026.11-1 --channel stable -o json"


def test_an_image_is_sent_as_a_delta_and_counted(box: SshBox, fake: SshFake, store: ReleaseStore) -> None:
    old = content(4)
    (fake.releases / "images").mkdir(parents=True)
    (fake.releases / "images" / f"{OLD}.raw").write_bytes(old)
    new = old[: 1 << 20] + b"x" * 4096 + old[1 << 20 :]
    seen: list[int] = []
    sent = box.receive(image(store, new), kib_s=None, on_progress=seen.append)
    assert (fake.releases / "incoming" / "images" / f"{NEW}.raw").read_bytes() == new
    assert (sent.root_hash, sent.size_bytes) == (NEW, len(new))
    assert 0 < sent.wire_bytes < len(new) / 20
    assert seen[-1] == len(new)


def test_a_system_is_sent_as_a_delta_of_the_running_slot_and_the_copy_of_that_is_gone_then(
    box: SshBox, fake: SshFake, store: ReleaseStore, tmp_path: Path
) -> None:
    old = system(tmp_path, "0.1.0", content(1))
    new = old.parts["usr"][:4096] + b"x" * 4096 + old.parts["usr"][4096:] + old.parts["kernel"]
    install_system(fake.root, old, usr_kib=2048)
    (fake.root / "proc").mkdir()
    (fake.root / "proc/cmdline").write_text(f"usrhash={old.root_hash}\n")
    wanted = image(store, new, old.root_hash).model_copy(update={"task": "system"})
    sent = box.receive(wanted, kib_s=None, on_progress=lambda _: None)
    assert (fake.releases / "incoming/images" / f"{NEW}.raw").read_bytes() == new
    assert sent.wire_bytes < len(new) / 20
    assert sent.no_basis == ""
    assert list((fake.releases / "incoming/basis").iterdir()) == []
    (fake.releases / "incoming/images" / f"{NEW}.raw").unlink()
    (fake.root / "dev/system-disk").unlink()
    whole = box.receive(wanted, kib_s=None, on_progress=lambda _: None)
    assert whole.wire_bytes > len(new) * 0.9
    assert "system-disk: No such file or directory" in whole.no_basis


@pytest.mark.parametrize(("error", "kept"), [(ChangeError, False), (UnreachableError, True)])
def test_a_transfer_that_fails_leaves_a_copy_only_where_the_box_cannot_be_told(
    box: SshBox, fake: SshFake, store: ReleaseStore, tmp_path: Path, error: type[FleetctlError], kept: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    old = system(tmp_path, "0.1.0", content(1))
    install_system(fake.root, old, usr_kib=2048)
    (fake.root / "proc").mkdir()
    (fake.root / "proc/cmdline").write_text(f"usrhash={old.root_hash}\n")

    def broken(*_: object, **__: object) -> Moved:
        assert (fake.releases / "incoming/basis" / NEW / f"{NEW}.raw").stat().st_size > 1 << 20
        raise error("broken", hint="none")

    monkeypatch.setattr(release_box, "send", broken)
    wanted = image(store, content(1), old.root_hash).model_copy(update={"task": "system"})
    with pytest.raises(error):
        box.receive(wanted, kib_s=None, on_progress=lambda _: None)
    assert bool(list((fake.releases / "incoming/basis").iterdir())) == kept


def test_many_threads_may_use_one_box(box: SshBox, fake: SshFake) -> None:
    fake.say("status", STATUS + "\n")
    told: list[str] = []
    threads = [threading.Thread(target=lambda: told.append(box.status().site)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert told == ["north-clinic"] * 6


def test_a_damaged_image_of_ours_is_sent_to_nobody(box: SshBox, fake: SshFake, store: ReleaseStore) -> None:
    wanted = image(store, content(1))
    store.image(NEW).write_bytes(content(1)[:-1] + b"x")
    with pytest.raises(VerificationError, match="SHA-256"):
        box.receive(wanted, kib_s=None, on_progress=lambda _: None)
    assert not (fake.says / "asked").exists()


def test_a_release_that_is_not_signed_is_not_offered(box: SshBox, fake: SshFake) -> None:
    with pytest.raises(ConfigError, match="not signed for beta"):
        box.offer("2026.11-1", "beta")
    assert not (fake.says / "asked").exists()


@pytest.mark.parametrize(("release", "channel"), [("../x", "stable"), ("r1", "a/b"), ("-h", "stable"), ("r1", "")])
def test_names_are_what_the_contract_says(box: SshBox, release: str, channel: str) -> None:
    with pytest.raises(UsageError):
        box.offer(release, channel)


@pytest.mark.parametrize(
    ("code", "kind"), [(1, ChangeError), (5, UnreachableError), (6, RefusedError), (9, VerificationError)]
)
def test_what_the_box_refuses_is_an_error_in_its_words(
    box: SshBox, fake: SshFake, code: int, kind: type[FleetctlError]
) -> None:
    fake.say("stage", STATUS + "\n", "error: no such thing\n  hint: do this\n", code)
    with pytest.raises(kind, match="no such thing") as caught:
        box.stage(OPERATION, "2026.11-1", "stable")
    assert (caught.value.hint, caught.value.host) == ("do this", "north-clinic")


def test_changes_tell_their_steps_and_end_with_the_status(make: MakeBox, fake: SshFake) -> None:
    steps: list[ReleaseStep] = []
    box = make(on_step=steps.append)
    for command in ("stage", "activate", "rollback", "clear"):
        fake.say(command, STEP + "\n" + STATUS + "\n")
    assert box.stage(OPERATION, "r1", "stable").phase == "idle"
    assert box.activate(OPERATION, "r1", drain_timeout_s=60, not_after=AT).phase == "idle"
    assert box.rollback(OPERATION, "it's --bad; $(id)").phase == "idle"
    assert box.clear(OPERATION, "r1").phase == "idle"
    assert [step.text for step in steps] == ["one visit goes on"] * 4
    assert fake.asked()[2] == f"release rollback --operation {OPERATION} --reason=it's --bad; $(id) -o json"


def test_the_evaluation_set_is_there_before_it_is_run(box: SshBox, fake: SshFake) -> None:
    envelope = seal(b"{}", Ed25519PrivateKey.generate(), CLINICAL_RESULT)
    fake.say("evaluate", envelope.decode() + "\n")
    data = b"encounters" * 1000
    clinical = ClinicalSpec(evaluation_set="visits")
    assert box.evaluate(OPERATION, "r1", clinical, data) == envelope
    digest = hashlib.sha256(data).hexdigest()
    assert (fake.releases / "incoming" / "evaluation" / digest).read_bytes() == data
    policy = policy_of(clinical).content().decode()
    assert f"--set {fake.releases}/incoming/evaluation/{digest} --policy {policy} " in fake.asked()[-1]
    assert "--instead" not in fake.asked()[-1]
    for rest, words in (
        (Rest(90, 600), "--timeout 600 --instead --drain-timeout 90 "),
        (Rest(90), "--timeout 43200 --instead --drain-timeout 90 "),
    ):
        assert box.evaluate(OPERATION, "r1", clinical, data, rest=rest) == envelope
        assert words in fake.asked()[-1]


def test_a_gate_that_cannot_run_there_is_a_failure_and_not_a_site_out_of_reach(box: SshBox, fake: SshFake) -> None:
    fake.say("evaluate", STEP + "\n", "error: drafting: its engine does not start\n  hint: look at it\n", 5)
    with pytest.raises(ChangeError, match="drafting: its engine does not start") as caught:
        box.evaluate(OPERATION, "r1", ClinicalSpec(evaluation_set="visits"), b"encounters")
    assert caught.value.hint == "look at it"


def test_a_cut_line_leaves_the_outcome_of_a_change_unknown_and_says_so(box: SshBox, fake: SshFake) -> None:
    fake.say("activate", STEP + "\n")
    (fake.says / "activate.cut").touch()
    with pytest.raises(UnreachableError, match=f"what became of `activate {OPERATION}` is not known") as caught:
        box.activate(OPERATION, "r1", drain_timeout_s=60, not_after=None)
    assert "status" in caught.value.hint
    fake.say("status", STATUS)
    assert box.status().phase == "idle"  # over a new connection


def test_a_connection_that_died_while_nobody_used_it_is_opened_anew(make: MakeBox, fake: SshFake) -> None:
    now_s = [0.0]
    box = make(clock=lambda: now_s[0])
    fake.say("status", STATUS)
    box.status()
    assert box._connection is not None
    box._connection._fabric.transport.sock.shutdown(socket.SHUT_RDWR)
    now_s[0] = 1000.0
    assert box.status().phase == "idle"


@pytest.mark.parametrize(
    ("out", "why"),
    [
        ("x" * 1_100_000, "more than 1048576 bytes in one line"),
        (STATUS + " " * 300_000, "is no answer"),
        ("warning: something\n" + STATUS, "is no answer, line 1"),
        (STATUS.replace("status/v1", "status/v9"), "does not know: 'release-status/v9'"),
        ("", "ended without an answer"),
        (OFFER, "answered with Offer"),
        (STATUS + "\n" + STATUS, "went on after its answer"),
    ],
)
def test_a_hostile_answer_is_no_answer(box: SshBox, fake: SshFake, out: str, why: str) -> None:
    fake.say("status", out)
    with pytest.raises(UnreachableError) as caught:
        box.status()
    assert why in caught.value.message


def test_a_box_that_lies_about_where_to_write_gets_nothing(box: SshBox, fake: SshFake) -> None:
    """Its path becomes a word of a command on the box: one with a blank or a quote in it is no path."""
    (fake.root.parent / "sshd/bin/appliancectl").write_text(
        "#!/bin/sh\n"
        'echo \'{"schema_version":"release-incoming/v1","repository":"/x y","images":"/i","evaluation":"/e",'
        '"free_bytes":1}\'\n'
    )
    with pytest.raises(UnreachableError, match="repository: String should match"):
        box.offer("2026.11-1", "stable")


def test_another_host_key_is_a_failed_verification_and_gets_nothing(
    box: SshBox, fake: SshFake, fleet_dir: FleetDir, store: ReleaseStore, tmp_path: Path
) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "other"], check=True)
    fleet_dir.known_hosts.write_text(f"north-clinic {(tmp_path / 'other.pub').read_text()}")
    with pytest.raises(VerificationError, match="host key mismatch"):
        box.receive(image(store, content(1)), kib_s=None, on_progress=lambda _: None)
    assert not fake.releases.exists()


def test_an_older_box_is_told_as_one(box: SshBox, fake: SshFake) -> None:
    (fake.root.parent / "sshd/bin/appliancectl").unlink()
    with pytest.raises(ChangeError, match="does not know") as caught:
        box.status()
    assert "older" in caught.value.hint


def test_a_disk_that_fills_up_in_the_middle_is_told_in_numbers(box: SshBox, fake: SshFake, store: ReleaseStore) -> None:
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", fake.root], check=False).returncode != 0:
        pytest.skip("nothing can be mounted here")
    try:
        (fake.says / "fill").touch()
        with pytest.raises(RefusedError, match=r"needs \d+ bytes more, 0 are free \(\d+ are kept"):
            box.receive(image(store, content(4)), kib_s=None, on_progress=lambda _: None)
        (fake.root / "filler").unlink()
        box.receive(image(store, content(4)), kib_s=None, on_progress=lambda _: None)
        assert (fake.releases / "incoming/images" / f"{NEW}.raw").read_bytes() == content(4)
    finally:
        subprocess.run(["umount", "--lazy", fake.root], check=True)


def test_a_change_is_not_waited_for_when_the_operator_ends_it(make: MakeBox, fake: SshFake) -> None:
    (fake.says / "stage.hang").touch()
    asked = fake.says / "asked"
    box = make(cancelled=lambda: asked.exists() and "stage" in asked.read_text())
    with pytest.raises(KeyboardInterrupt):
        box.stage(OPERATION, "r1", "stable")
    (fake.says / "stage.hang").unlink()


def test_a_question_leaves_the_change_alone_that_goes_on_over_the_same_connection(make: MakeBox, fake: SshFake) -> None:
    now_s = [0.0]
    box = make(clock=lambda: now_s[0])
    fake.say("status", STATUS)
    fake.say("stage", STATUS)
    hang = fake.says / "stage.hang"
    hang.touch()
    told: list[ReleaseStatus] = []
    thread = threading.Thread(target=lambda: told.append(box.stage(OPERATION, "r1", "stable")))
    thread.start()
    try:
        deadline_s = time.monotonic() + 60
        while not (fake.says / "asked").exists():
            assert time.monotonic() < deadline_s
            time.sleep(0.02)
        connection, now_s[0] = box._connection, 1000.0
        assert box.status().phase == "idle"
        assert box._connection is connection
        assert not told
    finally:
        hang.unlink()
    thread.join(60)
    assert [each.phase for each in told] == ["idle"]
