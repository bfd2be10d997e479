"""Whether the kernel's clock is kept by a time server, from the kernel itself (adjtimex(2))."""

import ctypes
import errno
import struct
from dataclasses import dataclass

from appliance.facts.reading import UnreadableError

# <sys/timex.h>; the layout of 64-bit Linux: modes, (pad,) offset, freq, maxerror, esterror, status, …
_LAYOUT = struct.Struct("=I4xqqqqi")
_BUFFER_BYTES = 512  # struct timex is 208 bytes; the rest is room
_STA_UNSYNC = 0x0040


@dataclass(frozen=True)
class Clock:
    """The kernel's own estimate. `max_error_ms` grows by 0.5 ms a second while nothing corrects the clock."""

    synchronized: bool
    max_error_ms: float


def parse_timex(buffer: bytes) -> Clock:
    """Parse the start of struct timex."""
    _, _, _, max_error_us, _, status = _LAYOUT.unpack_from(buffer)
    return Clock(not status & _STA_UNSYNC, max_error_us / 1000)


def clock() -> Clock:
    """Read the clock's state. It changes nothing: `modes` is 0."""
    buffer = ctypes.create_string_buffer(_BUFFER_BYTES)
    if ctypes.CDLL(None, use_errno=True).adjtimex(buffer) < 0:
        raise UnreadableError(f"adjtimex: {errno.errorcode.get(ctypes.get_errno(), 'failed')}")
    return parse_timex(buffer.raw)
