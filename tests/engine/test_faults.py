"""What can go wrong on a computer: a clear message, no half files, and the next run goes on."""

import hashlib
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tito.course import ROOT, Course
from tito.workspace import Workspace

if sys.platform == "win32":
    pytest.skip("limits and signals are POSIX's", allow_module_level=True)

# A toy data set behind the real command line; with a limit, files stop growing as on a full disk.
DRIVER = """
import resource, sys
from tito import data
from tito.data_sources import Address
url, digest, limit, *words = sys.argv[1:]
if int(limit):
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), int(limit)))
sources = (Address(url + "/{file}"),)
data.DATA_SETS["toy"] = data.DataSet("toy", "Toy", "none", 700_000, {"toy.bin": digest}, sources)
sys.argv = ["tito", *words]
from tito.cli import main
main()
"""


@pytest.fixture
def tito(server, tmp_path):
    """Run tito with the toy data set in its catalog; its outcome."""
    content = server.files["/toy.bin"]
    digest = hashlib.sha256(content).hexdigest()

    def start(*words, limit=0, cache=None, folder=None, url=None, wanted=digest):
        environment = {k: v for k, v in os.environ.items() if not k.startswith("TINYTORCH_")}
        environment.update(PYTHONPATH=str(ROOT), TINYTORCH_CACHE=str(cache or tmp_path / "cache"))
        command = [sys.executable, "-c", DRIVER, url or server.url, wanted, str(limit), *words]
        return subprocess.Popen(
            command,
            cwd=folder or tmp_path,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(*words, code, **how):
        process = start(*words, **how)
        out, errors = process.communicate(timeout=120)
        assert process.returncode == code, (out, errors)
        assert "Traceback" not in errors
        return out + errors

    run.start, run.content = start, content
    return run


def in_place(tmp_path: Path) -> list[str]:
    """The files of the data set, and those that a failed run left beside them."""
    folder = tmp_path / "cache" / "data"
    files = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return sorted(name for name in files if not name.startswith(".locks"))


def test_the_server_is_down(tito, tmp_path):
    told = tito("data", "get", "toy", code=2, url="http://127.0.0.1:9")
    for part in ("cannot be reached", "toy.bin", str(tmp_path / "cache" / "data" / "toy")):
        assert part in told
    assert in_place(tmp_path) == []


def test_what_the_offline_message_says_works(tito, tmp_path):
    folder = tmp_path / "cache" / "data" / "toy"
    folder.mkdir(parents=True)
    (folder / "toy.bin").write_bytes(tito.content)
    assert str(folder) in tito("data", "get", "toy", code=0, url="http://127.0.0.1:9")
    # A folder that others fill needs nothing beside the files.
    assert not (tmp_path / "cache" / "data" / ".locks").exists()


def test_a_download_that_is_cut_off_goes_on(tito, server, tmp_path):
    server.end_after = 300_000
    assert "ended after 300000 of 700000" in tito("data", "get", "toy", code=2)
    assert in_place(tmp_path) == [".partial/toy/toy.bin.part"]
    server.end_after = None
    tito("data", "get", "toy", code=0)
    assert server.requests[-1] == ("/toy.bin", "bytes=300000-")
    assert in_place(tmp_path) == ["toy/toy.bin"]


def test_a_wrong_hash_is_not_taken(tito, tmp_path):
    told = tito("data", "get", "toy", code=2, wanted="0" * 64)
    assert "has SHA-256" in told
    assert in_place(tmp_path) == []


def test_a_full_disk(tito, server, tmp_path):
    told = tito("data", "get", "toy", code=2, limit=200_000)
    for part in ("cannot be kept", "toy.bin.part", "TINYTORCH_CACHE"):
        assert part in told
    assert in_place(tmp_path) == [".partial/toy/toy.bin.part"]
    tito("data", "get", "toy", code=0)
    assert server.requests[-1] == ("/toy.bin", "bytes=200000-")


def test_a_cache_that_cannot_be_written(tito, tmp_path):
    (tmp_path / "file").write_text("no folder")
    told = tito("data", "get", "toy", code=2, cache=tmp_path / "file" / "cache")
    assert "TINYTORCH_CACHE" in told
    assert "not here" not in tito("data", "list", code=0, cache=tmp_path / "file" / "cache")


def test_two_at_once_fetch_once(tito, server, tmp_path):
    server.slow = True
    both = [tito.start("data", "get", "toy") for _ in range(2)]
    told = [process.communicate(timeout=120) for process in both]
    assert [process.returncode for process in both] == [0, 0], told
    assert len(server.requests) == 1
    assert any("waiting for another process" in errors for _, errors in told)


def test_verify_and_remove(tito, tmp_path):
    tito("data", "get", "toy", code=0)
    assert "toy is right" in tito("data", "verify", "toy", code=0)
    file = tmp_path / "cache" / "data" / "toy" / "toy.bin"
    file.write_bytes(tito.content[:-1])
    assert "tito data get toy" in tito("data", "verify", "toy", code=1)
    assert "Removed" in tito("data", "remove", "toy", code=0)
    assert "was not here" in tito("data", "remove", "toy", code=0)
    assert "no data set 'mist'" in tito("data", "get", "mist", code=2)


def test_a_full_disk_under_the_workspace(tito, tmp_path):
    tito("init", "mine", code=0)
    root = tmp_path / "mine"
    before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    told = tito("start", "02", code=2, limit=2000, folder=root)
    assert "File too large" in told
    assert {path: path.read_bytes() for path in root.rglob("*") if path.is_file()} == before
    tito("export", "work.zip", code=2, limit=2000, folder=root)
    assert {path: path.read_bytes() for path in root.rglob("*") if path.is_file()} == before
    tito("start", "02", code=0, folder=root)
    tito("export", "work.zip", code=0, folder=root)


@pytest.mark.parametrize(
    "words", [("init", "mine"), ("start", "02"), ("import", "../work.zip"), ("check", "01")]
)
def test_ctrl_c_at_any_point(words, tito, tmp_path, course: Course):
    """Whenever it comes, the workspace is whole: either as before or as after."""
    root = tmp_path / "mine"
    if words[0] != "init":
        tito("init", "mine", code=0)
        tito("export", "../work.zip", code=0, folder=root)
        tito("start", "01", code=0, folder=root)
    moments = random.Random(0)
    for _ in range(3):
        process = tito.start(*words, folder=root if root.exists() and words[0] != "init" else None)
        time.sleep(moments.uniform(0.15, 0.6))
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
        # Below 0: it came before Python was ready for signals, so nothing had begun.
        assert process.returncode in (0, 1, 2, 130, -signal.SIGINT), errors
    assert not list(tmp_path.rglob("*.tmp"))
    tito(*words, code=1 if words[0] == "check" else 0, folder=root if words[0] != "init" else None)
    workspace = Workspace.open(root, course)
    workspace.refresh_given()
    assert workspace.warnings == []
