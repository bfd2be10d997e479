#!/usr/bin/python3
"""Ansible module: the box's certificate, the fleet CA and the TLS listener's configuration, checked first."""

from __future__ import annotations

import ssl
import tempfile
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.fleet_box import Box, ReadOnlyBox, Refusal
from ansible.module_utils.fleet_outcome import finish, run_reporting
from ansible.module_utils.fleet_pending import is_pending, pending

TLS = "/etc/appliance/tls"
KEY_PATH = f"{TLS}/box.key"
NGINX_PATH = "/etc/appliance/nginx.conf"
LISTENER = "appliance-nginx.service"
PENDING = "stack"
_CREDENTIALS = "/run/credentials/appliance-nginx.service/box.key"
_RUN = "/run/appliance-nginx"

ARGUMENTS = {
    "server_cert_pem": {"type": "str", "required": True},
    "ca_pem": {"type": "str", "required": True},
    "nginx_conf": {"type": "str", "required": True},
}


def check_certificate(certificate: str, ca: str, key_path: str) -> None:
    """Refuse a certificate that is not for the key of this box, or a CA that is none."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_verify_locations(cadata=ca)
    except (ssl.SSLError, ValueError) as error:
        raise Refusal(f"The fleet CA is not a PEM certificate: {error}.", "Check the fleet's ca.crt.") from error
    with tempfile.NamedTemporaryFile(dir="/dev/shm", suffix=".crt") as file:
        file.write(certificate.encode())
        file.flush()
        try:
            context.load_cert_chain(file.name, key_path)
        except (ssl.SSLError, OSError) as error:
            raise Refusal(
                f"The certificate does not fit the key {key_path} of this box: {error}.",
                "Run again: the box's request is read and signed anew.",
            ) from error


def rehearsal(nginx_conf: str, directory: str) -> str:
    """The same configuration with the places that exist only while the service runs moved to a directory.

    Ports are left out: the test would bind them, and the running listener has them.
    """
    text = nginx_conf.replace(_CREDENTIALS, KEY_PATH).replace(f"{_RUN}/", f"{directory}/")
    text = text.replace(f"{TLS}/box.crt", f"{directory}/box.crt").replace(f"{TLS}/ca.crt", f"{directory}/ca.crt")
    return (
        "\n".join(
            f"    listen unix:{directory}/{at}.sock ssl;" if line.strip().startswith("listen ") else line
            for at, line in enumerate(text.splitlines())
        )
        + "\n"
    )


def main() -> None:
    """Converge, or in check mode show the difference."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    run_reporting(module, lambda: _run(module))


def _run(module: AnsibleModule) -> None:
    given = module.params
    box: Box = ReadOnlyBox() if module.check_mode else Box()
    if box.read(KEY_PATH) is None:
        raise Refusal(
            f"The box has no TLS key at {KEY_PATH}.",
            "Look at `systemctl status appliance-identity.service`, which makes it at the first boot.",
        )
    check_certificate(given["server_cert_pem"], given["ca_pem"], KEY_PATH)
    wanted = {
        f"{TLS}/box.crt": given["server_cert_pem"],
        f"{TLS}/ca.crt": given["ca_pem"],
        NGINX_PATH: given["nginx_conf"],
    }
    before = {path: (box.read(path) or b"").decode() for path in wanted}
    differing = [path for path, text in wanted.items() if before[path] != text]
    steps = [f"write {path}" for path in differing]
    if not differing and is_pending(box, PENDING):
        steps = [f"reload {LISTENER}, because an earlier run was cut off before that"]
    if steps and not module.check_mode:
        _rehearse(box, given)
        with pending(box, PENDING):
            for path in differing:
                box.write(path, wanted[path].encode(), mode=0o644)
            box.run(["systemctl", "try-reload-or-restart", LISTENER], timeout_s=120)
    diff = [
        {"before": before[path], "after": wanted[path], "before_header": path, "after_header": path}
        for path in differing
    ]
    finish(module, steps, {"stack": {"files": sorted(wanted)}}, diff=diff or None)


def _rehearse(box: Box, given: dict[str, str]) -> None:
    with tempfile.TemporaryDirectory(dir="/dev/shm", prefix="fleet-nginx-") as directory:
        for name, text in (
            ("box.crt", given["server_cert_pem"]),
            ("ca.crt", given["ca_pem"]),
            ("nginx.conf", rehearsal(given["nginx_conf"], directory)),
        ):
            Path(directory, name).write_text(text)
        box.run(["nginx", "-e", "stderr", "-t", "-q", "-c", f"{directory}/nginx.conf"], timeout_s=60)


if __name__ == "__main__":
    main()
