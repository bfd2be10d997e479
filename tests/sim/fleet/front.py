"""The real nginx with the configuration that the stack role renders, one server for each simulated site."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import jinja2

from fleetctl.resources import resource_dir
from tests.sim.fleet.directory import PORT, SimFleet, SimSite

_START_S = 120.0


class Front:
    """One nginx for all sites. `closed` sites have no listener; `upstreams` puts another service behind a site."""

    def __init__(self, fleet: SimFleet) -> None:
        self._fleet = fleet
        self._folder = fleet.folder / "nginx"
        self._folder.mkdir(exist_ok=True)
        (self._folder / "run").mkdir(exist_ok=True)
        self._process: subprocess.Popen[bytes] | None = None
        self.closed: set[str] = set()
        self.upstreams: dict[str, Path] = {}

    def configure(self) -> None:
        """Write the configuration as the sites are now; a running nginx takes it up."""
        self._config.write_text(render(self._fleet, self._folder / "run", closed=self.closed, upstreams=self.upstreams))
        if self._process is not None:
            before = self._workers()
            self._process.send_signal(signal.SIGHUP)
            _poll(
                lambda: bool(self._workers()) and not before & self._workers(),
                "nginx did not take up its configuration",
            )

    @property
    def _config(self) -> Path:
        return self._folder / "nginx.conf"

    def _workers(self) -> set[int]:
        assert self._process is not None
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text()
        return {int(pid) for pid in children.split()}

    def start(self) -> None:
        """Start it and wait until every open site listens."""
        if shutil.which("nginx") is None:
            raise RuntimeError("no nginx; hint: setup/host.sh test")
        self.configure()
        log = self._folder / "log"
        # As root, nginx would give its workers to "nobody", who may not use the sockets of the agents.
        user = ["-g", "user root;"] if os.geteuid() == 0 else []
        with log.open("wb") as out:
            self._process = subprocess.Popen(
                ["nginx", "-e", "stderr", "-c", str(self._config), *user], stdout=out, stderr=out
            )
        process = self._process

        def listening() -> bool:
            if process.poll() is not None:
                raise RuntimeError(f"nginx did not start: {log.read_text(errors='replace')[-2000:]}")
            return all(_accepts(site) for site in self._fleet.sites if site.name not in self.closed)

        _poll(listening, "nginx does not listen")

    def stop(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(30)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None

    def pids(self) -> list[int]:
        """The master and its workers, to measure what they use."""
        return [] if self._process is None else [self._process.pid, *self._workers()]


@contextmanager
def front(fleet: SimFleet) -> Iterator[Front]:
    """A started front; ended at the end."""
    found = Front(fleet)
    found.start()
    try:
        yield found
    finally:
        found.stop()


def render(fleet: SimFleet, run: Path, *, closed: set[str], upstreams: Mapping[str, Path]) -> str:
    """The product's configuration with its operator's server once for each site, on the site's address."""
    template = resource_dir("playbooks") / "roles/stack/templates/nginx.conf.j2"
    first = fleet.sites[0]
    marker = "/simulated/health.sock"
    text = (
        jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=False)  # noqa: S701 (not HTML)
        .from_string(template.read_text())
        .render(
            nginx_workers=1, nginx_run=str(run), nginx_tls=str(first.folder), nginx_key=str(first.key),
            nginx_clinical_listen="1", nginx_operator_listen=str(PORT), nginx_health_socket=marker,
        )
    )  # fmt: skip
    shutil.copy(first.certificate, first.folder / "box.crt")
    head, *servers, tail = _split(text)
    (operator,) = (server for server in servers if f"listen {PORT} ssl" in server)
    # A listener of its own counts as a connection.
    head = _replaced(r"worker_connections \d+;", f"worker_connections {4 * fleet.count + 4096};", head)
    # Here all sites share one nginx, which must count each site's connections apart, as a machine of its own does.
    head = _replaced(
        r"limit_conn_zone \$binary_remote_addr ", 'limit_conn_zone "$binary_remote_addr$server_addr" ', head
    )
    head = _replaced(r"zone=by_address:1m;", "zone=by_address:32m;", head)
    blocks = [_server(operator, site, upstreams.get(site.name, site.socket), marker) for site in fleet.sites
              if site.name not in closed]  # fmt: skip
    return head + "".join(blocks) + tail


def _split(text: str) -> list[str]:
    """What stands before the servers, each server, what stands after them. The template indents a server by two."""
    parts = re.split(r"(?ms)^(  server \{\n.*?^  \}\n)", text)
    servers = parts[1::2]
    if len(servers) != 2 or any(part.strip() for part in parts[2:-1:2]):
        raise RuntimeError("the template of the listener has another form than the simulated fleet expects")
    return [parts[0], *servers, parts[-1]]


def _server(block: str, site: SimSite, upstream: Path, marker: str) -> str:
    block = _replaced(rf"(?m)^    listen \[::\]:{PORT} ssl.*;\n", "", block)
    block = _replaced(
        rf"(?m)^    listen {PORT} ssl.*;\n",
        f"    listen {site.address}:{PORT} ssl;\n    ssl_certificate {site.certificate};\n"
        f"    ssl_certificate_key {site.key};\n",
        block,
    )
    return block.replace(marker, str(upstream))


def _replaced(pattern: str, with_text: str, text: str) -> str:
    changed, count = re.subn(pattern, with_text, text)
    if not count:
        raise RuntimeError(f"the template of the listener has no {pattern}")
    return changed


def _accepts(site: SimSite) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((site.address, PORT)) == 0


def _poll(ready, words: str) -> None:  # type: ignore[no-untyped-def]
    deadline = time.monotonic() + _START_S
    while not ready():
        if time.monotonic() > deadline:
            raise RuntimeError(words)
        time.sleep(0.05)
