"""The dependency rules of the rooms, and what no committed file may say."""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

STANDARD = frozenset(sys.stdlib_module_names) | {"__future__"}
# Room -> what its modules may import besides the standard library and itself.
MAY_IMPORT = {
    # tinytorch_wasm is there in the page only, and by a name that is looked up.
    "tinytorch": {"numpy"},
    # The framework only inside a fresh module set: see the test after this one.
    "tito": {"numpy", "pytest", "_pytest", "typer", "click", "rich", "exercises", "tinytorch"},
    "exercises": {"numpy", "pytest", "tinytorch", "tito"},
    "milestones": {"numpy", "tinytorch", "tito"},
    "tools": {"lite"},
    "lite/distribution": {"lite"},
    "lite/kernels": {"numpy", "lite"},
}


def imports(path: Path) -> Iterator[tuple[str, int, bool]]:
    """The absolute imports of a file: module, line, and whether it is at the file's top level."""
    tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
    top = set(map(id, tree.body))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for name in node.names:
                yield name.name, node.lineno, id(node) in top
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module, node.lineno, id(node) in top


def python_files(folder: Path) -> list[Path]:
    return [
        path
        for path in sorted(folder.rglob("*.py"))
        if not {"node_modules", "hidden", "__pycache__"} & set(path.parts)
    ]


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_a_room_imports_only_what_it_may(root: Path, room: str) -> None:
    allowed = STANDARD | MAY_IMPORT[room] | {room}
    wrong = [
        f"{path.relative_to(root)}:{line}: imports {module}"
        for path in python_files(root / room)
        if path.parent.name not in ("mistakes", "alternatives")
        for module, line, _ in imports(path)
        if module.split(".")[0] not in allowed
    ]
    assert not wrong, "\n".join(wrong)


def test_the_engine_never_imports_the_framework_at_its_top_level(root: Path) -> None:
    wrong = [
        f"{path.relative_to(root)}:{line}"
        for path in python_files(root / "tito")
        for module, line, top in imports(path)
        if top and module.split(".")[0] == "tinytorch"
    ]
    assert not wrong, "\n".join(wrong)


def test_a_chapters_module_imports_only_its_own_and_earlier_chapters(root: Path) -> None:
    chapters = course_modules(root / "tinytorch" / "course.py")
    assert chapters["tensor"] == 2
    wrong = []
    for name, chapter in chapters.items():
        path = root / "tinytorch" / f"{name}.py"
        if not path.exists():
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            for module in framework_modules(node):
                if chapters.get(module, 0) > chapter:
                    wrong.append(f"{name} (chapter {chapter}) imports {module}")
    assert not wrong, "\n".join(wrong)


def course_modules(path: Path) -> dict[str, int]:
    """The table of modules and chapters, read without importing the package it is about."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "MODULES":
            table: dict[str, int] = ast.literal_eval(node.value) if node.value else {}
            return table
    raise AssertionError(f"no MODULES in {path}")


def framework_modules(node: ast.AST) -> list[str]:
    """The modules of the framework that an import statement names."""
    if isinstance(node, ast.Import):
        parts = [name.name.split(".") for name in node.names]
        return [p[1] for p in parts if p[0] == "tinytorch" and len(p) > 1]
    if isinstance(node, ast.ImportFrom):
        module = node.module or ""
        if node.level == 1:
            return [module.split(".")[0]] if module else [name.name for name in node.names]
        if module == "tinytorch":
            return [name.name for name in node.names]
        if module.startswith("tinytorch."):
            return [module.split(".")[1]]
    return []


@pytest.fixture(scope="module")
def committed(root: Path) -> dict[str, str]:
    """The text of every file under version control."""
    done = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, check=True)
    texts = {}
    for name in done.stdout.decode().split("\0"):
        path = root / name
        if name and path.is_file():
            content = path.read_bytes()
            if b"\0" not in content:
                texts[name] = content.decode("utf-8")
    return texts


def test_no_committed_file_names_a_folder_of_a_machine(committed: dict[str, str]) -> None:
    home = re.escape(str(Path.home()))
    pattern = re.compile(rf"(?<![\w.])(?:/work/|/root/|/opt/wheels|{home}/)")
    found = [
        f"{name}: {match[0]}"
        for name, text in committed.items()
        for match in pattern.finditer(text)
        if name != "tests/site/test_rules.py"
    ]
    assert not found, "\n".join(found)


def test_no_committed_file_names_a_host_of_a_package_registry(committed: dict[str, str]) -> None:
    hosts = ["registry.npm" + "js.org", "pypi" + ".org", "pythonhosted" + ".org"]
    hosts += ["download.py" + "torch.org", "deb.debian" + ".org"]
    found = [f"{name}: {h}" for name, text in committed.items() for h in hosts if h in text]
    assert not found, "\n".join(found)
    assert '"resolved"' not in committed["lite/package-lock.json"]


def test_every_locked_python_package_has_hashes(root: Path) -> None:
    for name in ("site", "test", "node"):
        text = (root / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
        entries = re.split(r"\n(?=\S)", text.strip())
        assert entries
        for entry in entries:
            assert re.match(r"[\w.-]+(\[\w+\])?==", entry), entry
            assert "--hash=sha256:" in entry, entry


def test_scripts_are_executable_where_systems_ask_for_it(root: Path) -> None:
    assert os.access(root / ".ci" / "run", os.X_OK)
