"""Tells systemd how a service is doing (sd_notify(3)): one datagram to the socket that systemd named."""

import os
import socket


def notify(*fields: str) -> None:
    """Send fields such as READY=1 or STATUS=loading; does nothing when systemd did not start us."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as notifier:
        notifier.connect(address)
        notifier.sendall("\n".join(fields).encode())


def watchdog_interval_s() -> float | None:
    """Return how often systemd wants a sign of life (half of WatchdogSec), or None if it wants none."""
    interval_us = os.environ.get("WATCHDOG_USEC", "")
    return int(interval_us) / 2_000_000 if interval_us.isdigit() and int(interval_us) > 0 else None
