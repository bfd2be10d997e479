"""First contact: the host key that a server shows, fetched without logging in, to be judged before it is pinned."""

from __future__ import annotations

import logging
import socket

import paramiko

from fleetctl.errors import UnreachableError, VerificationError
from fleetctl.remote.pins import KEY_TYPE
from fleetctl.remote.problems import in_words

# An emulated machine needs several seconds for a key exchange, and tens when it is busy booting.
FIRST_CONTACT_TIMEOUT_S = 60.0

# paramiko's thread logs a traceback for a server that hangs up, which one that is still starting does. What matters of
# it is in the error that we raise.
_LOG_CHANNEL = "fleetctl.remote.hostkey"
logging.getLogger(_LOG_CHANNEL).addHandler(logging.NullHandler())


def first_contact(address: str, port: int, timeout_s: float = FIRST_CONTACT_TIMEOUT_S) -> tuple[str, str]:
    """The server's Ed25519 host key as `("ssh-ed25519", base64)`. Nothing is trusted by this, and nobody logs in.

    The server proves in the key exchange that it holds the private part. Raises UnreachableError when nothing there
    speaks SSH, VerificationError when the server has no Ed25519 key.
    """
    where = f"{address}:{port}"
    try:
        connection = socket.create_connection((address, port), timeout=timeout_s)
    except OSError as error:
        raise UnreachableError(
            f"nothing answers at {where}: {in_words(error)}",
            hint="is the machine up, and are address and SSH port right?",
        ) from error
    try:
        transport = paramiko.Transport(connection)
    except paramiko.SSHException as error:
        connection.close()
        raise UnreachableError(f"no SSH at {where}: {in_words(error)}", hint="is this the SSH port?") from error
    try:
        transport.set_log_channel(_LOG_CHANNEL)
        transport.banner_timeout = transport.handshake_timeout = timeout_s
        transport.get_security_options().key_types = (KEY_TYPE,)
        transport.start_client(timeout=timeout_s)
        key = transport.get_remote_server_key()
        return key.get_name(), key.get_base64()
    except paramiko.ssh_exception.IncompatiblePeer as error:
        raise VerificationError(
            f"the server at {where} has no {KEY_TYPE} host key",
            hint="is it one of ours? Its image makes such a key only",
        ) from error
    except (paramiko.SSHException, EOFError, OSError) as error:
        raise UnreachableError(
            f"no SSH key exchange with {where}: {in_words(error)}", hint="the machine may still be starting; try again"
        ) from error
    finally:
        transport.close()
        connection.close()  # a transport that never became active leaves its socket open
