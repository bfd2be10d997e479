"""Makes the fleet directory of a simulated fleet, and a server certificate for each of its sites."""

from __future__ import annotations

import datetime
import ipaddress
import os
import random
import shutil
import socket
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from fleetctl.models.fleetdir import FleetDir
from fleetctl.trust.ca import Authority, make_authority, pem, sign_server_csr
from fleetctl.trust.generate import generate_keys
from fleetctl.trust.passphrase import Passphrase

PORT = 9443
NETWORKS = range(77, 250)  # the second byte of an address: 127/8 is all loopback, and these are nobody's habit
_PER_NET = 250
_PASSPHRASE = "simulated fleet, no secret"  # it protects keys of sites that do not exist
_PEM = serialization.Encoding.PEM
_PLAIN = serialization.NoEncryption()


@dataclass(frozen=True)
class SimSite:
    """One site: where it listens, and the files of its certificate."""

    number: int
    name: str
    address: str
    folder: Path

    @property
    def certificate(self) -> Path:
        return self.folder / f"{self.name}.crt"

    @property
    def key(self) -> Path:
        return self.folder / f"{self.name}.key"

    @property
    def socket(self) -> Path:
        """Where its agent listens. Short: unix sockets allow 107 bytes."""
        return self.folder.parent / "s" / str(self.number)


def sim_site(folder: Path, number: int, network: str) -> SimSite:
    """The site of that number, counted from 0."""
    net, host = divmod(number, _PER_NET)
    address = ipaddress.IPv4Address(network) + net * 256 + host + 1
    return SimSite(number, f"site-{number:04}", str(address), folder / "tls")


@dataclass(frozen=True)
class SimFleet:
    """A made fleet under `folder`: `fleet/` as an operator has it, keys, certificates of the sites."""

    folder: Path
    count: int
    network: str

    @property
    def path(self) -> Path:
        return self.folder / "fleet"

    @property
    def passphrase_file(self) -> Path:
        return self.folder / "passphrase"

    @property
    def authority_file(self) -> Path:
        return self.folder / "keys/ca.crt"

    @cached_property
    def sites(self) -> list[SimSite]:
        return [sim_site(self.folder, number, self.network) for number in range(self.count)]

    @cached_property
    def authority(self) -> Authority:
        return Authority.open(FleetDir(self.path).keys, Passphrase(_PASSPHRASE))

    def environment(self) -> dict[str, str]:
        """What `fleetctl` needs in its environment to work on this fleet without asking."""
        return {
            "FLEETCTL_PASSPHRASE_FILE": str(self.passphrase_file),
            "FLEETCTL_STATE_DIR": str(self.folder / "state"),
        }

    def certify(self, site: SimSite, *, name: str | None = None, stranger: bool = False, days: int = 90) -> None:
        """Give a site a certificate: for its own or another's name, of this fleet or a stranger's, also expired."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = name or site.name
        other = make_authority("stranger", ec.generate_private_key(ec.SECP256R1())) if stranger else None
        authority = other or self.authority
        if days > 0:
            request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, hashes.SHA256())
            text = sign_server_csr(request.public_bytes(_PEM), subject, [site.address], authority)
        else:
            text = pem(_expired(authority, key, subject, site.address, days))
        site.certificate.write_text(text)
        site.key.write_bytes(key.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, _PLAIN))


def _expired(
    authority: Authority, key: ec.EllipticCurvePrivateKey, name: str, address: str, days: int
) -> x509.Certificate:
    now = datetime.datetime.now(datetime.UTC)
    names = [x509.DNSName(name), x509.IPAddress(ipaddress.ip_address(address))]
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(authority.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + datetime.timedelta(days=days - 30))
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(authority.key, hashes.SHA256())
    )


def _free_network() -> str:
    """A part of 127/8 that no other fleet has now. Processes that share the tests look in different parts of it."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    own = NETWORKS[worker % 4 :: 4]
    for net in random.sample(own, len(own)):
        with suppress(OSError), socket.socket() as probe:
            probe.bind((f"127.{net}.0.1", PORT))
            return f"127.{net}.0.0"
    raise RuntimeError("no network of 127/8 is free")


def make_fleet(folder: Path, count: int, *, profile: str = "lab-vm", labels: int = 10, ssh_port: int = 22) -> SimFleet:
    """Make everything under `folder`, which is empty. Each site has the label `region=rN`, N below `labels`."""
    made = SimFleet(folder, count, _free_network())
    (folder / "tls").mkdir(parents=True)
    (folder / "s").mkdir()
    made.passphrase_file.write_text(f"{_PASSPHRASE}\n")
    made.passphrase_file.chmod(0o600)
    keys = generate_keys(folder / "keys", "sim", Passphrase(_PASSPHRASE))
    (made.path / "sites").mkdir(parents=True)
    document = {
        "apiVersion": "fleetctl/v1",
        "kind": "Fleet",
        "metadata": {"name": "sim"},
        "spec": {"keys_directory": str(keys.directory), "escrow_recipients": [keys.text("escrow.pub")]},
    }
    (made.path / "fleet.yaml").write_text(yaml.safe_dump(document))
    for site in made.sites:
        made.certify(site)
        (made.path / "sites" / f"{site.name}.yaml").write_text(_site_text(site, profile, labels, ssh_port))
    shutil.copy(keys.path("ca.crt"), folder / "tls/ca.crt")
    return made


def _site_text(site: SimSite, profile: str, labels: int, ssh_port: int) -> str:
    mac = f"52:54:00:{site.number >> 8 & 255:02x}:{site.number & 255:02x}"
    return yaml.safe_dump(
        {
            "apiVersion": "fleetctl/v1",
            "kind": "Site",
            "metadata": {"name": site.name, "labels": {"region": f"r{site.number % labels}"}},
            "spec": {
                "profile": profile,
                "management": {"address": site.address, "ssh_port": ssh_port, "health_port": PORT},
                "clinical": {"address": site.address},
                "networks": {
                    "management": {"interface_mac": f"{mac}:01", "sources": ["127.0.0.0/8"]},
                    "clinical": {"interface_mac": f"{mac}:02", "sources": ["127.0.0.0/8"]},
                },
                "egress": {"allow": []},
                "storage": {"data_disks": [f"SIM{site.number:05}A", f"SIM{site.number:05}B"]},
                "release": {"transcription": "whisper-tiny.en", "drafting": "smollm2-135m-instruct"},
            },
        },
        sort_keys=False,
    )


def main_environment(fleet: SimFleet) -> dict[str, str]:
    """The present environment with the fleet's in it."""
    return {**os.environ, **fleet.environment()}
