"""Two real network namespaces joined by two links, for rules that shall be judged by packets and not by reading them.

`box` filters; `world` listens on everything that a test names, answers, and writes down what it heard.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

# 02:… are locally administered addresses. Box .1/::1, world .2/::2 on both links; world has .99 outside the sources.
LINKS = {"mgmt0": ("10.0.2", "fd00:2"), "clin0": ("10.0.3", "fd00:3")}

_WORLD = """
import json, socket, sys, threading
heard = open(sys.argv[1], "a", buffering=1)
def tell(*what): heard.write(json.dumps(what) + "\\n")
def bound(family, kind, port):
    server = socket.socket(family, socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6: server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    server.bind(("", port))
    if kind == "tcp": server.listen()
    return server
def tcp(server, port):
    def serve(connection):
        while data := connection.recv(100):
            tell("tcp", port, data.decode()); connection.sendall(b"answer")
    while True: threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()
def udp(server, port):
    while True:
        data, peer = server.recvfrom(100); tell("udp", port, data.decode()); server.sendto(b"answer", peer)
for family in (socket.AF_INET, socket.AF_INET6):
    for kind, port in json.loads(sys.argv[2]):
        threading.Thread(target=globals()[kind], args=(bound(family, kind, port), port), daemon=True).start()
print("ready", flush=True); sys.stdin.read()
"""

_PROBE = """
import json, socket, sys
kind, address, port, nonce, source_port, source, wait_s = json.loads(sys.argv[1])
family = socket.AF_INET6 if ":" in address else socket.AF_INET
try:
    if kind == "icmp":
        protocol = socket.IPPROTO_ICMPV6 if family == socket.AF_INET6 else socket.IPPROTO_ICMP
        s = socket.socket(family, socket.SOCK_RAW, protocol); s.settimeout(wait_s)
        head = bytes([128 if family == socket.AF_INET6 else 8, 0, 0, 0, 0, 7, 0, 1])
        if family == socket.AF_INET:
            total = sum(int.from_bytes(head[i:i+2], "big") for i in range(0, 8, 2))
            head = head[:2] + (~total & 0xffff).to_bytes(2, "big") + head[4:]
        s.sendto(head, (address, 0))
        while True:
            data = s.recv(200)
            if (data[0] == 129 if family == socket.AF_INET6 else data[20] == 0): break
        print("answered")
    else:
        s = socket.socket(family, socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM); s.settimeout(wait_s)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if source_port or source: s.bind((source, source_port))
        s.connect((address, port)); s.sendall(nonce.encode())
        print("answered" if s.recv(100) == b"answer" else "closed")
except OSError as error:
    print(type(error).__name__, error.errno)
"""


class Namespaces:
    """The two namespaces; `close` ends every process that was started."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.processes: list[subprocess.Popen[str]] = []
        self.box, self.world = (self._namespace() for _ in range(2))
        for index, (link, (ipv4, ipv6)) in enumerate(LINKS.items()):
            self._ip(
                self.box,
                f"link add {link} address 02:00:00:00:00:0{index + 1} type veth peer name {link} netns {self.world}",
            )
            for side, last in ((self.box, 1), (self.world, 2)):
                self._ip(side, f"addr add {ipv4}.{last}/24 dev {link}")
                self._ip(side, f"addr add {ipv6}::{last}/64 dev {link} nodad")
                self._ip(side, f"link set {link} up")
                self._ip(side, "link set lo up")
            self._ip(self.world, f"addr add {ipv4}.99/24 dev {link}")

    def _namespace(self) -> int:
        process = subprocess.Popen(["unshare", "--net", "sleep", "600"], text=True)
        self.processes.append(process)
        own = Path("/proc/self/ns/net").readlink()
        while Path(f"/proc/{process.pid}/ns/net").readlink() == own:
            time.sleep(0.005)
        return process.pid

    def _ip(self, namespace: int, words: str) -> None:
        self.run(namespace, ["ip", *words.split()])

    def run(self, namespace: int, argv: list[str], text: str = "") -> str:
        """Run a command in a namespace; its output."""
        done = subprocess.run(
            ["nsenter", "--target", str(namespace), "--net", *argv],
            input=text,
            text=True,
            capture_output=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, f"{argv}: {done.stderr}"
        return done.stdout

    def start(self, namespace: int, script: str, *arguments: str) -> subprocess.Popen[str]:
        """Start a Python script in a namespace and wait for its first line."""
        process = subprocess.Popen(
            ["nsenter", "--target", str(namespace), "--net", sys.executable, "-I", "-c", script, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.processes.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        return process

    def listen(self, namespace: int, *what: tuple[str, int]) -> Path:
        """Answer on these (tcp or udp, port); the file gets a line for everything heard."""
        heard = self.directory / f"heard-{len(self.processes)}"
        self.start(namespace, _WORLD, str(heard), json.dumps(what))
        return heard

    def probe(
        self,
        namespace: int,
        kind: str,
        address: str,
        port: int = 0,
        nonce: str = "hello",
        *,
        source_port: int = 0,
        source: str = "",
        wait_s: float = 0.3,
    ) -> str:
        """Try one exchange: `answered`, or the error."""
        spec: list[Any] = [kind, address, port, nonce, source_port, source, wait_s]
        return self.run(namespace, [sys.executable, "-I", "-c", _PROBE, json.dumps(spec)]).strip()

    def close(self) -> None:
        """End what was started."""
        for process in self.processes:
            process.kill()
        for process in self.processes:
            process.communicate()
