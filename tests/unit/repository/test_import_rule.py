"""Who may import whom: the two programs share the contract and nothing else."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]

# Outside packages that one module alone may import.
SOLE_IMPORTERS = {"fabric": "fleetctl/remote/connection.py", "ansible_runner": "fleetctl/remote/playbook.py"}


def imports(source: str, module: str) -> set[str]:
    """Absolute names that `source` imports, relative ones resolved against `module` (its dotted package)."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                package = module.split(".")[: len(module.split(".")) - node.level + 1]
                base = ".".join([*package, *([base] if base else [])])
            found.update({base, *(f"{base}.{alias.name}" for alias in node.names)})
    return found


def sources(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def imported(path: Path) -> set[str]:
    return imports(path.read_text(encoding="utf-8"), ".".join(path.relative_to(ROOT).parent.parts))


def inside(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


def test_appliance_never_imports_fleetctl() -> None:
    assert sources("appliance")
    wrong = [path for path in sources("appliance") if any(inside(name, "fleetctl") for name in imported(path))]
    assert wrong == []


def test_fleetctl_imports_only_the_contract_of_appliance() -> None:
    wrong = [
        (str(path.relative_to(ROOT)), name)
        for path in sources("fleetctl")
        for name in imported(path)
        if inside(name, "appliance") and name != "appliance" and not inside(name, "appliance.contract")
    ]
    assert wrong == []


@pytest.mark.parametrize(("package", "only"), SOLE_IMPORTERS.items())
def test_writer_and_reader_have_one_importer(package: str, only: str) -> None:
    users = [
        str(path.relative_to(ROOT))
        for path in sources("fleetctl")
        if any(inside(name, package) for name in imported(path))
    ]
    assert users in ([only], [])


@pytest.mark.parametrize(
    ("source", "module", "name"),
    [
        ("import fleetctl.errors", "appliance.ctl", "fleetctl.errors"),
        ("from appliance import ctl", "fleetctl.cli", "appliance.ctl"),
        ("from ..contract import health", "appliance.ctl", "appliance.contract.health"),
        ("def f():\n    from fleetctl import x", "appliance", "fleetctl.x"),
    ],
)
def test_the_rule_sees_every_form_of_import(source: str, module: str, name: str) -> None:
    assert name in imports(source, module)


@pytest.mark.parametrize("package", ["fleetctl", "appliance"])
def test_every_module_says_what_lives_there_and_stays_small(package: str) -> None:
    wrong = []
    for path in sources(package):
        text = path.read_text(encoding="utf-8")
        if not ast.get_docstring(ast.parse(text)) or len(text.splitlines()) > 400:
            wrong.append(str(path.relative_to(ROOT)))
    assert wrong == []


def test_only_the_entry_points_end_the_process() -> None:
    wrong = []
    for path in sources("fleetctl"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        calls = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
        if calls & {"sys.exit", "exit", "quit", "os._exit"} and path.name != "__main__.py":
            wrong.append(str(path.relative_to(ROOT)))
    assert wrong == []


# docs/design/clinical-core.md: what a package of the clinical core may import of the appliance, itself aside.
CORE = {
    "clinical": set(),
    "audit": {"contract"},
    "transcription": {"clinical", "contract"},
    "grounding": {"clinical"},
    "drafting": {"clinical", "grounding"},
    "coding": {"clinical", "contract", "drafting", "grounding"},
    "engine": {"contract"},
    "deid": set(),
    "gateway": {"clinical", "coding", "contract", "audit", "deid", "drafting", "grounding", "transcription"},
}
FOR_ALL = {
    "engine_image", "errors", "http_answer", "listening", "measures", "problems", "sdnotify", "service", "version",
    "weights",
}  # fmt: skip


@pytest.mark.parametrize("package", CORE)
def test_the_clinical_core_keeps_to_its_layers(package: str) -> None:
    files = sources(f"appliance/{package}")
    assert files
    allowed = CORE[package] | FOR_ALL | {package}
    used = {
        (path.name, name.split(".")[1])
        for path in files
        for name in imported(path)
        if (inside(name, "appliance") and "." in name and (ROOT / name.replace(".", "/")).with_suffix("").exists())
        or (name.startswith("appliance.") and (ROOT / f"{name.replace('.', '/')}.py").exists())
    }
    assert {one for one in used if one[1] not in allowed} == set()
