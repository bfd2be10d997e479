"""One question over TLS without a socket: bytes in, bytes out, so that any way to a site can carry it."""

from __future__ import annotations

import ssl

from fleetctl.remote.poll_outcome import Outcome, PollError
from fleetctl.remote.poll_reply import BODY_LIMIT_BYTES, HEAD_LIMIT_BYTES, Reply

_CHUNK_BYTES = 64 * 1024
# TLS adds 22 bytes to a record; certificates and tickets are a few KiB. Who sends more than this sends no answer.
_WIRE_LIMIT_BYTES = BODY_LIMIT_BYTES + HEAD_LIMIT_BYTES + 256 * 1024

# Alerts by which a server says that it does not take our certificate (RFC 8446, 6.2), in OpenSSL's names.
_OUR_CERTIFICATE = frozenset(
    {
        "TLSV1_ALERT_UNKNOWN_CA",
        "TLSV1_ALERT_ACCESS_DENIED",
        "TLSV13_ALERT_CERTIFICATE_REQUIRED",
        "SSLV3_ALERT_BAD_CERTIFICATE",
        "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE",
        "SSLV3_ALERT_CERTIFICATE_REVOKED",
        "SSLV3_ALERT_CERTIFICATE_EXPIRED",
        "SSLV3_ALERT_CERTIFICATE_UNKNOWN",
    }
)


class Exchange:
    """Handshake, one GET, one answer. `body` is there when it is done; failures are `PollError`.

    `name` is the site: the certificate must carry it, whatever address leads there.
    """

    def __init__(self, context: ssl.SSLContext, name: str, path: str, session: ssl.SSLSession | None = None) -> None:
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self._in, self._out, server_hostname=name, session=session)
        self._request = (
            f"GET {path} HTTP/1.1\r\nHost: {name}\r\nAccept: application/json\r\nAccept-Encoding: identity\r\n\r\n"
        ).encode("ascii")
        self._reply = Reply()
        self._shaken = False
        self._received = 0
        self.body: bytes | None = None

    def start(self) -> bytes:
        """The first bytes to send."""
        return self._advance()

    def again(self) -> bytes:
        """Ask once more over the same connection; the bytes to send."""
        self._reply, self.body, self._received = Reply(), None, 0
        try:
            self.tls.write(self._request)
        except ssl.SSLError:
            raise PollError(Outcome.CUT_OFF, "the connection that was kept is gone") from None
        return self._out.read()

    def receive(self, data: bytes) -> bytes:
        """Take what came; what is to be sent in answer."""
        self._received += len(data)
        if self._received > _WIRE_LIMIT_BYTES:
            raise PollError(Outcome.TOO_LARGE, f"more than {_WIRE_LIMIT_BYTES} bytes")
        self._in.write(data)
        return self._advance()

    def ended(self) -> PollError | None:
        """The other side closed the connection; None when the answer was whole by then."""
        if self.body is not None:
            return None
        if not self._received:
            return PollError(Outcome.CUT_OFF, "the connection was closed at once, before TLS")
        return self._reply.cut()

    def _advance(self) -> bytes:
        try:
            if not self._shaken:
                self.tls.do_handshake()
                self._shaken = True
                self.tls.write(self._request)
            while self.body is None:
                data = self.tls.read(_CHUNK_BYTES)
                if not data:  # a proper end of TLS
                    raise self._reply.cut()
                self.body = self._reply.feed(data)
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLCertVerificationError as problem:
            raise PollError(Outcome.WRONG_CERTIFICATE, problem.verify_message) from None
        except ssl.SSLZeroReturnError:
            raise self._reply.cut() from None
        except ssl.SSLError as problem:
            reason = problem.reason or type(problem).__name__
            if reason in _OUR_CERTIFICATE:
                raise PollError(Outcome.NOT_AUTHORIZED, f"TLS alert: {_plain(reason)}") from None
            raise PollError(Outcome.GARBAGE, f"no TLS 1.3 conversation: {_plain(reason)}") from None
        return self._out.read()


def _plain(reason: str) -> str:
    return reason.lower().replace("_", " ")
