"""rsync over the pinned SSH connection: files go to a box, as a delta where it has something like them.

Into a temporary file, never in place: an image that differs by moved content would be sent nearly whole, and the file
that a delta starts from must stay what it is. What rsync says it has transferred is a claim of the sender's; the box
compares digests before it believes in a file.
"""

from __future__ import annotations

import os
import re
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from appliance.contract.release_incoming import PARTIAL_FOLDER
from fleetctl.errors import ChangeError, FleetctlError, NoRoomError, UnreachableError
from fleetctl.models.site import Site
from fleetctl.remote.connection import CONNECT_TIMEOUT_S, KEEPALIVE_S, USER
from fleetctl.remote.ssh_options import NO_CONFIGURATION, option_words, pinned_options
from fleetctl.remote.ssh_way import way_options

# Measured on 126 MiB of weights: of 4, 16 and 64 KiB the second moves the least when two layers of ten change. Smaller
# blocks cost more in sums than they find, because what changes in a model are whole tensors. In a small image the sums
# are nothing, and erofs moves content by its own blocks.
BLOCK_BYTES = 16_384
SMALL_BLOCK_BYTES = 4096
SMALL_IMAGE_BYTES = 64 << 20
# The same for an operating system of any size: what changes in a compressed /usr are many single blocks. Measured on
# 755 MB, two builds of a day: 9.9 MB cross with 4 KiB, 16.4 MB with 16.
SYSTEM_BLOCK_BYTES = 4096
# rsync's own limit (MAX_BLOCK_SIZE).
MAX_BLOCK_BYTES = 1 << 17
# Sums cost the sender about 40 bytes of memory and the line some seven bytes for each block.
MAX_BLOCKS = 1 << 18
# Both ends give up when nothing moves. A box that reads a large basis from a slow disk says nothing for a while.
SILENCE_S = 300.0

_LINE_LIMIT_BYTES = 4096
_KEPT_BYTES = 8192
_PROGRESS = re.compile(r"^\s*(\d{1,18})\s+\d{1,3}%\s")
_SENT = re.compile(r"^Total bytes sent: (\d{1,18})$")
_RECEIVED = re.compile(r"^Total bytes received: (\d{1,18})$")
_LITERAL = re.compile(r"^Literal data: (\d{1,18}) bytes$")
_END_S = 10.0

# rsync(1), EXIT VALUES. Those of the connection: what happened at the other end is not known.
_FILE_IO = 11
_CONNECTION = {10, 12, 30, 35, 255}
_NOT_THERE = 127


@dataclass(frozen=True)
class Road:
    """How a site is reached over SSH."""

    site: Site
    known_hosts: Path
    agent_socket: Path

    def shell(self) -> str:
        """The value of rsync's -e: ssh with the site's pinned key alone."""
        management = self.site.spec.management
        options = pinned_options(self.site.name, self.known_hosts, self.agent_socket) | {
            # The destination is written with the site's name, so that no form of an address is parsed by rsync.
            "HostName": management.address,
            "Port": str(management.ssh_port),
            "BatchMode": "yes",
            "ForwardAgent": "no",
            "ConnectTimeout": str(CONNECT_TIMEOUT_S),
            "ServerAliveInterval": str(KEEPALIVE_S),
            "ServerAliveCountMax": "8",
            "LogLevel": "ERROR",
        }
        options |= way_options(self.site, self.known_hosts, self.agent_socket)
        return " ".join(map(_word, ["ssh", *NO_CONFIGURATION, "-T", *option_words(options)]))


@dataclass(frozen=True)
class Parcel:
    """What is sent: `names` below `folder`, into `target` on the box."""

    folder: Path
    names: tuple[str, ...]
    target: str
    relative: bool = False
    basis: str | None = None
    kib_s: int | None = None
    block_bytes: int = SMALL_BLOCK_BYTES
    compress: bool = True


@dataclass(frozen=True)
class Moved:
    """What rsync counted. `literal_bytes`: what the other end did not have; the wire's both ways and compressed."""

    wire_bytes: int
    literal_bytes: int
    seconds: float


def block_bytes(size_bytes: int, *, system: bool = False) -> int:
    """How large the blocks of a delta are: as small as pays, and not so many that their sums cost more than that.

    `system`: of an operating system, not of weights.
    """
    if size_bytes < SMALL_IMAGE_BYTES:
        return SMALL_BLOCK_BYTES
    block = SYSTEM_BLOCK_BYTES if system else BLOCK_BYTES
    while size_bytes > block * MAX_BLOCKS and block < MAX_BLOCK_BYTES:
        block *= 2
    return block


def rsync_argv(road: Road, parcel: Parcel, *, silence_s: float = SILENCE_S) -> list[str]:
    """rsync's command line. It is run in `parcel.folder`."""
    argv = [
        "rsync", "--recursive", "--ignore-times", "--no-whole-file", "--no-inplace", f"--partial-dir={PARTIAL_FOLDER}",
        f"--block-size={parcel.block_bytes}", f"--timeout={max(1, round(silence_s))}", "--chmod=D700,F600",
        "--protect-args", "--stats", "--info=progress2", "--no-human-readable", "--outbuf=N", f"--rsh={road.shell()}",
    ]  # fmt: skip
    if parcel.relative:
        argv.append("--relative")
    if parcel.compress:
        argv += ["--compress", "--compress-choice=zstd", "--compress-level=1"]
    if parcel.basis is not None:  # read only, whatever rsync does
        argv.append(f"--compare-dest={parcel.basis}")
    if parcel.kib_s is not None:
        argv.append(f"--bwlimit={parcel.kib_s}")
    return [*argv, "--", *(f"./{name}" for name in parcel.names), f"{USER}@{road.site.name}:{parcel.target}/"]


def _word(text: str) -> str:
    """A word of rsync's -e, which is split by rsync itself: blanks part, quotes hold, a doubled quote is one."""
    return "'" + text.replace("'", "''") + "'"


@dataclass
class Reading:
    """Takes rsync's output in as it comes, in bounds; keeps the counts and the end of what was said."""

    on_progress: Callable[[int], None]
    bytes_so_far: int = 0
    counted: dict[str, int] = field(default_factory=dict)
    _rest: bytearray = field(default_factory=bytearray)

    def take(self, data: bytes) -> None:
        """Read what came. Progress is overwritten in place, so that a carriage return ends a line too."""
        self._rest += data.replace(b"\r", b"\n")
        *lines, rest = self._rest.split(b"\n")
        self._rest = rest[-_LINE_LIMIT_BYTES:]
        for line in lines:
            self._line(line[:_LINE_LIMIT_BYTES].decode("ascii", "replace"))

    def _line(self, line: str) -> None:
        if match := _PROGRESS.match(line):
            # Never backwards: rsync counts a file anew when its digest did not agree.
            if (now := int(match[1])) > self.bytes_so_far:
                self.bytes_so_far = now
                self.on_progress(now)
            return
        for name, pattern in (("sent", _SENT), ("received", _RECEIVED), ("literal", _LITERAL)):
            if match := pattern.match(line):
                self.counted[name] = int(match[1])


def send(
    road: Road,
    parcel: Parcel,
    *,
    deadline_s: float,
    silence_s: float = SILENCE_S,
    on_progress: Callable[[int], None] = lambda _: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Moved:
    """Send a parcel. `on_progress` gets the bytes of the files that are done, sent or found at the box; what it raises
    ends the transfer.

    What broke off stays at the box and is gone on with. Raises UnreachableError (the connection broke, or nothing
    moved for `silence_s`, or it took longer than `deadline_s`), NoRoomError, ChangeError, and KeyboardInterrupt when
    `cancelled` says so.
    """
    reading = Reading(on_progress)
    started_s = time.monotonic()
    process = _started(rsync_argv(road, parcel, silence_s=silence_s), parcel.folder, road.site.name)
    try:
        said = _heard(process, reading, road.site.name, started_s + deadline_s, silence_s, cancelled)
        code = process.wait(timeout=_END_S)
    except subprocess.TimeoutExpired:
        raise UnreachableError(
            "rsync closed its output and did not end", hint="start it again", host=road.site.name
        ) from None
    finally:
        _ended(process)
    seconds = time.monotonic() - started_s
    if code != 0:
        raise _error(code, said, road.site.name)
    if set(reading.counted) != {"sent", "received", "literal"}:
        raise ChangeError(
            "rsync ended without its counts", hint="rsync --version: 3.2.3 or later was wanted", host=road.site.name
        )
    counted = reading.counted
    return Moved(counted["sent"] + counted["received"], counted["literal"], seconds)


def _started(argv: Sequence[str], folder: Path, host: str) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            argv,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
            start_new_session=True,  # Ctrl-C reaches us alone; rsync and its ssh are ended together
        )
    except FileNotFoundError as problem:
        raise ChangeError(f"{problem.filename} was not found here", hint="fleetctl doctor", host=host) from None


def _heard(
    process: subprocess.Popen[bytes],
    reading: Reading,
    host: str,
    ends_s: float,
    silence_s: float,
    cancelled: Callable[[], bool],
) -> str:
    """Read both streams to their ends; returns the end of what stood on stderr."""
    said = bytearray()
    moved_s, so_far = time.monotonic(), 0
    with selectors.DefaultSelector() as selector:
        for stream in filter(None, (process.stdout, process.stderr)):
            os.set_blocking(stream.fileno(), False)
            selector.register(stream, selectors.EVENT_READ)
        while selector.get_map():
            for key, _ in selector.select(0.2):
                data = os.read(key.fd, 65536)
                if not data:
                    selector.unregister(key.fileobj)
                elif key.fileobj is process.stdout:
                    reading.take(data)
                else:
                    said += data
                    del said[:-_KEPT_BYTES]
            now_s = time.monotonic()
            if reading.bytes_so_far != so_far:
                moved_s, so_far = now_s, reading.bytes_so_far
            if cancelled():
                raise KeyboardInterrupt
            if now_s > ends_s or now_s - moved_s > silence_s + _END_S:
                what = "did not end in time" if now_s > ends_s else f"moved nothing for {silence_s:.0f} s"
                raise UnreachableError(
                    f"the transfer {what}; {so_far} bytes of it are done",
                    hint="what was sent is kept at the box: start it again, or allow more bandwidth",
                    host=host,
                )
    return said.decode("utf-8", "replace")


def _ended(process: subprocess.Popen[bytes]) -> None:
    """End rsync and its ssh, should they still run, and reap."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is not None:
            break
        try:
            os.killpg(process.pid, number)
            process.wait(timeout=_END_S)
        except ProcessLookupError:
            break
        except subprocess.TimeoutExpired:
            continue
    for stream in (process.stdout, process.stderr):
        if stream is not None:
            stream.close()
    process.wait()


def _error(code: int, said: str, host: str) -> FleetctlError:
    words = " ".join(" ".join(said.split())[-400:].splitlines()) or "it said nothing"
    if code in _CONNECTION:
        return UnreachableError(
            f"the transfer broke off (rsync {code}): {words}",
            hint="what was sent is kept at the box: start it again",
            host=host,
        )
    if code == _FILE_IO:
        return NoRoomError(
            f"the box could not write (rsync {code}): {words}", hint="is its state volume full or failing?", host=host
        )
    if code == _NOT_THERE:
        return ChangeError(
            f"there is no rsync on the box: {words}",
            hint="its OS image is older than releases are: update the image first",
            host=host,
        )
    return ChangeError(f"rsync ended with {code}: {words}", hint="see EXIT VALUES in rsync(1)", host=host)
