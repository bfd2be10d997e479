"""A real but tiny guest, to see whether hardware virtualization runs anything at all on this machine."""

from __future__ import annotations

import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

_DEBUG_PORT = 0xE9  # QEMU's isa-debugcon: every byte written here lands in a file on the host
_EXIT_PORT = 0xF4  # QEMU's isa-debug-exit: writing V ends QEMU with status (V << 1) | 1
_EXIT_VALUE = 0x2A
EXPECTED_STATUS = (_EXIT_VALUE << 1) | 1
MESSAGE = b"fleetctl-trial"
TRIAL_DEADLINE_S = 10.0

_ORIGIN = 0x7C00  # the BIOS loads a boot sector here and jumps to it in 16-bit real mode
_FLOPPY_BYTES = 1_474_560  # the BIOS takes the drive's geometry from the size of a 1.44 MB diskette


@dataclass(frozen=True)
class TrialResult:
    """Outcome of the trial: `passed` only if the guest wrote our message and left with our status."""

    passed: bool
    seconds: float
    reason: str


def boot_sector() -> bytes:
    """Our program: write MESSAGE to the debug port, then leave through the exit port. 512 bytes."""
    code = bytearray()
    code += b"\xfc"  # cld                 walk strings upwards
    code += b"\x31\xc0"  # xor  ax, ax
    code += b"\x8e\xd8"  # mov  ds, ax         data segment 0
    text_at = len(code) + 1
    code += b"\xbe\x00\x00"  # mov  si, text       address filled in below
    code += b"\xba" + _DEBUG_PORT.to_bytes(2, "little")  # mov  dx, 0xe9
    code += b"\xb9" + len(MESSAGE).to_bytes(2, "little")  # mov  cx, length
    code += b"\xac"  # next: lodsb         al = [si++]
    code += b"\xee"  # out  dx, al
    code += b"\xe2\xfc"  # loop next
    code += b"\xba" + _EXIT_PORT.to_bytes(2, "little")  # mov  dx, 0xf4
    code += b"\xb0" + bytes([_EXIT_VALUE])  # mov  al, 0x2a
    code += b"\xee"  # out  dx, al         QEMU ends here
    code += b"\xf4\xeb\xfd"  # halt: hlt; jmp halt if it did not
    code[text_at : text_at + 2] = (_ORIGIN + len(code)).to_bytes(2, "little")
    return bytes(code + MESSAGE).ljust(510, b"\0") + b"\x55\xaa"  # the signature that makes it bootable


def trial_argv(qemu: Path, accel: str, disk: Path, output: Path) -> list[str]:
    """QEMU's command line for the trial; nothing but the processor, a diskette and the two ports."""
    return [
        str(qemu), "-nodefaults", "-no-user-config", "-display", "none", "-machine", f"pc,accel={accel}", "-m", "16",
        "-drive", f"if=floppy,format=raw,readonly=on,file={disk}",
        "-chardev", f"file,id=debug,path={output}",
        "-device", f"isa-debugcon,iobase={_DEBUG_PORT:#x},chardev=debug",
        "-device", f"isa-debug-exit,iobase={_EXIT_PORT:#x},iosize=1",
    ]  # fmt: skip


def run_trial(qemu: Path, accel: str, deadline_s: float = TRIAL_DEADLINE_S) -> TrialResult:
    """Boot the program once. A pass is necessary for hardware virtualization, not sufficient: see `accel`."""
    with tempfile.TemporaryDirectory(prefix="fleetctl-trial-") as folder:
        disk, output = Path(folder) / "boot.img", Path(folder) / "debug.out"
        disk.write_bytes(boot_sector().ljust(_FLOPPY_BYTES, b"\0"))
        started = time.monotonic()
        try:
            ended = subprocess.run(
                trial_argv(qemu, accel, disk, output),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=deadline_s,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return TrialResult(False, deadline_s, f"a 512-byte guest did not finish in {deadline_s:g} s")
        except OSError as error:
            return TrialResult(False, time.monotonic() - started, f"QEMU did not start: {error}")
        seconds = time.monotonic() - started
        wrote = output.read_bytes() if output.exists() else b""
    if ended.returncode != EXPECTED_STATUS or wrote != MESSAGE:
        return TrialResult(
            False,
            seconds,
            f"a 512-byte guest ended with status {ended.returncode} "
            f"(wanted {EXPECTED_STATUS}) and wrote {wrote[:40]!r}",
        )
    return TrialResult(True, seconds, f"a 512-byte guest ran in {seconds:.1f} s")
