"""The workspace as a zip: the same files, in the same places.

What comes from outside is checked as a whole before anything is replaced, and the old workspace
stays until the new one has been loaded.
"""

import io
import itertools
import re
import shutil
import stat
import tempfile
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

from tito.course import Course
from tito.errors import TitoError
from tito.workspace import STATE, Workspace, checked_state

MOST_FILES = 2000
LARGEST_FILE = 2_000_000
LARGEST_TOTAL = 32_000_000
LONGEST_NAME = 200
DEEPEST_STATE = 50
_SUFFIXES = {".py", ".toml", ".json", ".md", ".txt", ".ipynb", ".csv", ".cfg"}
_SKIPPED = {"__pycache__", "build", "dist", "node_modules", "venv", "env", "data", "runs"}
# Windows gives these names to devices, whatever the suffix.
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f<>:"|?*\\]')
# The same bytes for the same files, whenever they are packed.
_DATE = (1980, 1, 1, 0, 0, 0)


def export(workspace: Workspace) -> bytes:
    """The workspace's files as a zip."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in files(workspace.root):
            entry = zipfile.ZipInfo(name, _DATE)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, workspace.path(name).read_bytes())
    return buffer.getvalue()


def files(root: Path) -> list[str]:
    """Names of the workspace's files: code, progress, drafts; no caches, data, environments."""
    return sorted(_walk(root, root))


def _walk(root: Path, folder: Path) -> Iterator[str]:
    for path in folder.iterdir():
        name = path.relative_to(root).as_posix()
        if path.is_symlink():
            continue
        if path.is_dir():
            hidden = path.name.startswith(".") and name != ".tito"
            environment = (path / "pyvenv.cfg").exists()
            if not (hidden or environment or path.name in _SKIPPED or name.endswith(".egg-info")):
                yield from _walk(root, path)
        elif _problem_of_name(name) is None and path.stat().st_size <= LARGEST_FILE:
            yield name


def load(data: bytes) -> dict[str, str]:
    """The files of an archive, name to text, all checked. Raises TitoError."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
        entries = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
        raise _refused(f"it is not a whole zip file ({error})") from None
    with archive:
        entries = [entry for entry in entries if not _is_folder(entry)]
        _check_entries(entries)
        found: dict[str, str] = {}
        room = LARGEST_TOTAL
        for entry in entries:
            content = _read(archive, entry, min(LARGEST_FILE, room))
            room -= len(content)
            try:
                found[entry.filename] = content.decode("utf-8")
            except UnicodeDecodeError:
                raise _refused(f"{entry.filename!r} is not UTF-8 text") from None
    if STATE not in found:
        raise _refused(f"it holds no {STATE}, so it is not a workspace")
    if _depth(found[STATE]) > DEEPEST_STATE:
        raise _refused(f"its {STATE} is nested too deep")
    checked_state(found[STATE], f"the archive's {STATE}")
    return found


def _depth(text: str) -> int:
    """How deep a JSON text nests. Reading one of many levels ends the page's Python for good."""
    steps = (1 if bracket in "[{" else -1 for bracket in re.findall(r"[][{}]", text))
    return max(itertools.accumulate(steps), default=0)


def _is_folder(entry: zipfile.ZipInfo) -> bool:
    return entry.is_dir() and entry.file_size == 0 and _problem_of_folder(entry.filename) is None


def _problem_of_folder(name: str) -> str | None:
    return _problem_of_parts(name.removesuffix("/"))


def _check_entries(entries: list[zipfile.ZipInfo]) -> None:
    if len(entries) > MOST_FILES:
        raise _refused(f"it holds {len(entries)} files; at most {MOST_FILES} are allowed")
    seen: dict[str, str] = {}
    for entry in entries:
        # What the directory says; zipfile has already changed separators in `filename`.
        name = entry.orig_filename
        problem = _problem_of_name(name) or _problem_of_kind(entry)
        if problem:
            raise _refused(f"{name[:LONGEST_NAME]!r} {problem}")
        other = seen.setdefault(name.casefold(), name)
        if len(seen) and other is not name:
            raise _refused(f"{name!r} is in it twice (as {other!r})")
        if entry.file_size > LARGEST_FILE:
            raise _refused(f"{name!r} is larger than {LARGEST_FILE // 1_000_000} MB")
    for name in seen.values():
        parents = name.casefold().split("/")[:-1]
        for depth in range(1, len(parents) + 1):
            if "/".join(parents[:depth]) in seen:
                raise _refused(f"{name!r} lies in a folder that is also a file")
    if sum(entry.file_size for entry in entries) > LARGEST_TOTAL:
        raise _refused(f"unpacked it is larger than {LARGEST_TOTAL // 1_000_000} MB")


def _problem_of_kind(entry: zipfile.ZipInfo) -> str | None:
    mode = entry.external_attr >> 16
    if mode and stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        return "is a link or a device, not a file"
    if entry.flag_bits & 1:
        return "is encrypted"
    return None


def _problem_of_name(name: str) -> str | None:
    """Why a name cannot be a workspace file; None when it can."""
    problem = _problem_of_parts(name)
    if problem:
        return problem
    parts = name.split("/")
    if any(part.startswith(".") for part in parts[1:]):
        return "is a hidden file"
    if parts[0].startswith(".") and (parts[0] != ".tito" or len(parts) == 1):
        return "is a hidden file"
    suffix = Path(name).suffix.lower()
    if suffix not in _SUFFIXES:
        return f"is of a kind a workspace does not hold ({suffix or 'no suffix'})"
    return None


def _problem_of_parts(name: str) -> str | None:
    if not name or len(name) > LONGEST_NAME:
        return "is not a usable file name"
    if name.startswith("/") or "\\" in name or re.match(r"[A-Za-z]:", name):
        return "does not lie in the workspace"
    parts = name.split("/")
    if ".." in parts:
        return "does not lie in the workspace"
    for part in parts:
        if part in ("", ".") or _FORBIDDEN.search(part) or part[-1] in ". ":
            return "is not a usable file name"
        if _DEVICES.fullmatch(part):
            return "is the name of a device on Windows"
    return None


def _read(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, limit: int) -> bytes:
    """The content of one entry; what the directory says of its size is not believed."""
    try:
        with archive.open(entry) as file:
            content = file.read(limit + 1)
    except Exception as error:
        raise _refused(f"{entry.filename!r} is damaged ({error})") from None
    if len(content) > limit:
        raise _refused(f"{entry.filename!r} unpacks to more than it may")
    return content


def replace(root: Path, course: Course, data: bytes, *, backup: bool = False) -> Workspace:
    """Put an archive's files in place of the workspace's; the workspace that is there then.

    The archive is checked and opened in a folder beside first. With `backup` the old workspace
    is kept as a zip in `.tito/`. Files that are no part of a workspace (.git, data) stay.
    """
    found = load(data)
    staging = Path(tempfile.mkdtemp(prefix="tinytorch-import-"))
    try:
        for name, text in found.items():
            path = staging / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8", newline="")
        Workspace.open(staging, course).refresh_given()
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    if backup and (root / STATE).exists():
        _back_up(root, course)
    old = set(files(root)) if root.exists() else set()
    state = checked_state(found[STATE], STATE)
    workspace = Workspace(root, course, state)
    # The state comes last: until then the old one tells what is there.
    for name in sorted(found, key=lambda name: name == STATE):
        if name not in old or workspace.path(name).read_bytes() != found[name].encode():
            workspace.write(name, found[name])
    for name in sorted(old - set(found)):
        workspace.delete(name)
    workspace.refresh_given()
    return workspace


def _back_up(root: Path, course: Course) -> None:
    try:
        old = Workspace.open(root, course)
    except TitoError:
        old = Workspace(root, course, {})
    stamp = time.strftime("%Y%m%d-%H%M%S")
    (root / ".tito" / f"before-import-{stamp}.zip").write_bytes(export(old))


def _refused(why: str) -> TitoError:
    hint = "Nothing was changed. Choose a zip that `tito export` or the page's Export made."
    return TitoError("bad-archive", f"This archive cannot be imported: {why}.", hint)
