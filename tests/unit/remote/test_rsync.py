"""rsync against a real sshd: whole, as a delta, cut off and gone on with, refused, slow, and its command line."""

from __future__ import annotations

import os
import random
import shlex
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from appliance.release import incoming
from appliance.release.incoming import Arrivals, WantedFile, prepare
from appliance.release.receivers import writers_of
from fleetctl.errors import ChangeError, NoRoomError, UnreachableError
from fleetctl.models.fleetdir import FleetDir
from fleetctl.models.site import Site
from fleetctl.remote.rsync import (
    SMALL_BLOCK_BYTES,
    Moved,
    Parcel,
    Reading,
    Road,
    block_bytes,
    rsync_argv,
    send,
)
from fleetctl.trust.keystore import KeyStore
from fleetctl.trust.passphrase import Passphrase
from fleetctl.trust.ssh_agent import ssh_agent
from tests.unit.remote.conftest import SshServer

NEW, OLD = "a" * 64, "b" * 64
MIB = 1 << 20


@pytest.fixture(scope="module")
def agent(keystore: KeyStore, passphrase: Passphrase) -> Iterator[Path]:
    with ssh_agent(keystore, passphrase) as socket:
        yield socket


@pytest.fixture
def road(site: Site, pinned: FleetDir, agent: Path) -> Road:
    return Road(site, pinned.known_hosts, agent)


@pytest.fixture
def arrivals(tmp_path: Path) -> Arrivals:
    """A box with no image yet."""
    (tmp_path / "box" / "images").mkdir(parents=True)
    return Arrivals(tmp_path / "box")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """The operator's images, in a folder with every odd character."""
    folder = tmp_path / 'it\'s "ours" 100% $HOME; id'
    folder.mkdir()
    return folder


def content(mib: int, seed: int = 1) -> bytes:
    """No two of its blocks are alike, and nothing of it can be compressed."""
    return random.Random(seed).randbytes(mib * MIB)  # noqa: S311 (no secret)


def parcel_of(
    arrivals: Arrivals, source: Path, *, kib_s: int | None = None, basis: str | None = OLD
) -> tuple[Parcel, int]:
    """What the box says to the new image, as a parcel; and what it had received."""
    size = (source / f"{NEW}.raw").stat().st_size
    answer = prepare(arrivals, WantedFile(NEW, size, basis))
    assert answer.image is not None
    parcel = Parcel(source, (f"{NEW}.raw",), answer.images, basis=answer.image.basis, kib_s=kib_s)
    return parcel, answer.image.received_bytes


def arrived(arrivals: Arrivals) -> bytes:
    return (arrivals.images / f"{NEW}.raw").read_bytes()


def in_background(work: Callable[[], Moved]) -> tuple[threading.Thread, list[BaseException | Moved]]:
    told: list[BaseException | Moved] = []

    def run() -> None:
        try:
            told.append(work())
        except BaseException as problem:
            told.append(problem)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, told


def until(condition: Callable[[], object], what: str) -> None:
    deadline_s = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline_s, what
        time.sleep(0.02)


def temporary(arrivals: Arrivals) -> list[Path]:
    return list(arrivals.images.glob(f".{NEW}.raw.*"))


def test_a_file_arrives_whole_and_the_bytes_on_the_line_are_counted(
    road: Road, arrivals: Arrivals, source: Path
) -> None:
    data = content(3)
    (source / f"{NEW}.raw").write_bytes(data)
    seen: list[int] = []
    moved = send(road, parcel_of(arrivals, source)[0], deadline_s=60, on_progress=seen.append)
    assert arrived(arrivals) == data
    assert moved.literal_bytes == len(data)
    assert len(data) < moved.wire_bytes < len(data) * 1.01
    assert seen[-1] == len(data)
    assert seen == sorted(set(seen))
    assert (arrivals.images / f"{NEW}.raw").stat().st_mode & 0o777 == 0o600
    assert not list(arrivals.images.glob(".partial/*"))


def test_only_what_differs_is_sent_and_the_older_image_stays(road: Road, arrivals: Arrivals, source: Path) -> None:
    old = content(8)
    (arrivals.kept(OLD)).write_bytes(old)
    new = old[: 3 * MIB] + b"changed!" * 512 + old[3 * MIB :]  # moved content too: in place, most of it would be sent
    (source / f"{NEW}.raw").write_bytes(new)
    moved = send(road, parcel_of(arrivals, source)[0], deadline_s=60)
    assert arrived(arrivals) == new
    assert arrivals.kept(OLD).read_bytes() == old
    assert arrivals.kept(OLD).stat().st_ino != (arrivals.images / f"{NEW}.raw").stat().st_ino
    assert moved.literal_bytes <= 4096 + 2 * SMALL_BLOCK_BYTES
    assert moved.wire_bytes < len(new) / 50


def test_a_file_of_the_same_length_and_time_is_compared_all_the_same(
    road: Road, arrivals: Arrivals, source: Path
) -> None:
    old, new = content(1, seed=1), content(1, seed=2)
    for path, data in ((arrivals.kept(OLD), old), (source / f"{NEW}.raw", new)):
        path.write_bytes(data)
        os.utime(path, (1_000_000_000, 1_000_000_000))
    send(road, parcel_of(arrivals, source)[0], deadline_s=60)
    assert arrived(arrivals) == new


def test_a_damaged_file_at_the_box_is_put_right(road: Road, arrivals: Arrivals, source: Path) -> None:
    new = content(2)
    (source / f"{NEW}.raw").write_bytes(new)
    parcel, _ = parcel_of(arrivals, source)
    (arrivals.images / f"{NEW}.raw").write_bytes(new[:MIB] + bytes(4096) + new[MIB + 4096 :])
    moved = send(road, parcel, deadline_s=60)
    assert arrived(arrivals) == new
    assert moved.literal_bytes == SMALL_BLOCK_BYTES


@pytest.mark.slow
def test_goes_on_where_a_killed_receiver_stopped_and_still_uses_the_older_image(
    road: Road, arrivals: Arrivals, source: Path
) -> None:
    """kill -9 at the box, as a power cut does it: a temporary file is left that rsync itself never takes up."""
    old = content(24)
    new = content(16, seed=2) + old[16 * MIB :] + old[: 8 * MIB]
    arrivals.kept(OLD).write_bytes(old)
    (source / f"{NEW}.raw").write_bytes(new)
    parcel, _ = parcel_of(arrivals, source, kib_s=2000)  # seconds lie between the look and its last new byte
    thread, told = in_background(lambda: send(road, parcel, deadline_s=120))
    until(lambda: any(path.stat().st_size > 11 * MIB for path in temporary(arrivals)), "nothing arrives")
    kill_writers(temporary(arrivals)[0])
    thread.join(60)
    assert isinstance(told[0], UnreachableError)
    assert temporary(arrivals)
    parcel, received = parcel_of(arrivals, source)
    assert received > 11 * MIB - 4096
    assert not temporary(arrivals)
    moved = send(road, parcel, deadline_s=120)
    assert arrived(arrivals) == new
    assert moved.literal_bytes < 5.5 * MIB  # of 16 new ones 11 had come, and the other 16 are the older image's
    assert not list(arrivals.images.glob(".partial/*.raw"))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_cut_again_and_again_it_only_ever_gets_further(
    road: Road, arrivals: Arrivals, source: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Receivers are killed, or the operator gives up, at chance places; content moved, came new and stayed."""
    monkeypatch.setattr(incoming, "WORTH_KEEPING_BYTES", 64 << 10)
    chance = random.Random(seed)  # noqa: S311 (no secret)
    old = content(8, seed=10 + seed)
    pieces = [content(1, seed=100 + seed * 10 + each) for each in range(4)]
    pieces += [old[each * MIB : (each + 1) * MIB] for each in range(8)]
    chance.shuffle(pieces)
    new = b"".join(pieces)
    arrivals.kept(OLD).write_bytes(old)
    (source / f"{NEW}.raw").write_bytes(new)
    had = sent = cuts = 0
    while cuts < 3:
        parcel, received = parcel_of(arrivals, source, kib_s=300)  # seconds lie between a place and the end
        assert received >= had
        had, gives_up_at = received, chance.randrange(had, len(new))
        kills = chance.random() < 0.5
        try:
            sent += send(road, parcel, deadline_s=120, on_progress=ending(arrivals, gives_up_at, kills)).literal_bytes
            break
        except (UnreachableError, ChangeError, InterruptedError):
            cuts += 1
            until(lambda kills=kills: kills or not temporary(arrivals), "the receiver goes on")
    assert cuts
    sent += send(road, parcel_of(arrivals, source)[0], deadline_s=120).literal_bytes
    assert arrived(arrivals) == new
    assert arrivals.kept(OLD).read_bytes() == old
    assert sent < 5 * MIB  # what is new, and the blocks at its borders


def ending(arrivals: Arrivals, at: int, kills: bool) -> Callable[[int], None]:
    """Ends the transfer when so many bytes are done: at the box, or here."""

    def end(now: int) -> None:
        if now < at:
            return
        if not kills:
            raise InterruptedError
        for path in temporary(arrivals):
            kill_writers(path)

    return end


def kill_writers(path: Path) -> None:
    for process in writers_of(path):
        with suppress(ProcessLookupError):  # it was through in between
            os.kill(process, signal.SIGKILL)


@pytest.mark.slow
def test_a_slow_transfer_is_given_up_when_asked_and_what_came_is_kept(
    road: Road, arrivals: Arrivals, source: Path
) -> None:
    new = content(16)
    (source / f"{NEW}.raw").write_bytes(new)
    parcel, _ = parcel_of(arrivals, source, kib_s=1000)
    seen: list[int] = []
    started_s = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        send(road, parcel, deadline_s=120, on_progress=seen.append, cancelled=lambda: bool(seen) and seen[-1] > MIB)
    assert time.monotonic() - started_s < 60
    until(lambda: not temporary(arrivals), "the receiver goes on")
    assert parcel_of(arrivals, source)[1] >= MIB
    assert arrivals.images.joinpath(f"{NEW}.raw").exists() is False


def test_who_watches_the_progress_may_end_the_transfer(road: Road, arrivals: Arrivals, source: Path) -> None:
    """The end of a download window, for instance: the exception comes through, and nothing goes on behind it."""
    (source / f"{NEW}.raw").write_bytes(content(4))

    def window_is_over(_: int) -> None:
        raise RuntimeError("the window is over")

    with pytest.raises(RuntimeError, match="window is over"):
        send(road, parcel_of(arrivals, source, kib_s=256)[0], deadline_s=60, on_progress=window_is_over)
    until(lambda: not temporary(arrivals), "the receiver goes on")


def test_a_transfer_has_to_end_in_time(road: Road, arrivals: Arrivals, source: Path) -> None:
    (source / f"{NEW}.raw").write_bytes(content(4))
    with pytest.raises(UnreachableError, match="did not end in time") as caught:
        send(road, parcel_of(arrivals, source, kib_s=64)[0], deadline_s=2)
    assert "kept at the box" in caught.value.hint


def test_another_transfer_of_the_same_image_ends_the_one_before(road: Road, arrivals: Arrivals, source: Path) -> None:
    new = content(4)
    (source / f"{NEW}.raw").write_bytes(new)
    parcel, _ = parcel_of(arrivals, source, kib_s=256)
    thread, told = in_background(lambda: send(road, parcel, deadline_s=120))
    until(lambda: any(path.stat().st_size for path in temporary(arrivals)), "nothing arrives")
    send(road, parcel_of(arrivals, source)[0], deadline_s=60)
    assert arrived(arrivals) == new
    thread.join(60)
    assert isinstance(told[0], UnreachableError | ChangeError)


def test_another_host_key_gets_nothing(
    site: Site, fleet_dir: FleetDir, ssh_server: SshServer, agent: Path, arrivals: Arrivals, source: Path
) -> None:
    (source / f"{NEW}.raw").write_bytes(content(1))
    fleet_dir.known_hosts.write_text(f"north-clinic {ssh_server.other_key}\n")
    # rsync says 255, as ssh did, or 12 when its stream breaks before it has heard of ssh's end.
    with pytest.raises(UnreachableError, match=r"\(rsync (255|12)\).*erification failed"):
        send(Road(site, fleet_dir.known_hosts, agent), parcel_of(arrivals, source)[0], deadline_s=60)
    assert not (arrivals.images / f"{NEW}.raw").exists()


def test_no_key_of_the_agent_and_nobody_else_s_is_offered(
    site: Site, pinned: FleetDir, tmp_path: Path, arrivals: Arrivals, source: Path
) -> None:
    (source / f"{NEW}.raw").write_bytes(content(1))
    with pytest.raises(UnreachableError, match="Permission denied"):
        send(Road(site, pinned.known_hosts, tmp_path / "nobody"), parcel_of(arrivals, source)[0], deadline_s=60)


def test_a_full_disk_is_told_as_one(road: Road, arrivals: Arrivals, source: Path, tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("a small file system is mounted by root")
    mounted = tmp_path / "small"
    mounted.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", mounted], check=False).returncode != 0:
        pytest.skip("nothing can be mounted here")
    try:
        (source / f"{NEW}.raw").write_bytes(content(4))
        parcel = Parcel(source, (f"{NEW}.raw",), str(mounted))
        with pytest.raises(NoRoomError, match="rsync 11"):
            send(road, parcel, deadline_s=60)
    finally:
        subprocess.run(["umount", "--lazy", mounted], check=True)


def test_a_missing_folder_at_the_box_is_a_failed_change(road: Road, source: Path, tmp_path: Path) -> None:
    (source / f"{NEW}.raw").write_bytes(b"x")
    with pytest.raises(ChangeError):
        send(road, Parcel(source, (f"{NEW}.raw",), str(tmp_path / "no" / "such")), deadline_s=60)


def test_the_command_line(site: Site) -> None:
    road = Road(site, Path("/fleets/it's ours/known_hosts"), Path("/run/agent"))
    argv = rsync_argv(
        road, Parcel(Path("/images"), ("a.raw",), "/var/x/images", basis="/var/x/basis/a", kib_s=500), silence_s=60
    )
    assert argv[0] == "rsync"
    assert argv[-3:] == ["--", "./a.raw", "root@north-clinic:/var/x/images/"]
    assert {"--no-inplace", "--partial-dir=.partial", "--ignore-times", "--no-whole-file", "--block-size=4096"} <= {
        *argv
    }
    assert {"--bwlimit=500", "--compare-dest=/var/x/basis/a", "--timeout=60", "--protect-args"} <= {*argv}
    assert not {"--relative", "--inplace", "--delete", "--links", "--archive"} & {*argv}
    shell = next(word for word in argv if word.startswith("--rsh="))
    # rsync doubles a quote where a shell would end the word; without one in it they are the same.
    assert "'UserKnownHostsFile=\"/fleets/it''s ours/known_hosts\"'" in shell
    words = shlex.split(shell.replace("it''s", "its").removeprefix("--rsh="))
    assert words[:4] == ["ssh", "-F", "none", "-T"]
    assert {"HostKeyAlias=north-clinic", "HostName=127.0.0.1", "StrictHostKeyChecking=yes"} <= {*words}
    assert 'IdentityAgent="/run/agent"' in words


def test_blocks_are_small_until_their_sums_would_cost_too_much() -> None:
    assert block_bytes(0) == block_bytes((64 << 20) - 1) == 4096
    assert block_bytes(64 << 20) == block_bytes(4 << 30) == 16_384
    assert block_bytes((4 << 30) + 1) == 32_768
    assert block_bytes(1 << 40) == 1 << 17
    # Of an operating system single blocks change, whatever its size.
    assert block_bytes(1 << 30, system=True) == 4096
    assert block_bytes((1 << 30) + 1, system=True) == 8192


def test_what_rsync_says_is_read_in_bounds() -> None:
    seen: list[int] = []
    reading = Reading(seen.append)
    for part in (b"   10", b"0  5% 1.0MB/s 0:00:01\r   90  4% 1\r", b"x" * 100_000, b"\n  200 10% 1\n", b"Total bytes"):
        reading.take(part)
    assert (seen, reading.bytes_so_far) == ([100, 200], 200)
    reading.take(
        b" sent: 12\nTotal bytes received: 3\nLiteral data: 7 bytes\nTotal bytes sent: 1e9\n" + b"9" * 40 + b" 5%\r"
    )
    assert reading.counted == {"sent": 12, "received": 3, "literal": 7}
    assert len(reading._rest) <= 4096
