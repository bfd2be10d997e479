"""The process that loads one GPU: patterns over its memory, the tensor cores, copies both ways, in turns.

One JSON object a line on standard output: `{"call"}` before each call of the driver, `{"totals", "turn"}` after each
step with everything found so far, `{"failed"}` when a call failed, and `{"end": true}` at the very end.

Arguments: the GPU's PCI id, and for how many seconds.
"""

import os
import struct
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from appliance.burnin.cuda import LIBRARY, OUT_OF_MEMORY, CudaError, Driver, Gpu, u32, u64
from appliance.gpu.child import Line, clean

MIB = 1024**2
# Of the memory that is free; the rest is left to the context, and to a driver that counts a little differently.
_SHARE = 0.9
_SMALLER = 0.95
_TRIES = 8

# What is written: the classical patterns of memory tests (all off, all on, every second bit), then words that differ
# from address to address, which finds lines that are mixed up. The seed is what kernels.ptx says.
PATTERNS: tuple[tuple[str, int, int], ...] = (
    ("0x00000000", 0, 0),
    ("0xffffffff", 0, 0xFFFFFFFF),
    ("0x55555555", 0, 0x55555555),
    ("0xaaaaaaaa", 0, 0xAAAAAAAA),
    ("address", 1, 0),
    ("random", 2, 0x2545F491),
)
_THREADS = 256
# Blocks for each multiprocessor: 4 × 8 warps give its four tensor cores something to do while others wait.
_BLOCKS_EACH = 4
# kernels.ptx: one round of a warp is 1024 × 4 products of 16 × 8 × 16 multiply-adds.
_ROUND_FLOP = 1024 * 4 * 16 * 8 * 16 * 2
_WARP = 32

# How long each turn lasts at most: long enough to heat up, short enough that all of the memory comes again soon. A
# short burn-in has shorter turns, so that each of them comes.
_TURN_S = 5.0
_COPY_TURN_S = 1.0
_ROUNDS_AT_LEAST = 3
_LAUNCH_S = 0.25
_COPY_BYTES = 64 * MIB
_RESULT_BYTES = 32
# Which word is made wrong for a proof: any but the first, whose index could be there by chance.
_PROOF_WORD = 4321


class BlindError(Exception):
    """A wrong word that was put into the memory was not found."""


class Load:
    """Everything that is done to one GPU, and what was found."""

    def __init__(self, gpu: Gpu, seconds: float, tell: Callable[..., None]) -> None:
        """Take the memory and load the kernels; raises CudaError."""
        self._gpu, self._tell = gpu, tell
        self._ends_s = time.monotonic() + seconds
        self._turn_s = min(_TURN_S, seconds / 3 / _ROUNDS_AT_LEAST)
        ptx = Path(__file__).with_name("kernels.ptx").read_bytes()
        self._kernels = gpu.functions(ptx, ("fill", "check", "tensor"))
        self._result = gpu.allocate(_RESULT_BYTES)
        self._pinned = gpu.pin(_COPY_BYTES)
        self._memory, self._size = self._take_memory()
        self._blocks = gpu.multiprocessors * _BLOCKS_EACH
        self._rounds = 1
        self._spent: dict[str, list[float]] = {"memory": [0, 0], "tensor": [0, 0], "to_gpu": [0, 0], "from_gpu": [0, 0]}
        self.totals: dict[str, Any] = {"memory_tested_mib": self._size // MIB}

    def _take_memory(self) -> tuple[int, int]:
        size = int(self._gpu.free_bytes() * _SHARE) // MIB * MIB
        for _ in range(_TRIES - 1):
            try:
                return self._gpu.allocate(size), size
            except CudaError as error:  # free memory need not be in one piece
                if error.code != OUT_OF_MEMORY:
                    raise
            size = int(size * _SMALLER) // MIB * MIB
        return self._gpu.allocate(size), size

    def run(self) -> None:
        """Take turns until the time is over; raises CudaError, and BlindError if wrong words would not be seen."""
        self._prove()
        while time.monotonic() < self._ends_s:
            self._memory_turn()
            self._tensor_turn()
            self._copy_turn()

    def _launch(self, kernel: str, arguments: tuple[Any, ...]) -> float:
        gpu = self._gpu
        return gpu.seconds(lambda: gpu.launch(self._kernels[kernel], self._blocks, _THREADS, arguments))

    def _turn_ends_s(self, length_s: float) -> float:
        return min(self._ends_s, time.monotonic() + length_s)

    def _prove(self) -> None:
        """Put one wrong word into a pattern: a check that does not find it would find nothing in any pass."""
        _, kind, seed = PATTERNS[-1]
        pattern = (u64(self._memory), u64(MIB // 4), u32(kind), u32(seed))
        self._gpu.clear(self._result, _RESULT_BYTES // 4)
        self._launch("fill", pattern)
        self._gpu.clear(self._memory + 4 * _PROOF_WORD, 1)
        self._launch("check", (*pattern, u64(self._result)))
        wrong, index = struct.unpack_from("<QQ", self._gpu.read(self._result, _RESULT_BYTES))
        # More than one: this memory is bad, and the check sees it.
        if wrong == 0 or (wrong == 1 and index != _PROOF_WORD):
            raise BlindError

    def _memory_turn(self) -> None:
        ends_s = self._turn_ends_s(self._turn_s)
        while True:
            for name, kind, seed in PATTERNS:
                self._pass(name, kind, seed)
                if time.monotonic() >= self._ends_s:
                    return
            if time.monotonic() >= ends_s:
                return

    def _pass(self, name: str, kind: int, seed: int) -> None:
        """Write one pattern over the whole memory and read it back."""
        gpu, words = self._gpu, self._size // 4
        pattern = (u64(self._memory), u64(words), u32(kind), u32(seed))
        gpu.clear(self._result, _RESULT_BYTES // 4)
        took_s = self._launch("fill", pattern) + self._launch("check", (*pattern, u64(self._result)))
        wrong, index, wanted, seen, _ = struct.unpack_from("<QQIII", gpu.read(self._result, _RESULT_BYTES))
        if wrong and "first_wrong_word" not in self.totals:
            place = {"pattern": name, "offset_bytes": index * 4}
            self.totals["first_wrong_word"] = {**place, "wanted": f"{wanted:#010x}", "seen": f"{seen:#010x}"}
        self._count("memory_passes", 1)
        self._count("memory_errors", wrong)
        self._rate("memory", "memory_gb_per_s", 2 * self._size / 1e9, took_s)

    def _tensor_turn(self) -> None:
        gpu, ends_s = self._gpu, self._turn_ends_s(self._turn_s)
        while time.monotonic() < ends_s:
            gpu.clear(self._result, _RESULT_BYTES // 4)
            took_s = self._launch("tensor", (u64(self._result), u32(self._rounds)))
            (wrong,) = struct.unpack_from("<Q", gpu.read(self._result, _RESULT_BYTES))
            tflop = self._blocks * (_THREADS // _WARP) * self._rounds * _ROUND_FLOP / 1e12
            self._count("tensor_errors", wrong)
            self._rate("tensor", "tensor_tflops", tflop, took_s)
            if took_s < _LAUNCH_S:  # the first launches find out how much this GPU does in a quarter of a second
                self._rounds = min(self._rounds * 2, 1 << 20)

    def _copy_turn(self) -> None:
        gpu, ends_s = self._gpu, self._turn_ends_s(min(_COPY_TURN_S, self._turn_s))
        size = min(_COPY_BYTES, self._size)
        while time.monotonic() < ends_s:
            to_s = gpu.seconds(lambda: gpu.start_copy_to(self._memory, self._pinned, size))
            self._rate("to_gpu", "pcie_to_gpu_gb_per_s", size / 1e9, to_s)
            from_s = gpu.seconds(lambda: gpu.start_copy_from(self._memory, self._pinned, size))
            self._rate("from_gpu", "pcie_from_gpu_gb_per_s", size / 1e9, from_s)

    def _count(self, name: str, more: int) -> None:
        self.totals[name] = self.totals.get(name, 0) + more

    def _rate(self, part: str, name: str, amount: float, took_s: float) -> None:
        spent = self._spent[part]
        spent[0] += amount
        spent[1] += took_s
        if spent[1] > 0:
            self.totals[name] = spent[0] / spent[1]
        self._tell(totals=self.totals, turn=part)


def main() -> None:
    """Load one GPU until the time is over, and write what was found."""
    # Whatever the driver's library prints must not stand between the lines for the parent.
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    tell = Line(out).write
    pci_id, seconds = sys.argv[1:]
    try:
        gpu = Gpu(Driver(lambda name: tell(call=name)), pci_id)
        Load(gpu, float(seconds), tell).run()
    except CudaError as error:
        tell(failed={"call": error.call, "detail": clean(str(error).removeprefix(f"{error.call}: "))})
    except BlindError:
        tell(failed={"call": "check", "detail": "a wrong word that was put into the memory was not found"})
    except OSError as error:
        tell(failed={"call": LIBRARY, "detail": clean(str(error))})
    tell(end=True)


if __name__ == "__main__":
    main()
