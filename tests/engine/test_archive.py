"""The workspace as a zip, and archives that mean harm."""

import io
import json
import stat
import zipfile

import pytest

from tito import archive
from tito.errors import TitoError
from tito.workspace import STATE, Workspace

GOOD = json.dumps({"schema": 1, "course": "0.1.0", "steps": {}, "given": {}, "choices": {}})


def packed(*entries, state=GOOD):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        if state is not None:
            file.writestr(STATE, state)
        for name, content in entries:
            file.writestr(name, content)
    return buffer.getvalue()


def entry(name, mode=0o100644):
    info = zipfile.ZipInfo("placeholder")
    info.filename = name
    info.external_attr = mode << 16
    return info


def corrupted():
    data = bytearray(packed(("tinytorch/a.py", "x = 1\n" * 50)))
    data[data.index(b"tinytorch/a.py") + len("tinytorch/a.py") + 4] ^= 0xFF
    return bytes(data)


def lying(size):
    """An archive whose directory says that a bomb is small."""
    data = packed(("tinytorch/a.py", b"0" * 5_000_000))
    real = (5_000_000).to_bytes(4, "little")
    return data.replace(real, size.to_bytes(4, "little"))


HOSTILE = {
    "not a zip": b"hello",
    "nothing": b"",
    "truncated": packed(("tinytorch/a.py", "x = 1\n" * 1000))[:-40],
    "corrupted": corrupted(),
    "traversal": packed(("../evil.py", "x")),
    "traversal inside": packed(("tinytorch/../../evil.py", "x")),
    "absolute": packed(("/tmp/evil.py", "x")),
    "drive": packed(("C:/evil.py", "x")),
    "backslash": packed((entry("..\\evil.py"), "x")),
    "link": packed((entry("tinytorch/a.py", stat.S_IFLNK | 0o777), "/etc/passwd")),
    "device": packed((entry("tinytorch/a.py", stat.S_IFCHR | 0o666), "")),
    "device name": packed(("tinytorch/aux.py", "x")),
    "git hook": packed((".git/hooks/pre-commit.py", "x")),
    "hidden": packed(("tinytorch/.a.py", "x")),
    "other kind": packed(("tinytorch/a.so", "x")),
    "too many": packed(*((f"tinytorch/m{i}.py", "") for i in range(archive.MOST_FILES + 1))),
    "bomb": packed(("tinytorch/a.py", b"0" * 50_000_000)),
    "many bombs": packed(*((f"tinytorch/a{i}.py", b"0" * 1_900_000) for i in range(20))),
    "bomb that lies": lying(100),
    "not text": packed(("tinytorch/a.py", b"\xff\xfe\x00")),
    "twice": packed(("tinytorch/a.py", "x"), ("tinytorch/A.py", "y")),
    "file and folder": packed(("tinytorch.py", "x"), ("tinytorch.py/a.py", "y")),
    "control characters": packed(("tinytorch/a\x1b[2J.py", "x")),
    "long name": packed(("tinytorch/" + "a" * 300 + ".py", "x")),
    "no state": packed(("tinytorch/a.py", "x"), state=None),
    "newer": packed(state='{"schema": 99}'),
    "damaged state": packed(state='{"schema": '),
    "state of another shape": packed(state='{"schema": 1, "steps": [1]}'),
    "deep state": packed(state="[" * 100_000),
}


@pytest.mark.parametrize(
    "kind", ["traversal", "traversal inside", "absolute", "drive", "backslash"]
)
def test_a_path_outside_is_called_so(kind):
    with pytest.raises(TitoError, match="does not lie in the workspace"):
        archive.load(HOSTILE[kind])


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE)
def test_hostile_archives_are_refused_and_nothing_changes(workspace, course, data, tmp_path):
    workspace.save(course.step("02-tensor/add"), "def add(a, b):\n    return a + b")
    everything = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    with pytest.raises(TitoError) as caught:
        archive.replace(workspace.root, course, data, backup=True)
    assert caught.value.message
    assert caught.value.hint
    assert {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()} == everything


def test_there_and_back_is_byte_for_byte(workspace, course, tmp_path):
    workspace.save(course.step("02-tensor/add"), "def add(a, b):\n    return a + b  # é")
    workspace.save(course.step("02-tensor/mean"), "def mean(")
    workspace.write("notes.md", "mine\n")
    (workspace.root / "data").mkdir()
    (workspace.root / "data" / "big.csv").write_text("1")
    (workspace.root / ".git").mkdir()
    (workspace.root / ".git" / "config.txt").write_text("x")
    data = archive.export(workspace)
    assert data == archive.export(workspace)
    names = zipfile.ZipFile(io.BytesIO(data)).namelist()
    assert {STATE, "tinytorch/tensor.py", ".tito/drafts/02-tensor/mean.py", "notes.md"} <= set(
        names
    )
    assert not [name for name in names if name.startswith((".git", "data"))]
    there = archive.replace(tmp_path / "there", course, data)
    assert archive.export(there) == data


def test_an_import_replaces_what_is_the_workspaces_and_keeps_the_old(workspace, course):
    old = archive.export(workspace)
    workspace.write("tinytorch/extra.py", "x = 1\n")
    (workspace.root / ".git").mkdir()
    (workspace.root / ".git" / "HEAD").write_text("ref")
    replaced = archive.replace(workspace.root, course, old, backup=True)
    assert not (workspace.root / "tinytorch" / "extra.py").exists()
    assert (workspace.root / ".git" / "HEAD").read_text() == "ref"
    assert replaced.changes == {"tinytorch/extra.py": None}
    (kept,) = (workspace.root / ".tito").glob("before-import-*.zip")
    assert "tinytorch/extra.py" in archive.load(kept.read_bytes())
    Workspace.open(workspace.root, course)
