"""Tells a webhook: JSON, signed with HMAC-SHA-256 where a secret is given."""

from __future__ import annotations

import hashlib
import hmac

from fleetctl.alerts.message import Message
from fleetctl.alerts.post import post
from fleetctl.alerts.secrets import read_secret
from fleetctl.models.alerts import Webhook


def deliver(receiver: Webhook, message: Message) -> None:
    """Send one message. Raises `DeliveryError`, or `ConfigError` for a secret that cannot be read."""
    body = message.model_dump_json().encode()
    headers = {"X-Fleetctl-Delivery": hashlib.sha256(message.identity.encode()).hexdigest()[:32]}
    if receiver.secret_file is not None:
        key = read_secret(receiver.secret_file).encode()
        headers["X-Fleetctl-Signature"] = f"sha256={hmac.new(key, body, hashlib.sha256).hexdigest()}"
    post(receiver.url, body, headers, ca_file=receiver.ca_file)
