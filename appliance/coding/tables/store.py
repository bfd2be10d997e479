"""The packs of a box: a folder of files named by their digest, and the lists of those that are in use.

The list of what was imported (`active.json`) is the one thing that an import changes, and it is replaced as a whole; a
pack is written before it is listed, so an import that is cut off leaves the box as it was. An import for the same
system and first day takes the place of an earlier one; the earlier file stays while a decision names it by its digest
(appliance/release/codes_held.py).
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from appliance.coding.tables.builtin import keep
from appliance.coding.tables.layout import PackHead
from appliance.coding.tables.pack import Pack, open_pack, read_pack
from appliance.errors import NotVerifiedError, RefusedError, UnknownStateError

STORE = Path("/var/lib/appliance/codes")
ACTIVE = "active.json"
RELEASE = "release.json"
"""The tables that the running release has brought. Only the release machine (appliance/release/codes.py) writes it."""
_LOCK = ".lock"
_MAKING = ".making-"
_DIGEST = re.compile(r"[0-9a-f]{64}")
_MOST_ACTIVE = 256
_MAX_LIST_BYTES = 64 << 10


@dataclass(frozen=True, slots=True)
class StoredPack:
    """A pack of the folder: whether it is in use, whether by the release, what it says of itself (None: damaged)."""

    digest: str
    active: bool
    of_release: bool
    head: PackHead | None
    size_bytes: int


class PackStore:
    """The packs of a folder. Reading never writes."""

    def __init__(self, folder: Path = STORE) -> None:
        self.folder = folder

    def path(self, digest: str) -> Path:
        """Where a pack lies."""
        return self.folder / f"{digest}.pack"

    @property
    def release_list(self) -> Path:
        """The list of what the running release has brought."""
        return self.folder / RELEASE

    def active(self) -> tuple[str, ...]:
        """Digests of the packs in use: the imported ones, then those of the release, which go before them.

        Raises:
            UnknownStateError: a list cannot be read.
            NotVerifiedError: it is no such list.
        """
        imported, brought = self.imported(), self.of_release()
        return (*(each for each in imported if each not in brought), *brought)

    def imported(self) -> tuple[str, ...]:
        """Digests of what was imported here. Raises as `active`."""
        return self._listed(self.folder / ACTIVE)

    def of_release(self) -> tuple[str, ...]:
        """Digests of what the running release has brought. Raises as `active`."""
        return self._listed(self.release_list)

    def _listed(self, path: Path) -> tuple[str, ...]:
        try:
            with path.open("rb") as file:
                content = file.read(_MAX_LIST_BYTES + 1)
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise UnknownStateError(f"{path}: {error.strerror}", hint="make it readable") from None
        return parse_active(content, str(path))

    def open(self, digest: str) -> Pack:
        """A pack, verified. NotVerifiedError, UnknownStateError."""
        return open_pack(self.path(digest), digest)

    def packs(self) -> list[StoredPack]:
        """Everything in the folder by digest; damaged ones are among them, with no head."""
        active, brought = self.active(), self.of_release()
        found = {path.stem: path for path in self._files()}
        stored = []
        for digest in sorted({*found, *active}):
            head = None
            with contextlib.suppress(NotVerifiedError, UnknownStateError):
                head = self.open(digest).head
            size = found[digest].stat().st_size if digest in found else 0
            stored.append(StoredPack(digest, digest in active, digest in brought, head, size))
        return stored

    def add(self, content: bytes) -> tuple[str, tuple[str, ...]]:
        """Keep a pack and put it in use. Returns its digest and those whose place it took.

        Raises:
            RefusedError: another import is at work.
            UnknownStateError: the folder cannot be written.
            NotVerifiedError: the content is no pack, or one in use is damaged.
        """
        pack = read_pack(content)
        with self.alone():
            before = self.imported()
            replaced = tuple(
                digest for digest in before if digest != pack.digest and _same_place(self.open(digest).head, pack.head)
            )
            if not self.path(pack.digest).exists():
                keep(content, self.path(pack.digest))
            # Whatever lies there now is what will be read.
            self.open(pack.digest)
            self._list([digest for digest in before if digest not in (*replaced, pack.digest)] + [pack.digest])
        return pack.digest, replaced

    def _list(self, digests: Iterable[str]) -> None:
        keep(active_text(digests).encode(), self.folder / ACTIVE)
        descriptor = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _files(self) -> list[Path]:
        if not self.folder.is_dir():
            return []
        return [path for path in self.folder.glob("*.pack") if _DIGEST.fullmatch(path.stem)]

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Be the only one who changes the folder. Raises RefusedError, UnknownStateError when it cannot be written."""
        try:
            if not self.folder.is_dir():
                self.folder.mkdir(parents=True, exist_ok=True)
                # Services read their tables here, and run as users of their own.
                self.folder.chmod(0o755)
            with (self.folder / _LOCK).open("a") as lock:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    raise RefusedError(
                        "another import or removal is at work", hint="try again when it has ended"
                    ) from None
                # What an import left that was cut off; it was never listed.
                for path in self.folder.glob(f"{_MAKING}*"):
                    path.unlink(missing_ok=True)
                yield
        except OSError as error:
            raise UnknownStateError(
                f"{error.filename or self.folder}: {error.strerror}",
                hint="the lists are as they were; make room or rights",
            ) from None


def active_text(digests: Iterable[str]) -> str:
    """The list as it is written."""
    return json.dumps({"packs": sorted(set(digests))}, indent=1) + "\n"


def parse_active(content: bytes, name: str) -> tuple[str, ...]:
    """The digests of a list. NotVerifiedError when it is none."""
    hint = "import the tables again; the packs themselves lie beside it"
    if len(content) > _MAX_LIST_BYTES:
        raise NotVerifiedError(f"{name}: is too long for a list of packs", hint=hint)
    try:
        digests = json.loads(content)["packs"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise NotVerifiedError(f"{name}: is no list of packs", hint=hint) from None
    if (
        not isinstance(digests, list)
        or len(digests) > _MOST_ACTIVE
        or not all(isinstance(each, str) and _DIGEST.fullmatch(each) for each in digests)
    ):
        raise NotVerifiedError(f"{name}: is no list of packs", hint=hint)
    return tuple(digests)


def _same_place(one: PackHead, other: PackHead) -> bool:
    return (one.kind, one.system, one.effective_from) == (other.kind, other.system, other.effective_from)
