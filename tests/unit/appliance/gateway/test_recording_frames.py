"""The sealed file of a recording: cut, swapped, moved and damaged."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from appliance.gateway import recordings
from appliance.gateway.recordings import FRAME_BYTES, RecordingWriter
from appliance.gateway.vault import EncounterKey, IntegrityError, Vault

SOUND = bytes(range(256)) * 3000  # 768,000 bytes: two whole frames and a part


@pytest.fixture
def key() -> EncounterKey:
    return Vault(b"m" * 32).new_key("e")[0]


@pytest.fixture
def file(tmp_path: Path, key: EncounterKey) -> Path:
    path = tmp_path / "e/r.sealed"
    writer = RecordingWriter(path, "r", key)
    for at in range(0, len(SOUND), 10_000):
        writer.write(SOUND[at : at + 10_000])
    writer.finish()
    assert writer.bytes == len(SOUND)
    return path


def frames(path: Path) -> list[bytes]:
    data, found, at = path.read_bytes(), [], 0
    while at < len(data):
        length = 4 + struct.unpack_from(">I", data, at)[0]
        found.append(data[at : at + length])
        at += length
    return found


def test_it_reads_back(file: Path, key: EncounterKey) -> None:
    assert b"".join(recordings.read(file, "r", key)) == SOUND
    assert len(frames(file)) == 4
    assert SOUND[:64] not in file.read_bytes()
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_a_file_cut_at_a_border_of_frames_is_no_whole_recording(file: Path, key: EncounterKey, count: int) -> None:
    file.write_bytes(b"".join(frames(file)[:count]))
    with pytest.raises(IntegrityError, match="without its end mark"):
        list(recordings.read(file, "r", key))
    assert b"".join(recordings.read(file, "r", key, interrupted=True)) == SOUND[: count * FRAME_BYTES]


def test_a_file_cut_anywhere_keeps_the_frames_before(file: Path, key: EncounterKey) -> None:
    whole = frames(file)
    data = file.read_bytes()
    first = len(whole[0])
    for cut in (1, 3, 4, 5, 40, first - 1, first + 1, first + 4, first + len(whole[1]) - 1):
        file.write_bytes(data[:cut])
        with pytest.raises(IntegrityError):
            list(recordings.read(file, "r", key))
        assert b"".join(recordings.read(file, "r", key, interrupted=True)) == SOUND[: cut // first * FRAME_BYTES]


@pytest.mark.parametrize("order", [(1, 0, 2, 3), (0, 2, 3), (1, 2, 3), (0, 0, 1, 2, 3), (3,), (0, 1, 3)])
def test_frames_out_of_their_place_do_not_open(file: Path, key: EncounterKey, order: tuple[int, ...]) -> None:
    whole = frames(file)
    file.write_bytes(b"".join(whole[number] for number in order))
    with pytest.raises(IntegrityError):
        list(recordings.read(file, "r", key))


def test_a_recording_moved_to_another_or_under_another_key_does_not_open(file: Path, key: EncounterKey) -> None:
    with pytest.raises(IntegrityError):
        list(recordings.read(file, "other", key))
    with pytest.raises(IntegrityError):
        list(recordings.read(file, "r", Vault(b"m" * 32).new_key("e")[0]))


@pytest.mark.parametrize("length", [0, 27, FRAME_BYTES + 65, 0xFFFFFFFF])
def test_a_length_out_of_bounds_reads_nothing_more(file: Path, key: EncounterKey, length: int) -> None:
    data = bytearray(file.read_bytes())
    data[:4] = struct.pack(">I", length)
    file.write_bytes(data)
    with pytest.raises(IntegrityError):
        list(recordings.read(file, "r", key))


def test_what_was_flushed_is_there_without_an_end(tmp_path: Path, key: EncounterKey) -> None:
    path = tmp_path / "e/r.sealed"
    writer = RecordingWriter(path, "r", key)
    writer.write(b"first")
    writer.flush()
    assert b"".join(recordings.read(path, "r", key, interrupted=True)) == b"first"
    writer.write(b" second")
    writer.leave()
    assert b"".join(recordings.read(path, "r", key, interrupted=True)) == b"first second"


def test_a_file_is_never_written_over(file: Path, key: EncounterKey) -> None:
    with pytest.raises(FileExistsError):
        RecordingWriter(file, "r", key)


def test_all_of_an_encounter_go_and_only_those(tmp_path: Path, key: EncounterKey) -> None:
    for encounter in ("e1", "e2"):
        for number in range(3):
            RecordingWriter(recordings.path_of(tmp_path, encounter, f"r{number}"), f"r{number}", key).finish()
    assert recordings.remove_all(tmp_path, "e1") == 3
    assert recordings.remove_all(tmp_path, "e1") == 0
    assert len(list((tmp_path / "recordings").glob("*/*"))) == 3
