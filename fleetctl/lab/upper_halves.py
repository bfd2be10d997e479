"""Makes QEMU's emulation of a guest's AVX faster, where the host's processor makes it slow.

Code that QEMU translates from a guest's AVX leaves the upper halves of the host's vector registers in use. QEMU's own
arithmetic is SSE, and some processors (Sapphire Rapids was seen) pay about 280 cycles for the first SSE instruction
after that. Both of our engines are made of such arithmetic (docs/design/lab.md). A plugin of QEMU's clears the upper
halves, which nobody needs there, before each instruction of that kind. QEMU before 9.1 has no interface that the plugin
could use: there, and everywhere, the C library's fma, which is AVX itself, is replaced by one that clears them.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from fleetctl.lab.accel import AccelKind, cpu_flags
from fleetctl.lab.hosttools import QemuVersion

SOURCE = Path(__file__).with_name("upper_halves.s")
LIBRARY = "upper_halves.so"
_NEEDED = frozenset({"avx", "fma"})
_PLUGINS_SINCE = QemuVersion(9, 1, 0)
_PLUGIN_HELP_TIMEOUT_S = 30


@dataclass(frozen=True)
class Start:
    """What QEMU is started with: arguments behind its own, and an environment (None: as ours)."""

    arguments: tuple[str, ...] = ()
    environment: dict[str, str] | None = None


def prepare(kind: AccelKind, qemu: Path, version: QemuVersion, directory: Path, cpuinfo: str) -> Start:
    """Build the library in `directory`, where QEMU will be started; `cpuinfo` is /proc/cpuinfo's text.

    Nothing is built where nothing is gained. Without an assembler (package binutils) QEMU runs as ever, only slower.
    """
    if kind is not AccelKind.TCG or not cpu_flags(cpuinfo) >= _NEEDED or not _build(directory):
        return Start()
    # Relative to the directory: blanks, commas and colons divide both values, and a user's path may hold them.
    library = f"./{LIBRARY}"
    preloaded = [library, *filter(None, [os.environ.get("LD_PRELOAD")])]
    plugin = ("-plugin", f"file={library}") if version >= _PLUGINS_SINCE and _takes_plugins(qemu) else ()
    return Start(plugin, os.environ | {"LD_PRELOAD": ":".join(preloaded)})


def _takes_plugins(qemu: Path) -> bool:
    """A distribution may build QEMU without them."""
    try:
        asked = subprocess.run(
            [qemu, "-plugin", "help"],
            check=False,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=_PLUGIN_HELP_TIMEOUT_S,
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return asked.returncode == 0


def _build(directory: Path) -> bool:
    assembler, linker = shutil.which("as"), shutil.which("ld")
    if assembler is None or linker is None:
        return False
    built = directory / f"{LIBRARY}.o"
    steps: list[list[str | Path]] = [
        [assembler, "-o", built, SOURCE],
        [linker, "-shared", "-o", directory / LIBRARY, built],
    ]
    try:
        for argv in steps:
            subprocess.run(argv, check=True, capture_output=True, timeout=60)
    except (OSError, subprocess.SubprocessError):
        return False
    finally:
        built.unlink(missing_ok=True)
    return True
