"""Reads a removable medium that nobody vouches for: plain files under exactly the expected names, up to their length.

Nothing is opened by a path that could lead out: every folder on the way is opened without following links.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from pydantic import ValidationError

from appliance.contract.health_reading import SnapshotError, check_bounds
from fleetctl.errors import UsageError, VerificationError
from fleetctl.nearest import nearest
from fleetctl.release.carry import INDEX, MAX_FILES, MAX_INDEX_BYTES, CarriedFile, CarriedIndex

_HINT = "nothing was copied; ask for a new medium, and look how this one was changed"
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# targets/CHANNEL/NAME/FILE
_MAX_DEPTH = 4


def hostile(words: str) -> VerificationError:
    """The refusal of a medium that is not what was exported."""
    return VerificationError(words, hint=_HINT)


class Medium:
    """One exported release on a medium. Use it as a context."""

    def __init__(self, path: Path) -> None:
        self.path = path
        if not os.path.lexists(path / INDEX):
            inside = sorted(each.parent.name for each in path.glob(f"*/{INDEX}")) if path.is_dir() else []
            beside = sorted(each.parent.name for each in path.parent.glob(f"*/{INDEX}"))
            hint = nearest(path.name, beside, "name the folder that export has made")
            if inside:
                hint = f"name the release's folder: {path / inside[0]}"
            raise UsageError(f"{path} holds no exported release: there is no {INDEX}", hint=hint)
        try:
            # The folder itself was named by the operator: a link to it is his own.
            self._root = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise UsageError(f"{path} cannot be read: {error.strerror}", hint="is the medium mounted?") from None

    def __enter__(self) -> Medium:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._root)

    def index(self) -> CarriedIndex:
        """The index, and that exactly its files are there with their lengths. Raises VerificationError."""
        with self.opened(INDEX) as file:
            content = file.read(MAX_INDEX_BYTES + 1)
        try:
            check_bounds(content, MAX_INDEX_BYTES)
            index = CarriedIndex.model_validate_json(content)
        except ValidationError as problem:
            first = problem.errors(include_url=False, include_context=False, include_input=False)[0]
            place = ".".join(str(each) for each in first["loc"])
            raise hostile(f"{self.path / INDEX}: {place}: {first['msg']}"[:400]) from None
        except SnapshotError as problem:
            raise hostile(f"{self.path / INDEX}: {problem}") from None
        listed = {each.path: each.size_bytes for each in index.files}
        if len(listed) != len(index.files):
            raise hostile(f"{self.path / INDEX} lists a file twice")
        there = self._survey()
        if there.pop(INDEX, None) is None:
            raise hostile(f"{self.path / INDEX} is not spelled so on the medium")
        if strange := sorted(there.keys() - listed.keys()):
            raise hostile(f"{self.path}: {strange[0][:120]!r} is not in the index")
        if lost := sorted(listed.keys() - there.keys()):
            raise hostile(f"{self.path / lost[0]} is missing")
        for path, size in listed.items():
            if there[path] != size:
                raise hostile(f"{self.path / path}: {there[path]:,} bytes; wanted: {size:,}")
        return index

    def read(self, file: CarriedFile, limit: int) -> bytes:
        """A small file, by length and digest of the index."""
        if file.size_bytes > limit:
            raise hostile(f"{self.path / file.path}: {file.size_bytes:,} bytes; at most {limit:,} are right")
        with self.opened(file.path) as opened:
            content = opened.read(file.size_bytes + 1)
        if len(content) != file.size_bytes or hashlib.sha256(content).hexdigest() != file.sha256:
            raise hostile(f"{self.path / file.path} is not what the index says")
        return content

    @contextmanager
    def opened(self, path: str) -> Iterator[BinaryIO]:
        """Open a plain file of the medium; no link is followed anywhere, and no pipe is waited for."""
        *folders, name = path.split("/")
        held = [self._root]
        try:
            for folder in folders:
                held.append(os.open(folder, _DIRECTORY, dir_fd=held[-1]))
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            descriptor = os.open(name, flags, dir_fd=held[-1])
        except OSError as error:
            link = error.errno in (errno.ELOOP, errno.ENOTDIR)
            words = "a symbolic link is on the way" if link else f"cannot be read: {error.strerror}"
            raise hostile(f"{self.path / path}: {words}") from None
        finally:
            for each in held[1:]:
                os.close(each)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise hostile(f"{self.path / path} is no plain file")
            yield file

    def _survey(self) -> dict[str, int]:
        """Path → length of every file. Anything else than folders and plain files is refused."""
        found: dict[str, int] = {}
        folders = [""]
        seen = 0
        while folders:
            prefix = folders.pop()
            for name, status in self._entries(prefix):
                seen += 1
                path = f"{prefix}{name}"
                if seen > MAX_FILES or path.count("/") >= _MAX_DEPTH:
                    raise hostile(f"{self.path} holds more than a release does (at {path[:120]!r})")
                if stat.S_ISDIR(status.st_mode):
                    folders.append(f"{path}/")
                elif stat.S_ISREG(status.st_mode):
                    found[path] = status.st_size
                else:
                    kind = "a symbolic link" if stat.S_ISLNK(status.st_mode) else "no plain file"
                    raise hostile(f"{self.path}: {path[:120]!r} is {kind}")
        return found

    def _entries(self, prefix: str) -> list[tuple[str, os.stat_result]]:
        descriptor = os.open(".", _DIRECTORY, dir_fd=self._root)
        try:
            for folder in prefix.split("/")[:-1]:
                inner = os.open(folder, _DIRECTORY, dir_fd=descriptor)
                os.close(descriptor)
                descriptor = inner
            with os.scandir(descriptor) as entries:
                some = [entry for _, entry in zip(range(MAX_FILES + 1), entries, strict=False)]
                return sorted((entry.name, entry.stat(follow_symlinks=False)) for entry in some)
        except OSError as error:
            raise hostile(f"{self.path / prefix} cannot be read: {error.strerror}") from None
        finally:
            os.close(descriptor)
