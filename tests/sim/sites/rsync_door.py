"""The door in front of the real rsync of a simulated site: simulated slow link and corrupted transfer, and a note of
when it receives. Run as a program without site packages: ROOT RSYNC ARGUMENTS."""

import json
import os
import select
import subprocess
import sys
import time
from pathlib import Path

_PIECE = 16 * 1024


def main() -> int:
    root, rsync, *arguments = sys.argv[1:]
    folder = Path(root, "sim")
    faults = _faults(folder / "faults.json")
    before, began_s = _times(root), time.clock_gettime(time.CLOCK_BOOTTIME)
    code = _run([rsync, *arguments], faults.get("slow_kib_s"))
    changed = [path for path, at in _times(root).items() if before.get(path) != at]
    if changed:
        _tell(folder, "received", changed[0].name, str(began_s))
    if code == 0 and changed and faults.get("corrupt_transfers", 0) > 0:
        _corrupt(folder, faults, changed)
    return code


def _run(argv: list[str], kib_s: int | None) -> int:
    if kib_s is None:
        return subprocess.run(argv, check=False).returncode
    with subprocess.Popen(argv, stdin=subprocess.PIPE) as process:
        assert process.stdin
        began, passed = time.monotonic(), 0
        try:
            # The receiver ends first, and the sender keeps the line open until it sees that.
            while process.poll() is None:
                if not select.select([0], [], [], 0.05)[0]:
                    continue
                if not (piece := os.read(0, _PIECE)):
                    break
                process.stdin.write(piece)
                process.stdin.flush()
                passed += len(piece)
                time.sleep(max(0.0, began + passed / (kib_s * 1024) - time.monotonic()))
            process.stdin.close()
        except BrokenPipeError:
            pass
        return process.wait()


def _times(root: str) -> dict[Path, int]:
    """The images that have arrived or are arriving, and when each was written to."""
    folder = Path(root, "var/lib/appliance/releases/incoming/images")
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*.raw") if path.is_file()}


def _corrupt(folder: Path, faults: dict, changed: list[Path]) -> None:  # type: ignore[type-arg]
    for path in changed:
        with path.open("r+b") as file:
            middle = path.stat().st_size // 2
            file.seek(middle)
            byte = file.read(1)
            file.seek(middle)
            file.write(bytes([byte[0] ^ 1]))
        _tell(folder, "corrupted", path.name, "")
    beside = folder / ".faults.new"
    beside.write_text(json.dumps({**faults, "corrupt_transfers": faults["corrupt_transfers"] - 1}))
    beside.replace(folder / "faults.json")


def _faults(path: Path) -> dict:  # type: ignore[type-arg]
    return dict(json.loads(path.read_bytes())) if path.exists() else {}


def _tell(folder: Path, kind: str, what: str, detail: str) -> None:
    line = json.dumps([time.clock_gettime(time.CLOCK_BOOTTIME), kind, what, detail]).encode() + b"\n"
    descriptor = os.open(folder / "events", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    os.write(descriptor, line)
    os.close(descriptor)


if __name__ == "__main__":
    sys.exit(main())
