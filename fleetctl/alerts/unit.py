"""The systemd unit of the watcher, for the fleet directory and the program that printed it."""

from __future__ import annotations

import sys
from pathlib import Path

from fleetctl.models.fleetdir import FleetDir

_UNIT = """\
# fleetctl-watch.service, made by `fleetctl watch --print-unit`. Install it as
#   /etc/systemd/system/fleetctl-watch.service
# and put the passphrase of the fleet's keys into the file that LoadCredential= names (root's, mode 0600;
# systemd-creds encrypt makes it unreadable elsewhere: then LoadCredentialEncrypted=).
[Unit]
Description=Watch over the fleet {fleet}
Wants=network-online.target
After=network-online.target

[Service]
Type=notify
NotifyAccess=main
User={user}
LoadCredential=passphrase:/etc/fleetctl/{fleet}.passphrase
Environment=FLEETCTL_PASSPHRASE_FILE=%d/passphrase
ExecStart={command}
Restart=always
RestartSec=5
# A round that hangs or fails again and again gives no sign of life.
WatchdogSec=15min
TimeoutStopSec=60
NoNewPrivileges=yes
ProtectSystem=strict
ReadWritePaths={writable}
PrivateTmp=yes
PrivateDevices=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectControlGroups=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
LockPersonality=yes
SystemCallArchitectures=native
CapabilityBoundingSet=
UMask=0077

[Install]
WantedBy=multi-user.target
"""


def unit_text(fleetdir: FleetDir, metrics_file: Path | None) -> str:
    """The whole unit."""
    import getpass

    program = Path(sys.executable).with_name("fleetctl")
    words = [str(program), "watch", "--fleet", str(fleetdir.path)]
    writable = [str(fleetdir.state_dir)]
    if metrics_file is not None:
        words += ["--metrics-file", str(metrics_file.absolute())]
        writable.append(str(metrics_file.absolute().parent))
    return _UNIT.format(
        fleet=fleetdir.fleet.name,
        user=getpass.getuser(),
        command=" ".join(_quoted(word) for word in words),
        writable=" ".join(_quoted(place) for place in writable),
    )


def _quoted(word: str) -> str:
    """As systemd reads a word of a command line (systemd.service(5)): % is a specifier, quotes and blanks divide."""
    plain = word.replace("%", "%%").replace("\\", "\\\\").replace('"', '\\"')
    return plain if plain == word and not any(c in word for c in " \t'") else f'"{plain}"'
