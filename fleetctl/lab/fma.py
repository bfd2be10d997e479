"""A faster fma for QEMU's emulation, where the host's processor makes it slow.

Code that QEMU translates from a guest's AVX leaves the upper halves of the host's vector registers in use. QEMU's own
code is SSE, the C library's fma is AVX, and some processors (Sapphire Rapids was seen) pay for every change between the
two in that state. Both of our engines are made of fused multiply-adds: speech took 7 times longer (docs/design/lab.md).
The two functions here clear the upper halves, which nobody needs across a call, and stand in front of the C library's.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from fleetctl.lab.accel import AccelKind, cpu_flags

SOURCE = Path(__file__).with_name("fma.s")
_LIBRARY = "fma.so"
_NEEDED = frozenset({"avx", "fma"})


def environment(kind: AccelKind, directory: Path, cpuinfo: str) -> dict[str, str] | None:
    """Environment of a QEMU that is started in `directory`, where the library is built; None: as ours, nothing to gain.

    Without an assembler (package binutils) QEMU runs as ever, only slower.
    """
    if kind is not AccelKind.TCG or not cpu_flags(cpuinfo) >= _NEEDED or not _build(directory):
        return None
    # Relative to the directory: blanks and colons divide the variable's value, and a user's path may hold them.
    preloaded = [f"./{_LIBRARY}", *filter(None, [os.environ.get("LD_PRELOAD")])]
    return os.environ | {"LD_PRELOAD": ":".join(preloaded)}


def _build(directory: Path) -> bool:
    assembler, linker = shutil.which("as"), shutil.which("ld")
    if assembler is None or linker is None:
        return False
    built = directory / f"{_LIBRARY}.o"
    steps: list[list[str | Path]] = [
        [assembler, "-o", built, SOURCE],
        [linker, "-shared", "-o", directory / _LIBRARY, built],
    ]
    try:
        for argv in steps:
            subprocess.run(argv, check=True, capture_output=True, timeout=60)
    except (OSError, subprocess.SubprocessError):
        return False
    finally:
        built.unlink(missing_ok=True)
    return True
