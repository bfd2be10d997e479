#!/usr/bin/python3
"""Ansible module: certificates, the TLS listener's configuration, checked first, and the services' settings."""

from __future__ import annotations

import base64
import json
import ssl
import tempfile
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.fleet_box import Box, ReadOnlyBox, Refusal
from ansible.module_utils.fleet_outcome import finish, run_reporting
from ansible.module_utils.fleet_pending import is_pending, pending

TLS = "/etc/appliance/tls"
KEY_PATH = f"{TLS}/box.key"
NGINX_PATH = "/etc/appliance/nginx.conf"
# What the box trusts releases by (appliance/release/places.py); read anew by every release command.
RELEASE_ROOT_PATH = "/etc/appliance/release-root.json"
RELEASE_CHANNEL_PATH = "/etc/appliance/release-channel"
LISTENER = "appliance-nginx.service"
PENDING = "stack"
_CREDENTIALS = "/run/credentials/appliance-nginx.service/box.key"
_RUN = "/run/appliance-nginx"
# Loading weights under emulation takes minutes; the services' own time limits are shorter.
_START_S = 1200

# Service → its unit; None: it reads its settings anew by itself.
SERVICES: dict[str, str | None] = {
    "gateway": "appliance-gateway.service",
    "transcription": "appliance-transcription.service",
    "drafting": "appliance-drafting.service",
    "gpu": None,
}

ARGUMENTS = {
    "server_cert_pem": {"type": "str", "required": True},
    "ca_pem": {"type": "str", "required": True},
    "nginx_conf": {"type": "str", "required": True},
    "release_root": {"type": "str"},
    "release_channel": {"type": "str"},
    "settings": {
        "type": "dict",
        "required": True,
        "options": {service: {"type": "dict"} for service in SERVICES},
    },
}


def settings_path(service: str) -> str:
    """Where a service of the image reads its settings."""
    return f"/etc/appliance/{service}.json"


def settings_texts(settings: dict[str, Any]) -> dict[str, str | None]:
    """Path → content of each service's settings; None: no file, so that the service takes its own defaults."""
    return {
        settings_path(service): None if (given := settings.get(service)) is None else _json(given)
        for service in SERVICES
    }


def _json(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=1, sort_keys=True) + "\n"


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
    wanted: dict[str, str | None] = {
        f"{TLS}/box.crt": given["server_cert_pem"],
        f"{TLS}/ca.crt": given["ca_pem"],
        NGINX_PATH: given["nginx_conf"],
        **settings_texts(given["settings"]),
    }
    if given.get("release_root") is not None:  # a fleet without releases leaves alone what is there
        wanted[RELEASE_ROOT_PATH] = base64.b64decode(given["release_root"], validate=True).decode()
    channel = given.get("release_channel")
    wanted[RELEASE_CHANNEL_PATH] = None if channel is None else f"{channel}\n"
    found = {path: box.read(path) for path in wanted}
    before = {path: None if content is None else content.decode(errors="replace") for path, content in found.items()}
    differing = [path for path, text in wanted.items() if before[path] != text]
    steps = [f"{'remove' if wanted[path] is None else 'write'} {path}" for path in differing]
    interrupted = not differing and is_pending(box, PENDING)
    if interrupted:
        steps = [f"reload {LISTENER} and restart the services, because an earlier run was cut off before that"]
    if steps and not module.check_mode:
        _rehearse(box, given)
        with pending(box, PENDING):
            for path in differing:
                _put(box, path, wanted[path])
            box.run(["systemctl", "try-reload-or-restart", LISTENER], timeout_s=120)
            changed = [service for service in SERVICES if interrupted or settings_path(service) in differing]
            units = [unit for service in changed if (unit := SERVICES[service])]
            if units:  # they read their settings when they start
                box.run(["systemctl", "try-restart", *units], timeout_s=_START_S)
    diff = [
        {"before": before[path] or "", "after": wanted[path] or "", "before_header": path, "after_header": path}
        for path in differing
    ]
    finish(module, steps, {"stack": {"files": sorted(wanted)}}, diff=diff or None)


def _put(box: Box, path: str, text: str | None) -> None:
    if text is None:
        box.remove(path)
    else:
        # No secret is in it: keys of identity providers are public.
        box.write(path, text.encode(), mode=0o644)


def _rehearse(box: Box, given: dict[str, Any]) -> None:
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
