"""The box's own TLS identity: a private key that never leaves it, and the request that the fleet's CA signs.

Run at first boot (appliance-identity.service). A second run changes nothing; an interrupted one is finished.
"""

import os
import platform
import subprocess
import sys
from pathlib import Path

from appliance.errors import ApplianceError

DIRECTORY = Path("/etc/appliance/tls")


def _openssl(*arguments: str) -> bytes:
    try:
        done = subprocess.run(
            ["openssl", *arguments], stdin=subprocess.DEVNULL, capture_output=True, timeout=120, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ApplianceError(
            f"openssl cannot be run: {type(error).__name__}", hint="is openssl in the image?"
        ) from None
    if done.returncode != 0:
        # Its messages name files and formats; key material goes to standard output only.
        words = done.stderr.decode(errors="replace").strip().splitlines()
        raise ApplianceError(f"openssl {arguments[0]}: {(words or ['failed'])[0]}", hint="look at the files by hand")
    return done.stdout


def _public_key(*arguments: str) -> bytes | None:
    """Return the public key in a file, or None if the file is missing or damaged."""
    try:
        return _openssl(*arguments)
    except ApplianceError:
        return None


def _replace(path: Path, data: bytes, mode: int) -> None:
    """Write a file in one step that survives a power cut."""
    temporary = path.with_name(f".{path.name}.new")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(descriptor, mode)
        file.write(data)
        file.flush()
        os.fsync(descriptor)
    temporary.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def ensure(directory: Path = DIRECTORY, name: str | None = None) -> bool:
    """Make key and request where they are missing. Returns whether anything was made.

    An existing key is never replaced: one that cannot be read raises, since a certificate may have been signed for it.
    """
    directory.mkdir(mode=0o755, parents=True, exist_ok=True)
    key, request = directory / "box.key", directory / "box.csr"
    made = False
    if not key.exists():
        _replace(key, _openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"), 0o600)
        made = True
    key_public = _openssl("pkey", "-in", str(key), "-pubout")
    if _public_key("req", "-in", str(request), "-noout", "-pubkey", "-verify") != key_public:
        subject = f"/CN={_common_name(name or platform.node())}"
        _replace(request, _openssl("req", "-new", "-key", str(key), "-subj", subject, "-sha256"), 0o644)
        made = True
    return made


def _common_name(node: str) -> str:
    """Only what a host name may hold; the CA decides about names anyway."""
    kept = "".join(
        character for character in node if character.isascii() and (character.isalnum() or character in "-.")
    )
    return kept[:63] or "appliance"


def main() -> int:
    """Run at boot."""
    try:
        made = ensure()
    except ApplianceError as error:
        print(f"error: {error}\n  hint: {error.hint}", file=sys.stderr)
        return error.exit_code
    print(f"{DIRECTORY}: {'made' if made else 'nothing to do'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
