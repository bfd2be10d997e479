"""Tells people by e-mail: SMTP with STARTTLS; without TLS to this machine's own server alone."""

from __future__ import annotations

import hashlib
import smtplib
import ssl
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path

from fleetctl.alerts.message import Message
from fleetctl.alerts.post import TIMEOUT_S, DeliveryError
from fleetctl.alerts.secrets import read_secret
from fleetctl.models.alerts import Email

_HERE = ("localhost", "127.0.0.1", "::1")


def letter(receiver: Email, message: Message) -> EmailMessage:
    """The message as mail. A resolved alert answers the mail that it was announced with."""
    mail = EmailMessage()
    mail["From"] = receiver.sender
    mail["To"] = ", ".join(receiver.to)
    mail["Subject"] = message.title()[:200]
    mail["Date"] = format_datetime(message.ended_at or message.fired_at)
    domain = receiver.sender.rpartition("@")[2]
    mail["Message-ID"] = f"<{_digest(message.identity)}@{domain}>"
    if message.status == "resolved":
        began = message.identity.rpartition("/resolved/")[0] + f"/firing/{message.fired_at.timestamp():.0f}"
        mail["In-Reply-To"] = mail["References"] = f"<{_digest(began)}@{domain}>"
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no vacation note shall answer
    mail.set_content(message.text())
    return mail


def deliver(receiver: Email, message: Message) -> None:
    """Send one message. Raises `DeliveryError`, or `ConfigError` for a password that cannot be read."""
    password = read_secret(receiver.password_file) if receiver.password_file else None
    where = f"{receiver.host}:{receiver.port}"
    try:
        with smtplib.SMTP(receiver.host, receiver.port, timeout=TIMEOUT_S) as server:
            server.ehlo()
            if server.has_extn("starttls"):
                ca_file = str(Path(receiver.ca_file).expanduser()) if receiver.ca_file else None
                server.starttls(context=ssl.create_default_context(cafile=ca_file))
                server.ehlo()
            elif receiver.host not in _HERE:
                raise DeliveryError(f"{where} offers no STARTTLS; alerts are not sent in clear")
            if receiver.user is not None and password is not None:
                server.login(receiver.user, password)
            refused = server.send_message(letter(receiver, message))
    except smtplib.SMTPRecipientsRefused:
        raise DeliveryError(f"{where} refused every recipient") from None
    except smtplib.SMTPResponseException as error:
        raise DeliveryError(f"{where} answered {error.smtp_code}") from None
    except (OSError, smtplib.SMTPException) as error:
        words = error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
        raise DeliveryError(f"{where}: {words}") from None
    if refused:
        raise DeliveryError(f"{where} refused {len(refused)} of {len(receiver.to)} recipients")


def _digest(identity: str) -> str:
    return hashlib.sha256(identity.encode()).hexdigest()[:32]
