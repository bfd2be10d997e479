"""The tree of the engine image: vLLM and its libraries as a virtual environment of the box's Python, and a compiler."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from fleetctl.image.command import run_logged
from fleetctl.image.lockfile import BOX_PYTHON, Pin
from fleetctl.image.mirrors import Mirrors
from fleetctl.image.pythontree import pip_argv
from fleetctl.image.toolchain import lay_toolchain
from fleetctl.image.tools import ToolsTree

# Where the box mounts it (appliance/engine_image.py, the units' MountImages=). A virtual environment knows its place.
PLACE = "/run/engine"
SITE = f"lib/python{BOX_PYTHON}/site-packages"
# For building other programs with a library, which a box never does. CUDA's headers stay: Triton's launchers need them.
_NEEDLESS_SUFFIXES = (".pyi", ".pyx", ".pxd", ".a")
_NEEDLESS_RECORDS = ("RECORD", "direct_url.json", "REQUESTED")


def lay_tree(
    root: Path,
    pins: Sequence[Pin],
    recipe: Path,
    work: Path,
    tools: ToolsTree,
    mirrors: Mirrors,
    *,
    log_path: Path,
    on_line: Callable[[str], None],
) -> list[tuple[str, str]]:
    """Make the tree in `root` and return name and version of the Debian packages of its compiler."""
    site = root / SITE
    site.mkdir(parents=True)
    requirements = work / "requirements.txt"
    requirements.write_text("\n".join(pin.line() for pin in pins) + "\n")

    # Several GB that are laid once: pip's own cache would keep them a second time.
    def shown(line: str) -> None:
        on_line(line.split(" (from")[0][:100])

    argv = [*pip_argv(requirements, site), "--no-cache-dir"]
    run_logged(argv, title="installing the engine's Python packages", log_path=log_path, on_line=shown)
    # Commands of libraries; ours, which the recipe has, knows its interpreter.
    shutil.rmtree(site / "bin", ignore_errors=True)
    strip(site)
    shutil.copytree(recipe / "tree", root, dirs_exist_ok=True)
    (root / "bin/python3").symlink_to("/usr/bin/python3")
    packages = lay_toolchain(root / "toolchain", work, mirrors, log_path=log_path, on_line=on_line)
    on_line("compiling Python modules")
    compile_site(root, tools, log_path=log_path)
    return packages


def strip(site: Path) -> None:
    """Remove what a box has no use for."""
    for path in site.rglob("*"):
        if path.is_dir() or path.is_symlink():
            continue
        record = path.parent.name.endswith(".dist-info") and path.name in _NEEDLESS_RECORDS
        if record or path.suffix in _NEEDLESS_SUFFIXES:
            path.unlink()


def compile_site(root: Path, tools: ToolsTree, *, log_path: Path) -> None:
    """Compile every module with the box's Python, as pythontree does, on all cores.

    Some packages carry files of another Python or templates of modules; those are not imported, and stay as they are.
    """
    argv = ["python3", "-m", "compileall", "-q", "-f", "-j", "0", "-s", "/tree", "-p", PLACE]
    argv += ["--invalidation-mode", "unchecked-hash", f"/tree/{SITE}"]
    inside = tools.run_argv(
        ["sh", "-c", f'{" ".join(argv)} || echo "not every file is a module"'], binds={root: "/tree"}
    )
    run_logged(inside, title="compiling Python modules", log_path=log_path)
