"""The appliance's Python: third-party wheels from the lock and our own package, compiled for the box.

Both trees are laid into /usr/lib/appliance/site of the image. Byte code is of the unchecked-hash kind: the image's
file times are clamped and /usr is read-only, so byte code bound to file times would be compiled anew at every start.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from fleetctl.image.command import run_logged
from fleetctl.image.digest import combined
from fleetctl.image.lockfile import BOX_PLATFORMS, BOX_PYTHON, Pin
from fleetctl.image.tools import ToolsTree

SITE_IN_IMAGE = "usr/lib/appliance/site"
CODES_IN_IMAGE = "usr/lib/appliance/codes"

# Not used on the box: tests and headers of libraries, type stubs, and the download accelerator of a hub client that
# never has a network there.
_NEEDLESS_FOLDERS = ("tests", "test", "include", "__pycache__", "hf_xet", "bin")
_NEEDLESS_SUFFIXES = (".pyi", ".pyx", ".pxd", ".a", ".h", ".hh", ".c", ".cpp", ".cu")
# Where a telephone number is and whose it is; that it is one is all that de-identification asks.
_NEEDLESS_TREES = (("phonenumbers", "geodata"), ("phonenumbers", "carrierdata"))
# Changed when this module makes other trees out of the same lock.
_RECIPE = "3"


def pip_argv(requirements: Path, target: Path) -> list[str]:
    """Install exactly the pinned wheels for the box, whatever Python runs pip."""
    platforms = [word for name in BOX_PLATFORMS for word in ("--platform", name)]
    return [
        *(sys.executable, "-m", "pip", "install", "--no-input", "--disable-pip-version-check", "--progress-bar", "off"),
        *("--no-deps", "--require-hashes", "--no-compile", "--only-binary", ":all:", "--no-warn-conflicts"),
        # pip compares Requires-Python with its own interpreter here; the lock was resolved for the box's.
        "--ignore-requires-python",
        *("--implementation", "cp", "--python-version", BOX_PYTHON, *platforms),
        *("--target", str(target), "--requirement", str(requirements)),
    ]


def needless(relative: Path) -> bool:
    """Whether the box can do without this file of a third-party tree."""
    if any(part.endswith(".dist-info") for part in relative.parts):
        return relative.name in ("RECORD", "direct_url.json", "REQUESTED")
    if relative.parts[:2] in _NEEDLESS_TREES:
        return True
    # numpy.testing and others import their own `tests` folders only when asked to run them.
    folders = relative.parts[:-1] if relative.suffix else relative.parts
    return bool(set(_NEEDLESS_FOLDERS).intersection(folders)) or relative.suffix in _NEEDLESS_SUFFIXES


def third_party_tree(
    pins: Iterable[Pin], build: Path, tools: ToolsTree, *, log_path: Path, on_line: Callable[[str], None]
) -> Path:
    """The tree of third-party packages, made once for a set of pins and kept in the cache."""
    lines = "\n".join(pin.line() for pin in pins) + "\n"
    digest = combined({"pins": lines, "recipe": _RECIPE, "tools": tools.digest})[:16]
    tree = build / "python" / digest
    if tree.is_dir():
        return tree
    work = build / "python" / "new"
    shutil.rmtree(work, ignore_errors=True)
    target = work / SITE_IN_IMAGE
    target.mkdir(parents=True)
    requirements = work / "requirements.txt"
    requirements.write_text(lines)
    title = "installing the appliance's Python packages"
    run_logged(pip_argv(requirements, target), title=title, log_path=log_path, on_line=on_line)
    requirements.unlink()
    strip(target)
    compile_tree(work, tools, log_path=log_path)
    work.rename(tree)
    for other in tree.parent.iterdir():
        if other != tree:
            shutil.rmtree(other)
    return tree


def strip(target: Path) -> None:
    """Remove what `needless` names, and folders left empty."""
    for path in sorted(target.rglob("*"), reverse=True):
        if path.is_dir() and not path.is_symlink():
            if not any(path.iterdir()):
                path.rmdir()
        elif needless(path.relative_to(target)):
            path.unlink()


def own_tree(package: Path, version: str, build: Path, tools: ToolsTree, *, log_path: Path) -> Path:
    """Our package `appliance` as the image gets it, with its launcher."""
    work = build / "own"
    shutil.rmtree(work, ignore_errors=True)
    shutil.copytree(package, work / SITE_IN_IMAGE / "appliance", ignore=shutil.ignore_patterns("__pycache__"))
    # What the code asks for its own version (importlib.metadata).
    metadata = work / SITE_IN_IMAGE / f"fleetctl-{version}.dist-info/METADATA"
    metadata.parent.mkdir()
    metadata.write_text(f"Metadata-Version: 2.1\nName: fleetctl\nVersion: {version}\n")
    launcher = work / "usr/bin/appliancectl"
    launcher.parent.mkdir(parents=True)
    launcher.write_text(LAUNCHER)
    launcher.chmod(0o755)
    compile_tree(work, tools, log_path=log_path)
    return work


# This interpreter's own libraries go before those of the box, which may be for another processor; of the box's tree
# only the tabular list is read. Digests are compared there with those that the package has pinned.
_CODE_PACKS = """
import sys
from pathlib import Path
package, third_party, target = sys.argv[1:]
sys.path.insert(0, package)
sys.path.append(third_party)
from appliance.coding.tables.builtin import write_built_in
for path in write_built_in(Path(target)):
    print(path.name)
"""


def code_packs(package: Path, third_party: Path, own: Path, *, log_path: Path) -> None:
    """Make the built-in code tables (`appliance.coding.tables.builtin`) in our tree, so that no box makes them.

    Raises ChangeError when a table comes out other than the package says that it must.
    """
    argv = [sys.executable, "-I", "-c", _CODE_PACKS, str(package.parent), str(third_party / SITE_IN_IMAGE)]
    target = own / CODES_IN_IMAGE
    target.mkdir(parents=True)
    run_logged([*argv, str(target)], title="making the code tables", log_path=log_path)


# -I: neither the environment nor the current directory decides what is imported.
LAUNCHER = f"""#!/usr/bin/python3 -I
import site
import sys

site.addsitedir("/{SITE_IN_IMAGE}")
from appliance.ctl.__main__ import main

sys.exit(main())
"""


def compile_tree(tree: Path, tools: ToolsTree, *, log_path: Path) -> None:
    """Compile every module below `tree` with the Python of the tools, which is the box's."""
    argv = ["python3", "-m", "compileall", "-q", "-f", "-s", "/tree", "-p", "/"]
    argv += ["--invalidation-mode", "unchecked-hash", f"/tree/{SITE_IN_IMAGE}"]
    run_logged(tools.run_argv(argv, binds={tree: "/tree"}), title="compiling Python modules", log_path=log_path)
