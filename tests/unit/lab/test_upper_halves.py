"""The library that clears upper halves: same numbers, which instructions are marked, and only where it can help."""

from __future__ import annotations

import ctypes
import random
import shutil
import struct
import subprocess
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from fleetctl.lab.accel import AccelKind, cpu_flags
from fleetctl.lab.hosttools import QemuVersion, parse_qemu_version
from fleetctl.lab.trial import EXPECTED_STATUS, MESSAGE, boot_sector, trial_argv
from fleetctl.lab.upper_halves import LIBRARY, Start, prepare

CPUINFO = Path("/proc/cpuinfo").read_text("utf-8")
WITH_FMA = "processor\t: 0\nflags\t\t: fpu sse2 avx fma\n"
here = pytest.mark.skipif(not cpu_flags(CPUINFO) >= {"avx", "fma"}, reason="this processor has no fused multiply-add")
OLD, NEW = QemuVersion(9, 0, 4), QemuVersion(9, 1, 0)
QEMU = Path(shutil.which("qemu-system-x86_64") or "/nowhere/qemu-system-x86_64")

# What the plugin asks of QEMU, each through a place in a table that a test fills.
ASKED = (
    "qemu_plugin_register_vcpu_tb_trans_cb",
    "qemu_plugin_tb_n_insns",
    "qemu_plugin_tb_get_insn",
    "qemu_plugin_insn_data",
    "qemu_plugin_register_vcpu_insn_exec_cb",
)
MARKED = (
    "vfmadd231ps %ymm1, %ymm2, %ymm3", "vfmadd231ps (%rax), %ymm2, %ymm3", "vfmadd213ss %xmm1, %xmm2, %xmm3",
    "vfnmsub132pd %ymm9, %ymm12, %ymm8", "vaddps %ymm1, %ymm2, %ymm3", "vmulps 64(%r9), %ymm10, %ymm3",
    "vcvtdq2ps %ymm1, %ymm2", "vmaxps %ymm1, %ymm2, %ymm3", "vsubsd %xmm1, %xmm2, %xmm3",
)  # fmt: skip
LEFT = (
    "addps %xmm1, %xmm2", "mulss %xmm1, %xmm2", "vmovups (%rax), %ymm1", "vpxor %ymm1, %ymm2, %ymm3",
    "vpaddd %ymm1, %ymm2, %ymm3", "vpmaddubsw %ymm1, %ymm2, %ymm3", "vbroadcastss (%rax), %ymm1", "pop %rax",
    "vpermilps $5, %ymm1, %ymm2", "ret", "movl $0x58c458c5, %eax", "vpsrld $4, %ymm1, %ymm2", "vzeroupper",
)  # fmt: skip


def _float32(value: float) -> float:
    return float(struct.unpack("f", struct.pack("f", value))[0])


def _prepared(
    folder: Path, *, kind: AccelKind = AccelKind.TCG, cpuinfo: str = WITH_FMA, version: QemuVersion = NEW
) -> Start:
    return prepare(kind, QEMU, version, folder, cpuinfo)


@here
def test_it_computes_what_the_c_library_does(tmp_path: Path) -> None:
    _prepared(tmp_path)
    ours, libc = ctypes.CDLL(str(tmp_path / LIBRARY)), ctypes.CDLL("libm.so.6")
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


def _assembled(folder: Path, instruction: str) -> bytes:
    source, built, code = (folder / f"one.{end}" for end in ("s", "o", "bin"))
    source.write_text(instruction + "\n")
    subprocess.run(["as", "-o", built, source], check=True)
    subprocess.run(["objcopy", "-O", "binary", "--only-section=.text", built, code], check=True)
    return code.read_bytes()


@here
def test_the_plugin_marks_arithmetic_on_vectors_and_nothing_else(tmp_path: Path) -> None:
    """It is asked as QEMU asks it: to install itself, and then about a block of instructions."""
    stubs = "".join(f".globl {name}\n{name}: jmp *table+{8 * at}(%rip)\n" for at, name in enumerate(ASKED))
    (tmp_path / "asked.s").write_text(f".text\n{stubs}.bss\n.globl table\ntable: .skip {8 * len(ASKED)}\n")
    subprocess.run(["as", "-o", tmp_path / "asked.o", tmp_path / "asked.s"], check=True)
    linked = ["ld", "-shared", "-Bsymbolic", "-z", "noexecstack", "-o", tmp_path / "asked.so", tmp_path / "asked.o"]
    subprocess.run(linked, check=True)
    asked = ctypes.CDLL(str(tmp_path / "asked.so"), mode=ctypes.RTLD_GLOBAL)

    block = [_assembled(tmp_path, text) for text in (*MARKED, *LEFT)]
    translated: list[int] = []
    marked: dict[int, int] = {}

    def data(instruction: int, target: int, size: int) -> int:
        given = block[instruction - 1][:size]
        ctypes.memmove(target, given, len(given))
        return len(given)

    size, whole = ctypes.c_size_t, ctypes.c_uint64
    answers: list[tuple[Any, Callable[..., Any]]] = [
        (ctypes.CFUNCTYPE(None, whole, size), lambda _, callback: translated.append(callback)),
        (ctypes.CFUNCTYPE(size, size), lambda _: len(block)),
        (ctypes.CFUNCTYPE(size, size, size), lambda _, index: index + 1),
        (ctypes.CFUNCTYPE(size, size, size, size), data),
        (ctypes.CFUNCTYPE(None, size, size, ctypes.c_int, size), lambda one, call, *_: marked.update({one - 1: call})),
    ]
    kept = [kind(answer) for kind, answer in answers]
    table = (size * len(ASKED)).in_dll(asked, "table")
    for at, each in enumerate(kept):
        table[at] = ctypes.cast(each, ctypes.c_void_p).value or 0

    _prepared(tmp_path)
    plugin = ctypes.CDLL(str(tmp_path / LIBRARY))
    assert ctypes.c_int.in_dll(plugin, "qemu_plugin_version").value == 3
    assert plugin.qemu_plugin_install(whole(7), None, 0, None) == 0
    ctypes.CFUNCTYPE(None, whole, size)(translated[0])(7, 1)
    assert sorted(marked) == list(range(len(MARKED)))
    # What runs before a marked instruction returns, and that is all that can be seen of it.
    ctypes.CFUNCTYPE(None, ctypes.c_uint, size)(marked[0])(0, 0)


@here
@pytest.mark.skipif(not QEMU.exists(), reason="no QEMU on this machine")
def test_qemu_runs_a_guest_with_it(tmp_path: Path) -> None:
    version = parse_qemu_version(subprocess.run([QEMU, "--version"], capture_output=True, text=True, check=True).stdout)
    assert version is not None
    start = _prepared(tmp_path, version=version)
    if not start.arguments:
        pytest.skip("this QEMU is too old for the plugin")
    disk, output = tmp_path / "boot.img", tmp_path / "debug.out"
    disk.write_bytes(boot_sector().ljust(1_474_560, b"\0"))
    argv = [*trial_argv(QEMU, "tcg", disk, output), *start.arguments]
    ended = subprocess.run(argv, cwd=tmp_path, env=start.environment, capture_output=True, text=True, timeout=300)
    assert (ended.returncode, ended.stderr) == (EXPECTED_STATUS, "")
    assert output.read_bytes() == MESSAGE


@here
def test_a_program_in_a_folder_with_blanks_and_colons_loads_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LD_PRELOAD", "")
    folder = tmp_path / "a site: one, two"
    folder.mkdir()
    answer = subprocess.run(
        ["cat", "/proc/self/maps"], cwd=folder, env=_prepared(folder, cpuinfo=CPUINFO).environment,
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert f"a site: one, two/{LIBRARY}" in answer.stdout
    assert answer.stderr == ""
    assert [path.name for path in folder.iterdir()] == [LIBRARY]


def test_what_was_preloaded_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LD_PRELOAD", "/usr/lib/other.so")
    assert (_prepared(tmp_path).environment or {})["LD_PRELOAD"] == f"./{LIBRARY}:/usr/lib/other.so"


def test_a_qemu_without_the_interface_gets_no_plugin(tmp_path: Path) -> None:
    old = _prepared(tmp_path, version=OLD)
    assert old.arguments == ()
    assert LIBRARY in (old.environment or {})["LD_PRELOAD"]
    built_without = tmp_path / "qemu"
    built_without.write_text("#!/bin/sh\necho plugin interface not enabled >&2\nexit 1\n")
    built_without.chmod(0o755)
    for qemu in (built_without, tmp_path / "missing"):
        assert prepare(AccelKind.TCG, qemu, NEW, tmp_path, WITH_FMA).arguments == ()


@pytest.mark.parametrize(
    ("kind", "cpuinfo"),
    [(AccelKind.KVM, WITH_FMA), (AccelKind.TCG, "flags : avx\n"), (AccelKind.TCG, "Features : fma avx\n")],
)
def test_nothing_is_built_where_nothing_is_gained(kind: AccelKind, cpuinfo: str, tmp_path: Path) -> None:
    assert _prepared(tmp_path, kind=kind, cpuinfo=cpuinfo) == Start()
    assert list(tmp_path.iterdir()) == []


def test_without_an_assembler_qemu_starts_as_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert _prepared(tmp_path) == Start()
