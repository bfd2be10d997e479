"""The library in front of the C library's fma: same numbers, and only where it can help."""

from __future__ import annotations

import ctypes
import random
import struct
import subprocess
from fractions import Fraction
from pathlib import Path

import pytest

from fleetctl.lab.accel import AccelKind, cpu_flags
from fleetctl.lab.fma import environment

CPUINFO = Path("/proc/cpuinfo").read_text("utf-8")
WITH_FMA = "processor\t: 0\nflags\t\t: fpu sse2 avx fma\n"
here = pytest.mark.skipif(not cpu_flags(CPUINFO) >= {"avx", "fma"}, reason="this processor has no fused multiply-add")


def _float32(value: float) -> float:
    return float(struct.unpack("f", struct.pack("f", value))[0])


@here
def test_it_computes_what_the_c_library_does(tmp_path: Path) -> None:
    environment(AccelKind.TCG, tmp_path, CPUINFO)
    ours, libc = ctypes.CDLL(str(tmp_path / "fma.so")), ctypes.CDLL("libm.so.6")
    for library in (ours, libc):
        library.fma.argtypes, library.fma.restype = [ctypes.c_double] * 3, ctypes.c_double
        library.fmaf.argtypes, library.fmaf.restype = [ctypes.c_float] * 3, ctypes.c_float
    dice = random.Random(5)  # noqa: S311
    for _ in range(2000):
        a, b, c = (dice.uniform(-2, 2) * 2.0 ** dice.randint(-30, 30) for _ in range(3))
        assert ours.fma(a, b, c) == libc.fma(a, b, c) == float(Fraction(a) * Fraction(b) + Fraction(c))
        a, b, c = map(_float32, (a, b, c))
        assert ours.fmaf(a, b, c) == libc.fmaf(a, b, c)
    # One rounding, not two: what only a fused operation knows.
    assert ours.fma(1 + 2.0**-30, 1 - 2.0**-30, -1.0) == -(2.0**-60)


@here
def test_a_program_in_a_folder_with_blanks_and_colons_loads_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LD_PRELOAD", "")
    folder = tmp_path / "a site: one"
    folder.mkdir()
    answer = subprocess.run(
        ["cat", "/proc/self/maps"], cwd=folder, env=environment(AccelKind.TCG, folder, CPUINFO),
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "a site: one/fma.so" in answer.stdout
    assert answer.stderr == ""
    assert [path.name for path in folder.iterdir()] == ["fma.so"]


def test_what_was_preloaded_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LD_PRELOAD", "/usr/lib/other.so")
    assert (environment(AccelKind.TCG, tmp_path, WITH_FMA) or {})["LD_PRELOAD"] == "./fma.so:/usr/lib/other.so"


@pytest.mark.parametrize(
    ("kind", "cpuinfo"),
    [(AccelKind.KVM, WITH_FMA), (AccelKind.TCG, "flags : avx\n"), (AccelKind.TCG, "Features : fma avx\n")],
)
def test_nothing_is_built_where_nothing_is_gained(kind: AccelKind, cpuinfo: str, tmp_path: Path) -> None:
    assert environment(kind, tmp_path, cpuinfo) is None
    assert list(tmp_path.iterdir()) == []


def test_without_an_assembler_qemu_starts_as_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert environment(AccelKind.TCG, tmp_path, WITH_FMA) is None
