"""The door in front of the real rsync of a simulated site: simulated slow link and corrupted transfer, and a note of
when it receives. Run as a program without site packages: ROOT RSYNC ARGUMENTS."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

_PIECE = 16 * 1024


def main() -> int:
    root, rsync, *arguments = sys.argv[1:]
    folder = Path(root, "sim")
    faults = _faults(folder / "faults.json")
    before = _sizes(root)
    _tell(folder, "receive", "begin")
    try:
        code = _run([rsync, *arguments], faults.get("slow_kib_s"))
    finally:
        _tell(folder, "receive", "end")
    if code == 0 and faults.get("corrupt_transfers", 0) > 0:
        _corrupt(folder, faults, root, before)
    return code


def _run(argv: list[str], kib_s: int | None) -> int:
    if kib_s is None:
        return subprocess.run(argv, check=False).returncode
    with subprocess.Popen(argv, stdin=subprocess.PIPE) as process:
        assert process.stdin
        began, passed = time.monotonic(), 0
        try:
            while piece := os.read(0, _PIECE):
                process.stdin.write(piece)
                process.stdin.flush()
                passed += len(piece)
                time.sleep(max(0.0, began + passed / (kib_s * 1024) - time.monotonic()))
            process.stdin.close()
        except BrokenPipeError:
            pass
        return process.wait()


def _incoming(root: str) -> list[Path]:
    folder = Path(root, "var/lib/appliance/releases/incoming/images")
    return [path for path in folder.rglob("*") if path.is_file()] if folder.is_dir() else []


def _sizes(root: str) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in _incoming(root)}


def _corrupt(folder: Path, faults: dict, root: str, before: dict[Path, int]) -> None:  # type: ignore[type-arg]
    changed = [path for path in _incoming(root) if before.get(path) != path.stat().st_mtime_ns and path.stat().st_size]
    for path in changed:
        with path.open("r+b") as file:
            middle = path.stat().st_size // 2
            file.seek(middle)
            byte = file.read(1)
            file.seek(middle)
            file.write(bytes([byte[0] ^ 1]))
        _tell(folder, "corrupted", path.name)
    if changed:
        left = {**faults, "corrupt_transfers": faults["corrupt_transfers"] - 1}
        beside = folder / ".faults.new"
        beside.write_text(json.dumps(left))
        beside.replace(folder / "faults.json")


def _faults(path: Path) -> dict:  # type: ignore[type-arg]
    return dict(json.loads(path.read_bytes())) if path.exists() else {}


def _tell(folder: Path, kind: str, what: str) -> None:
    line = json.dumps([time.clock_gettime(time.CLOCK_BOOTTIME), kind, what, str(os.getpid())]).encode() + b"\n"
    descriptor = os.open(folder / "events", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    os.write(descriptor, line)
    os.close(descriptor)


if __name__ == "__main__":
    sys.exit(main())
