"""Recordings on the disk: sealed frame by frame under the encounter's key, never in clear, readable up to a power cut.

A file is a row of frames: 4 bytes length (big endian), then nonce and ciphertext. A frame's place is bound to it, so
frames cannot be swapped, dropped in the middle or moved to another recording; the last frame is empty and says that
the recording ended. Without it the recording was interrupted.
"""

import os
import struct
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO

from appliance.gateway.vault import NONCE_BYTES, EncounterKey, IntegrityError

FRAME_BYTES = 256 * 1024
_TAG_BYTES = 16
_LENGTH = struct.Struct(">I")


def path_of(state_dir: Path, encounter: str, recording: str) -> Path:
    """Return where a recording lies; both are identifiers of ours."""
    return state_dir / "recordings" / encounter / f"{recording}.sealed"


def _place(recording: str, number: int, *, last: bool) -> str:
    return f"recording/{recording}/{number}{'/last' if last else ''}"


class RecordingWriter:
    """Takes bytes as they come. Nothing is kept in clear beyond one frame in memory."""

    def __init__(self, path: Path, recording: str, key: EncounterKey) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        self._file = os.fdopen(descriptor, "wb", buffering=0)
        self._path, self._recording, self._key = path, recording, key
        self._waiting = bytearray()
        self._number = 0
        self.bytes = 0

    def write(self, data: bytes) -> None:
        """Take some bytes. Raises OSError when the disk is full; what was written stays readable."""
        self._waiting += data
        self.bytes += len(data)
        while len(self._waiting) >= FRAME_BYTES:
            self._frame(bytes(self._waiting[:FRAME_BYTES]), last=False)
            del self._waiting[:FRAME_BYTES]

    def flush(self) -> None:
        """Put what was taken so far on the disk: a power cut loses nothing of it."""
        if self._waiting:
            self._frame(bytes(self._waiting), last=False)
            self._waiting.clear()
        os.fsync(self._file.fileno())

    def finish(self) -> None:
        """Mark the end, durable."""
        if self._waiting:
            self._frame(bytes(self._waiting), last=False)
            self._waiting.clear()
        self._frame(b"", last=True)
        os.fsync(self._file.fileno())
        self._file.close()
        folder = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def leave(self) -> None:
        """Keep what is there as an interrupted recording."""
        try:
            if not self._file.closed:
                self.flush()
        finally:
            self._file.close()

    def discard(self) -> None:
        """Remove it."""
        self._file.close()
        self._path.unlink(missing_ok=True)

    def _frame(self, plain: bytes, *, last: bool) -> None:
        sealed = self._key.seal(plain, _place(self._recording, self._number, last=last))
        data = memoryview(_LENGTH.pack(len(sealed)) + sealed)
        while data:
            data = data[self._file.write(data) :]
        self._number += 1


def _exactly(file: IO[bytes], count: int) -> bytes | None:
    data = file.read(count)
    return data if len(data) == count else None


def read(path: Path, recording: str, key: EncounterKey, *, interrupted: bool = False) -> Iterator[bytes]:
    """Yield the recording in pieces.

    Raises IntegrityError if a frame is not what was sealed, or if the end is missing. `interrupted`: a missing end is
    what is expected; the frames that are whole are yielded.
    """
    with path.open("rb") as file:
        number = 0
        while True:
            header = _exactly(file, _LENGTH.size)
            length = _LENGTH.unpack(header)[0] if header else 0
            sealed = _exactly(file, length) if NONCE_BYTES + _TAG_BYTES <= length <= FRAME_BYTES + 64 else None
            if sealed is None:
                if interrupted:
                    return
                raise IntegrityError(
                    f"recording {recording} ends after frame {number} without its end mark",
                    hint="it was cut after it was finished: compare with the audit log",
                )
            if length == NONCE_BYTES + _TAG_BYTES:
                key.open(sealed, _place(recording, number, last=True))
                return
            yield key.open(sealed, _place(recording, number, last=False))
            number += 1


def remove_all(state_dir: Path, encounter: str) -> int:
    """Remove all recordings of an encounter; return how many there were."""
    folder = path_of(state_dir, encounter, "any").parent
    count = 0
    if folder.is_dir():
        for file in folder.iterdir():
            file.unlink(missing_ok=True)
            count += 1
        # A recording that just begins may have made a file: it asks for consent before it is whole, and removes it.
        with suppress(OSError):
            folder.rmdir()
    return count


def remove_strays(state_dir: Path, known: Collection[str]) -> int:
    """Remove the files of recordings that are not among `known`: deleted ones whose process ended before it did so."""
    strays = [file for file in (state_dir / "recordings").glob("*/*") if file.stem not in known]
    for file in strays:
        file.unlink(missing_ok=True)
        with suppress(OSError):  # others of the encounter are there
            file.parent.rmdir()
    return len(strays)
