"""The box makes ready for a transfer: what was left is taken up, the older image is the basis, nothing is harmed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from appliance.contract.release_incoming import Incoming, IncomingImage
from appliance.errors import RefusedError, UnknownStateError
from appliance.release.incoming import (
    KEPT_FREE_SHARE,
    SET_KEPT_S,
    WORTH_KEEPING_BYTES,
    Arrivals,
    WantedFile,
    prepare,
    tidy,
)
from appliance.release.partial import Received
from appliance.release.receivers import end_writers, writers_of

NEW, OLD, OTHER = "a" * 64, "b" * 64, "c" * 64
MUCH = WORTH_KEEPING_BYTES
SIZE = 2 * MUCH
TEMPORARY = f".{NEW}.raw.Ab12Cd"


@pytest.fixture
def arrivals(tmp_path: Path) -> Arrivals:
    """A box that has an older image, and was sent something before."""
    box = Arrivals(tmp_path)
    prepare(box, None)
    (tmp_path / "images").mkdir()
    box.kept(OLD).write_bytes(b"o" * 5000)
    return box


def room(free: int, size: int = 0) -> Callable[[Path], tuple[int, int]]:
    return lambda _: (free, size)


def prepared(arrivals: Arrivals, *, basis: str | None = OLD, free: int = 1 << 40, name: str = NEW) -> IncomingImage:
    answer = prepare(arrivals, WantedFile(name, SIZE, basis), room=room(free)).image
    assert answer is not None
    return answer


def basis_file(arrivals: Arrivals) -> Path:
    return arrivals.received.basis_folder(NEW) / f"{NEW}.raw"


def test_folders_are_made_for_root_alone_and_told(tmp_path: Path) -> None:
    answer = prepare(Arrivals(tmp_path / "var"), None, room=room(1000, 1000))
    assert answer.images == f"{tmp_path}/var/incoming/images"
    assert answer.repository == f"{tmp_path}/var/incoming/repository"
    assert answer.free_bytes == 1000 - 1000 * KEPT_FREE_SHARE
    assert answer.image is None
    for folder in (tmp_path / "var").rglob("*"):
        assert folder.stat().st_mode & 0o777 == 0o700
    assert Incoming.model_validate_json(answer.model_dump_json()) == answer


def test_without_anything_all_is_sent(arrivals: Arrivals) -> None:
    answer = prepared(arrivals, basis=OTHER)
    assert (answer.basis, answer.received_bytes, answer.needed_bytes) == (None, 0, SIZE)


def test_the_older_image_is_a_basis_without_a_copy(arrivals: Arrivals) -> None:
    answer = prepared(arrivals)
    assert answer.basis == str(basis_file(arrivals).parent)
    assert basis_file(arrivals).samefile(arrivals.kept(OLD))
    assert prepared(arrivals) == answer  # once more: the same


def test_a_second_name_is_gone_with_the_next_order_so_that_removed_images_free_their_room(arrivals: Arrivals) -> None:
    prepared(arrivals)
    prepared(arrivals, basis=None, name=OTHER)
    assert arrivals.kept(OLD).stat().st_nlink == 1


def test_the_longest_of_what_was_received_begins_the_basis_and_the_older_image_follows(arrivals: Arrivals) -> None:
    (arrivals.images / TEMPORARY).write_bytes(b"t" * (MUCH + 2))
    (arrivals.images / f".{NEW}.raw.zzzzzz").write_bytes(b"z" * MUCH)
    arrivals.received.partial(NEW).write_bytes(b"p" * (MUCH + 1))
    answer = prepared(arrivals)
    assert (answer.received_bytes, answer.appended_bytes) == (MUCH + 2, 5000)
    assert basis_file(arrivals).read_bytes() == b"t" * (MUCH + 2) + b"o" * 5000
    assert not list(arrivals.images.glob(f".{NEW}*"))
    assert not arrivals.received.partial(NEW).exists()
    assert arrivals.kept(OLD).read_bytes() == b"o" * 5000


def test_a_second_order_appends_once(arrivals: Arrivals) -> None:
    arrivals.received.partial(NEW).write_bytes(b"p" * MUCH)
    first = prepared(arrivals)
    assert prepared(arrivals) == first
    assert basis_file(arrivals).stat().st_size == MUCH + 5000


def test_a_transfer_that_broke_off_again_keeps_the_longer(arrivals: Arrivals) -> None:
    arrivals.received.partial(NEW).write_bytes(b"p" * MUCH)
    prepared(arrivals)
    arrivals.received.partial(NEW).write_bytes(b"q" * (MUCH - 1))  # rsync's new one, cut off earlier
    assert prepared(arrivals).received_bytes == MUCH
    arrivals.received.partial(NEW).write_bytes(b"r" * (MUCH + 9))
    assert prepared(arrivals).received_bytes == MUCH + 9
    assert basis_file(arrivals).read_bytes()[: MUCH + 9] == b"r" * (MUCH + 9)


@pytest.mark.parametrize("record", [None, b"", b"{", b'{"inode": 1, "received_bytes": 5}', b'{"received_bytes": "x"}'])
def test_a_basis_that_nobody_vouches_for_is_never_taken_for_received(arrivals: Arrivals, record: bytes | None) -> None:
    basis_file(arrivals).parent.mkdir()
    basis_file(arrivals).write_bytes(b"o" * SIZE)
    if record is not None:
        (basis_file(arrivals).parent / "received").write_bytes(record)
    assert prepared(arrivals, basis=None).received_bytes == 0


@pytest.mark.parametrize("step", range(1, 45, 2))
def test_cut_off_at_any_line_what_was_received_is_all_there_and_no_more(arrivals: Arrivals, step: int) -> None:
    """A process of its own ends at the n-th line that touches what was received, and the next order is given."""
    (arrivals.images / TEMPORARY).write_bytes(b"t" * (MUCH + 2))
    child = os.fork()
    if child == 0:
        sys.settrace(ends_at(step))
        try:
            prepared(arrivals)
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    answer = prepared(arrivals)
    assert (answer.received_bytes, answer.appended_bytes) == (MUCH + 2, 5000)
    assert basis_file(arrivals).read_bytes() == b"t" * (MUCH + 2) + b"o" * 5000


def ends_at(step: int) -> Any:
    lines = 0

    def trace(frame: Any, event: str, _: object) -> Any:
        nonlocal lines
        code = frame.f_code
        if event == "line" and code.co_filename.endswith("partial.py"):
            if code.co_name in ("as_basis", "collect", "_take", "_cut_back"):
                lines += 1
            if lines == step:
                os._exit(9)
        return trace

    return trace


def test_little_that_was_received_is_not_worth_a_copy_of_the_older_image(arrivals: Arrivals) -> None:
    arrivals.received.partial(NEW).write_bytes(b"p" * (MUCH - 1))
    assert prepared(arrivals).received_bytes == 0
    assert basis_file(arrivals).samefile(arrivals.kept(OLD))


def test_without_room_for_a_copy_rsync_goes_on_in_the_partial_file(arrivals: Arrivals) -> None:
    arrivals.received.partial(NEW).write_bytes(b"p" * MUCH)
    answer = prepared(arrivals, free=SIZE - MUCH)
    assert (answer.basis, answer.received_bytes, answer.needed_bytes) == (None, MUCH, SIZE - MUCH)
    assert arrivals.received.partial(NEW).read_bytes() == b"p" * MUCH


def test_without_room_nothing_is_touched_and_the_numbers_are_told(arrivals: Arrivals) -> None:
    arrivals.received.partial(NEW).write_bytes(b"p" * MUCH)
    with pytest.raises(RefusedError, match=f"needs {SIZE - MUCH} bytes more, {SIZE - MUCH - 1} are free"):
        prepared(arrivals, free=SIZE - MUCH - 1)
    assert arrivals.received.partial(NEW).stat().st_size == MUCH


def test_what_was_received_of_other_images_makes_room(arrivals: Arrivals) -> None:
    arrivals.received.partial(OTHER).write_bytes(b"p" * 100)
    (arrivals.images / f".{OTHER}.raw.Ab12Cd").write_bytes(b"t" * 100)

    def now(_: Path) -> tuple[int, int]:
        there = arrivals.received.partial(OTHER).exists() or any(arrivals.images.glob(f".{OTHER}*"))
        return (0 if there else 2 * SIZE), 0

    assert prepare(arrivals, WantedFile(NEW, SIZE, OLD), room=now).image is not None
    assert not arrivals.received.partial(OTHER).exists()


def test_with_room_they_stay(arrivals: Arrivals) -> None:
    arrivals.received.partial(OTHER).write_bytes(b"p" * 100)
    prepared(arrivals)
    assert arrivals.received.partial(OTHER).exists()


@pytest.mark.parametrize("place", ["images", "repository", "basis", "images/.partial"])
def test_a_link_where_a_folder_was_wanted_is_refused(tmp_path: Path, place: str) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / "box" / "incoming" / place).parent.mkdir(parents=True)
    (tmp_path / "box" / "incoming" / place).symlink_to(elsewhere)
    with pytest.raises(RefusedError, match="a folder was wanted"):
        prepare(Arrivals(tmp_path / "box"), WantedFile(NEW, SIZE, OLD))
    assert not list(elsewhere.iterdir())


@pytest.mark.parametrize("name", [f"{NEW}.raw", f".partial/{NEW}.raw", TEMPORARY])
@pytest.mark.parametrize("kind", ["symbolic", "hard"])
def test_a_link_where_a_file_was_wanted_is_refused_and_what_it_means_is_left_alone(
    arrivals: Arrivals, name: str, kind: str
) -> None:
    link = arrivals.images / name
    if kind == "symbolic":
        link.symlink_to(arrivals.kept(OLD))
    else:
        link.hardlink_to(arrivals.kept(OLD))
    with pytest.raises(RefusedError, match=r"regular file was wanted|has 2 names"):
        prepared(arrivals)
    assert arrivals.kept(OLD).read_bytes() == b"o" * 5000


def test_an_image_that_is_a_link_is_no_basis(arrivals: Arrivals, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"s")
    arrivals.kept(OLD).unlink()
    arrivals.kept(OLD).symlink_to(tmp_path / "secret")
    assert prepared(arrivals).basis is None


def test_a_volume_that_cannot_be_written_is_an_unknown_state(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(UnknownStateError, match="Not a directory"):
        prepare(Arrivals(tmp_path / "file" / "releases"), None)


def test_an_evaluation_set_that_nobody_sends_any_more_is_removed(arrivals: Arrivals) -> None:
    for name, at_s in (("a" * 64, 1000.0), ("b" * 64, 2000.0)):
        (arrivals.incoming / "evaluation" / name).write_bytes(b"visits")
        os.utime(arrivals.incoming / "evaluation" / name, (at_s, at_s))
    prepare(arrivals, None, now=lambda: 1500.0 + SET_KEPT_S)
    assert [path.name for path in (arrivals.incoming / "evaluation").iterdir()] == ["b" * 64]


def test_tidying_forgets_what_was_only_needed_to_send(arrivals: Arrivals) -> None:
    arrivals.received.partial(NEW).write_bytes(b"p" * MUCH)
    prepared(arrivals)
    (arrivals.images / TEMPORARY).write_bytes(b"t")
    (arrivals.images / f"{NEW}.raw").write_bytes(b"whole")
    tidy(arrivals, (NEW,))
    assert [path.name for path in arrivals.images.iterdir() if path.is_file()] == [f"{NEW}.raw"]
    assert not list(arrivals.received.bases.iterdir())
    tidy(Arrivals(arrivals.releases / "nothing"), (NEW,))


def test_who_writes_a_file_is_found_and_ended(tmp_path: Path) -> None:
    path = tmp_path / "file"
    program = "import sys, time; file = open(sys.argv[1], 'w'); print('ready', flush=True); time.sleep(600)"
    with subprocess.Popen([sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        assert writers_of(path) == [writer.pid]
        with pytest.raises(RefusedError, match="held open by python"):
            end_writers(path, name_of=lambda _: "python")
        assert writer.poll() is None
        end_writers(
            path, find=lambda each: [] if writer.poll() is not None else writers_of(each), name_of=lambda _: "rsync"
        )
        assert writer.wait(30) < 0


def test_a_receiver_that_does_not_end_is_a_refusal(tmp_path: Path) -> None:
    told: list[int] = []
    with pytest.raises(RefusedError, match="still writes"):
        end_writers(
            tmp_path / "x", find=lambda _: [7], kill=lambda pid, _: told.append(pid), name_of=lambda _: "rsync",
            sleep=lambda _: None,
        )  # fmt: skip
    assert told == [7]  # asked once: a second signal would take it away from its tidying


def test_nothing_is_there_to_be_written(tmp_path: Path) -> None:
    assert writers_of(tmp_path / "nothing") == []
    with pytest.raises(UnknownStateError):
        writers_of(Path(__file__), proc=tmp_path / "no-proc")


def test_a_record_names_the_file_itself(tmp_path: Path) -> None:
    """Another file under the same name is none of what was recorded."""
    received = Received(tmp_path / "images", tmp_path / "basis")
    received.folder.mkdir(parents=True)
    received.bases.mkdir()
    received.partial(NEW).write_bytes(b"p" * 10)
    received.as_basis(NEW, ())
    basis = received.basis_folder(NEW) / f"{NEW}.raw"
    assert json.loads((basis.parent / "received").read_bytes())["inode"] == basis.stat().st_ino
    copy = tmp_path / "copy"
    copy.write_bytes(basis.read_bytes())
    copy.replace(basis)
    assert received.collect(NEW) == 0
