"""A crash at any byte of what an append writes: nothing acknowledged is lost, and the log stays one history.

The operations of real appends are recorded, then replayed up to every byte into a new directory, which is then opened.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from appliance.audit import AuditLog, journal
from appliance.audit.canonical import encode
from appliance.audit.disk import Disk
from appliance.audit.verify import verify
from appliance.contract.audit import AuditEntry

Files = dict[str, bytes]
SECTOR = 512


class Recorder(Disk):
    """The real disk, without flushes, that notes what the files were to become."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.done: list[tuple[str, str, bytes, int]] = []
        self._names: dict[int, str] = {}

    def _name(self, path: Path) -> str:
        return str(path.relative_to(self.root))

    def open(self, path: Path) -> int:
        descriptor = super().open(path)
        self._names[descriptor] = self._name(path)
        return descriptor

    def write_at(self, descriptor: int, data: bytes, offset: int) -> None:
        super().write_at(descriptor, data, offset)
        if descriptor in self._names:
            self.done.append(("write", self._names[descriptor], data, offset))

    def sync(self, descriptor: int) -> None:
        if descriptor in self._names:
            self.done.append(("sync", self._names[descriptor], b"", 0))

    def close(self, descriptor: int) -> None:
        del self._names[descriptor]
        super().close(descriptor)

    def replace(self, path: Path, data: bytes, *, mode: int = 0o640) -> None:
        super().replace(path, data, mode=mode)
        self.done.append(("replace", self._name(path), data, mode))

    def sync_directory(self, path: Path) -> None:
        pass


def snapshot(root: Path) -> Files:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def written(old: bytes, data: bytes, offset: int, keep: Callable[[int], bool]) -> bytes:
    """`old` with those bytes of `data` for which keep(position) says that they reached the disk."""
    grown = bytearray(old.ljust(offset + len(data), b"\0"))
    for position, byte in enumerate(data):
        if keep(position):
            grown[offset + position] = byte
    return bytes(grown)


def crashes(files: Files, done: list[tuple[str, str, bytes, int]]) -> Iterator[Files]:
    """Every state of the files that a crash during `done` can leave, and the state at the end."""
    files = dict(files)
    for kind, name, data, offset in done:
        if kind == "write":
            old = files[name]
            grown = bytearray(old.ljust(offset + len(data), b"\0"))
            for position, byte in enumerate(data):
                if grown[offset + position] != byte:
                    grown[offset + position] = byte
                    yield files | {name: bytes(grown)}
            # Nothing was flushed yet: any sectors may be on the disk, and others not.
            for start in range(SECTOR, len(data), SECTOR):
                yield files | {name: written(old, data, offset, lambda at, start=start: at >= start)}
            yield files | {name: written(old, data, offset, lambda at: at // SECTOR % 2 == 1)}
            files[name] = bytes(grown)
        elif kind == "replace":
            temporary = str(Path(name).with_name(f".{Path(name).name}.new"))
            for part in (0, len(data) // 2, len(data)):
                yield files | {temporary: data[:part]}
            files[name] = data
        yield dict(files)


def lay(files: Files, root: Path) -> None:
    shutil.rmtree(root, ignore_errors=True)
    for name, data in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        path.chmod(0o600 if path.name.endswith("key") or ".audit.key" in path.name else 0o640)


def open_at(root: Path, disk: Disk) -> AuditLog:
    return AuditLog.open(root / "log", root / "audit.key", "example.org/audit", disk=disk, publish_interval_s=3600)


def survives(files: Files, root: Path, acknowledged: list[bytes], in_flight: list[bytes], disk: Disk) -> int:
    """Open, check that what was acknowledged is there and at most what was in flight besides, and go on writing."""
    lay(files, root)
    with open_at(root, disk) as log:
        found = [logged.data for logged in log.entries(0, log.size)]
        assert found[: len(acknowledged)] == acknowledged
        assert found[len(acknowledged) :] in ([], in_flight)
    verified = verify(root / "log", log.verifier_key)
    assert verified.newest.size == verified.published.size == len(found)
    return len(found)


@pytest.fixture
def small_journal(monkeypatch: pytest.MonkeyPatch) -> None:
    """A journal that has to grow soon, so that growing is among what crashes."""
    monkeypatch.setattr(journal, "INITIAL_BYTES", 2048)
    monkeypatch.setattr(journal, "GROWTH_BYTES", 1536)


@pytest.mark.usefixtures("small_journal")
@pytest.mark.parametrize("before", [0, *(pytest.param(size, marks=pytest.mark.slow) for size in (1, 2))])
def test_any_byte_of_an_append(
    before: int, tmp_path: Path, entry: Callable[[int], AuditEntry], fast_disk: Disk
) -> None:
    recorder = Recorder(tmp_path / "made")
    log = open_at(tmp_path / "made", recorder)
    for n in range(before):
        log.append(entry(n))
    files = snapshot(tmp_path / "made")
    recorder.done.clear()
    log.append(entry(before))
    done = list(recorder.done)
    log.close()

    acknowledged = [encode(entry(n)) for n in range(before)]
    sizes = {
        survives(state, tmp_path / "after", acknowledged, [encode(entry(before))], fast_disk)
        for state in crashes(files, done)
    }
    assert sizes == {before, before + 1}
    # The last state is the one in which the caller got the receipt.
    last = list(crashes(files, done))[-1]
    assert survives(last, tmp_path / "after", [*acknowledged, encode(entry(before))], [], fast_disk) == before + 1


def test_the_append_that_fills_a_bundle(tmp_path: Path, entry: Callable[[int], AuditEntry], fast_disk: Disk) -> None:
    recorder = Recorder(tmp_path / "made")
    log = open_at(tmp_path / "made", recorder)
    for n in range(255):
        log.append(entry(n))
    log.checkpoint()
    files = snapshot(tmp_path / "made")
    recorder.done.clear()
    log.append(entry(255))
    done = list(recorder.done)
    log.append(entry(256))
    log.close()
    assert sum(kind == "replace" for kind, *_ in done) >= 3
    acknowledged = [encode(entry(n)) for n in range(255)]
    # The writes themselves are those of the test above; here the operations between them count.
    states = list(crashes(files, done))
    sizes = [survives(s, tmp_path / "after", acknowledged, [encode(entry(255))], fast_disk) for s in states[::41]]
    sealing = [s for s in states if any(name.startswith("log/tile/entries/.000") for name in s)] + states[-12:]
    sizes += [survives(s, tmp_path / "after", [*acknowledged, encode(entry(255))], [], fast_disk) for s in sealing]
    assert set(sizes) == {255, 256}


def test_making_the_log(tmp_path: Path, entry: Callable[[int], AuditEntry], fast_disk: Disk) -> None:
    recorder = Recorder(tmp_path / "made")
    open_at(tmp_path / "made", recorder).close()
    states = list(crashes({}, recorder.done))
    assert len(states) > 15
    for state in states:
        lay(state, tmp_path / "after")
        with open_at(tmp_path / "after", fast_disk) as log:
            assert log.append(entry(0)).index == 0


@pytest.mark.usefixtures("small_journal")
def test_recovering_may_crash_as_well(tmp_path: Path, entry: Callable[[int], AuditEntry], fast_disk: Disk) -> None:
    recorder = Recorder(tmp_path / "made")
    log = open_at(tmp_path / "made", recorder)
    log.append(entry(0))
    files = snapshot(tmp_path / "made")
    recorder.done.clear()
    log.append(entry(1))
    done = list(recorder.done)
    log.close()
    entries = [encode(entry(0)), encode(entry(1))]
    states = list(crashes(files, done))
    tried = 0
    for state in states[:: max(1, len(states) // 12)]:
        lay(state, tmp_path / "again")
        again = Recorder(tmp_path / "again")
        open_at(tmp_path / "again", again).close()
        steps = list(crashes(state, again.done))
        tried += len(steps)
        for step in steps[:: max(1, len(steps) // 12)]:
            survives(step, tmp_path / "after", entries[:1], entries[1:], fast_disk)
    assert tried > 100
