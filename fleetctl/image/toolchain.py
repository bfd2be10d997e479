"""The C compiler inside the engine image, out of Debian's packages: what compiling one shared object takes, no more."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from fleetctl.errors import VerificationError
from fleetctl.image.archive import unpack
from fleetctl.image.mirrors import Mirrors
from fleetctl.image.tools import remove_tree

# Triton's launchers include Python.h and are linked with libc alone.
PACKAGES = ("gcc-14", "libc6-dev", "libpython3.13-dev")
_ARCH = "x86_64-linux-gnu"
_LIBRARIES = f"usr/lib/{_ARCH}"
KEPT = (
    *(f"usr/bin/{_ARCH}-{name}" for name in ("gcc-14", "as", "ld", "ld.bfd")),
    *("usr/bin/as", "usr/bin/ld", "usr/bin/ld.bfd"),
    *(f"usr/libexec/gcc/{_ARCH}/14/{name}" for name in ("cc1", "collect2", "liblto_plugin.so")),
    *(f"usr/lib/gcc/{_ARCH}/14/{name}" for name in ("crt*.o", "libgcc.a", "libgcc_s.so*", "include", "include/**/*")),
    *("usr/include/**/*", "usr/lib/linux/uapi/x86/**/*", "usr/lib64/*"),
    *(f"{_LIBRARIES}/{name}" for name in ("crt*.o", "*crt1.o", "libc.so*", "libc_nonshared.a", "libm.so*", "libmvec*")),
    *(f"{_LIBRARIES}/{name}" for name in ("ld-linux*", "libgcc_s.so*", "libpthread*", "libdl*")),
)
# What the compiler itself is linked with, in a folder of its own: a libc beside them would be taken for the box's.
OWN = (
    "libisl",
    "libmpc",
    "libmpfr",
    "libgmp",
    "libzstd",
    "libz",
    "libbfd",
    "libopcodes",
    "libctf",
    "libjansson",
    "libsframe",
)


def lay_toolchain(
    target: Path, work: Path, mirrors: Mirrors, *, log_path: Path, on_line: Callable[[str], None]
) -> list[tuple[str, str]]:
    """Put the compiler into `target` and return name and version of the Debian packages that it came from."""
    unpacked = work / "compiler"
    packages = unpack(PACKAGES, unpacked, mirrors, ("main",), log_path=log_path, on_line=on_line)
    for path in kept(unpacked):
        _copy(path, target / path.relative_to(unpacked))
    for path in own_libraries(unpacked):
        _copy(path, target / "own" / path.name)
    for name in ("lib", "lib64"):
        (target / name).symlink_to(f"usr/{name}")
    remove_tree(unpacked)
    return packages


def kept(root: Path) -> Iterator[Path]:
    """The files and links that compiling takes. Raises `VerificationError` when a pattern finds nothing."""
    for pattern in KEPT:
        found = sorted(root.glob(pattern))
        if not found:
            raise VerificationError(f"the unpacked compiler has no {pattern}", hint="its package changed; see KEPT")
        yield from (path for path in found if path.is_symlink() or path.is_file())


def own_libraries(root: Path) -> Iterator[Path]:
    """The libraries that the compiler's programs load."""
    for name in OWN:
        found = sorted((root / _LIBRARIES).glob(f"{name}[.-]*so*"))
        if not found:
            raise VerificationError(f"the unpacked compiler has no {name}", hint="its package changed; see OWN")
        yield from found


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    shutil.copy2(source, target, follow_symlinks=False)
