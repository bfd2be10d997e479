"""What the gateway adds in front of the drafting engine, against asking the same engine directly; nginx is before both.

direct:  client -> nginx -> engine
gateway: client -> nginx -> gateway -> engine; the gateway's whole way: token, authorisation, consent, database, sealed
         sources, audit log, grounding

The same request, the same engine, in turns, in one run: first a stub with a fixed pace, then llama.cpp with the lab's
model. First word: the moment at which the first whole word of the first sentence can be shown to a person. Quantiles
are compared with each other; the load generator, nginx, gateway and engine share this machine's cores.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import socket
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from itertools import cycle
from pathlib import Path

import fastapi
import httpx2
import pydantic
import uvicorn
import uvloop
from fronted.load import Road, Samples, drive
from fronted.stack import PROGRAMS, Stack, fronted, model_files, real_engine, stub_engine
from fronted.stub_engine import Pace, pieces
from fronted.visit import MAX_OUTPUT_TOKENS, Visit, engine_request, settings, store

MODEL = "smollm2-135m-instruct"
GOAL_P50_MS, GOAL_P99_MS = 3.0, 10.0
# Streams draft from these in turn, each with a token of its own. The gateway has read them before, as it has a visit
# that it transcribed itself; `--cold` lets it keep none.
VISITS = 16


@dataclass(frozen=True)
class Level:
    """So many streams at once, at the pace of an engine with such a batch; `seconds` a round and road."""

    streams: int
    pace: Pace
    seconds: float


LEVELS = (
    Level(1, Pace(0.05, 0.001), 4.0),
    Level(8, Pace(0.05, 0.005), 3.5),
    Level(64, Pace(0.1, 0.025, long=True), 5.0),
)


@dataclass
class Pair:
    """Both roads, and the differences of the medians of each round."""

    direct: Samples = field(default_factory=Samples)
    gateway: Samples = field(default_factory=Samples)
    added_word_ms: list[float] = field(default_factory=list)
    ratios: list[float] = field(default_factory=list)

    def add(self, direct: Samples, gateway: Samples) -> None:
        """Take a round in."""
        self.direct.add(direct)
        self.gateway.add(gateway)
        self.added_word_ms.append(
            1000 * (statistics.median(gateway.first_word_s) - statistics.median(direct.first_word_s))
        )
        self.ratios.append(gateway.rate / direct.rate)


def quantile(values: list[float], share: float) -> float:
    """The smallest value that this share does not exceed."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def roads(stack: Stack, visits: list[Visit], *, short: bool) -> tuple[Road, Road]:
    """The direct way and the gateway's, which drafts from one visit after the other."""
    orders = cycle(
        [(one.path, f"authorization: Bearer {one.token}\r\n", one.order(short=short)) for one in visits]
    )  # fmt: skip
    # A few requests, each with a fence of its own, so that an engine's prefix cache sees what it sees from the gateway.
    model = json.loads(ask(stack.engine, "GET", "/health"))["model"]
    made = cycle([("/v1/chat/completions", "", engine_request(stack.engine, model, short=short)) for _ in range(64)])
    return (
        Road("direct", stack.direct, lambda: next(made), b"data: [DONE]"),
        Road("gateway", stack.gateway, lambda: next(orders), b"event: finished"),
    )


def ask(engine: Path, method: str, path: str, body: bytes = b"") -> bytes:
    """One request to the engine itself, outside of what is measured."""
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(engine))
        head = f"{method} {path} HTTP/1.1\r\nhost: engine\r\ncontent-length: {len(body)}\r\n\r\n"
        client.sendall(head.encode() + body)
        answer = b""
        while data := client.recv(65_536):
            answer += data
    return answer.partition(b"\r\n\r\n")[2]


async def one_round(stack: Stack, ways: tuple[Road, Road], number: int, **load: float) -> tuple[Samples, Samples]:
    """Both roads, the other one first in every second round."""
    found = {}
    for road in ways if number % 2 == 0 else ways[::-1]:
        cpu_s = stack.cpu_s()
        found[road.name] = await drive(road, **load)  # type: ignore[arg-type]
        found[road.name].cpu_s = {name: used_s - cpu_s[name] for name, used_s in stack.cpu_s().items()}
    return found["direct"], found["gateway"]


def compared(direct_ms: float, gateway_ms: float) -> str:
    """Both, their ratio and their difference."""
    both = f"direct {direct_ms:8.1f} ms  gateway {gateway_ms:8.1f} ms"
    return f"{both}  ratio {gateway_ms / direct_ms:5.2f}  added {gateway_ms - direct_ms:+8.1f} ms"


def show(title: str, pair: Pair) -> None:
    """Print one comparison."""
    print(f"  {title}: {len(pair.direct.whole_s)} direct and {len(pair.gateway.whole_s)} gateway streams")
    for name, share in (("p50", 0.5), ("p99", 0.99)):
        direct, gateway = (1000 * quantile(one.first_word_s, share) for one in (pair.direct, pair.gateway))
        print(f"    first word {name}: {compared(direct, gateway)}")
    direct, gateway = (1000 * quantile(one.whole_s, 0.5) for one in (pair.direct, pair.gateway))
    print(f"    whole      p50: {compared(direct, gateway)}")
    line = f"    streams a second: direct {pair.direct.rate:.1f}  gateway {pair.gateway.rate:.1f}"
    print(f"{line}  ratio {statistics.median(pair.ratios):.2f} (median of rounds)")
    low, high = min(pair.added_word_ms), max(pair.added_word_ms)
    added = statistics.median(pair.added_word_ms)
    print(f"    first word, added to the median by round: {added:+.1f} ms (from {low:+.1f} to {high:+.1f})")
    for name, one in (("direct", pair.direct), ("gateway", pair.gateway)):
        print(f"    processor time, {name:7}: {processor(one)}")


def processor(samples: Samples) -> str:
    """Milliseconds of each program a request, and how much of the machine they took together."""
    each = "  ".join(f"{name} {1000 * samples.cpu_s[name] / len(samples.whole_s):5.1f}" for name in PROGRAMS)
    share = sum(samples.cpu_s.values()) / samples.elapsed_s / (os.cpu_count() or 1)
    return f"{each} ms a request; together {100 * share:.0f} % of all cores"


def goal(pair: Pair) -> str:
    """The target and what was measured, in a line."""
    p50 = statistics.median(pair.added_word_ms)
    p99 = 1000 * (quantile(pair.gateway.first_word_s, 0.99) - quantile(pair.direct.first_word_s, 0.99))
    words = "met" if p50 <= GOAL_P50_MS and p99 <= GOAL_P99_MS else "NOT met"
    return (
        f"  target at one stream (at most {GOAL_P50_MS:g} ms at the median, {GOAL_P99_MS:g} ms at p99): "
        f"{p50:+.1f} ms, {p99:+.1f} ms: {words} in this run"
    )


def with_stub(folder: Path, rounds: int, scale: float, only: list[int], *, cold: bool) -> None:
    """The levels, on the stub."""
    with ExitStack() as running:
        engine = running.enter_context(stub_engine(folder))
        given = settings(folder, engine.socket, cold=cold)
        visits = store(folder, given, short=False, count=VISITS)
        stack = running.enter_context(fronted(folder, engine, given))
        ways = roads(stack, visits, short=False)
        for road in ways:
            uvloop.run(drive(road, 4, requests=24))
        for level in (one for one in LEVELS if one.streams in only):
            pace = level.pace
            ask(engine.socket, "POST", "/pace", json.dumps(asdict(pace)).encode())
            tokens = len(pieces(long=pace.long))
            ramp = pace.prefill_s + tokens * pace.interval_s
            pair = Pair()
            for number in range(rounds):
                load = {"streams": level.streams, "seconds": level.seconds * scale, "ramp_s": ramp}
                pair.add(*uvloop.run(one_round(stack, ways, number, **load)))
            show(
                f"{level.streams} streams (engine: {1000 * pace.prefill_s:g} ms, then {tokens} tokens at "
                f"{1000 * pace.interval_s:g} ms)",
                pair,
            )
            if level.streams == 1:
                print(goal(pair))
        print(f"  the engine was asked: {ask(engine.socket, 'GET', '/asked').decode()}")


def with_real(folder: Path, requests: int, limit_s: float, weights: Path | None) -> None:
    """One stream at a time on llama.cpp: what the engine needs of its own varies more than what we look for."""
    with ExitStack() as running:
        engine = running.enter_context(real_engine(folder, weights or model_files(MODEL, folder)))
        given = settings(folder, engine.socket)
        visits = store(folder, given, short=True)
        stack = running.enter_context(fronted(folder, engine, given))
        ways = roads(stack, visits, short=True)
        for road in ways:
            uvloop.run(drive(road, 1, requests=1))
        pair, began = Pair(), time.monotonic()
        for number in range(requests):
            pair.add(*uvloop.run(one_round(stack, ways, number, streams=1, requests=1)))
            if time.monotonic() - began > limit_s:
                break
        show(f"1 stream (llama.cpp with one thread, {MODEL}, at most {MAX_OUTPUT_TOKENS} tokens)", pair)


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--scale", type=float, default=1.0, help="length of each round; 4 for a longer run")
    parser.add_argument("--streams", type=int, nargs="*", default=[level.streams for level in LEVELS])
    parser.add_argument("--real", type=int, default=8, help="pairs on the real engine; 0 leaves it out")
    parser.add_argument("--real-limit-s", type=float, default=20.0, help="no pair is begun on the real engine after it")
    parser.add_argument("--weights", type=Path, help="a folder with model.gguf, in place of the catalogue's")
    parser.add_argument("--cold", action="store_true", help="the gateway keeps no source: each draft opens its own")
    parser.add_argument("--folder", type=Path, help="on the disk to measure; default: the system's temporary folder")
    options = parser.parse_args()
    print(
        f"Python {platform.python_version()}, fastapi {fastapi.__version__}, uvicorn {uvicorn.__version__}, "
        f"httpx2 {httpx2.__version__}, pydantic {pydantic.VERSION}, {platform.machine()}"
    )
    print(
        f"{os.cpu_count()} cores, shared by load generator, nginx, gateway and engine; "
        f"load average before: {os.getloadavg()[0]:.1f}"
    )
    with tempfile.TemporaryDirectory(prefix="gw-", dir=options.folder) as name:
        print("stub engine, in a process of its own:")
        (Path(name) / "a").mkdir()
        with_stub(Path(name) / "a", options.rounds, options.scale, options.streams, cold=options.cold)
        if options.real:
            print("real engine:")
            (Path(name) / "b").mkdir()
            with_real(Path(name) / "b", options.real, options.real_limit_s, options.weights)
    print(f"load average after: {os.getloadavg()[0]:.1f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
