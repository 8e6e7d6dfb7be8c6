"""The build of the WebAssembly kernels: the same bytes everywhere, loadable, asking for nothing."""

import zipfile
from pathlib import Path

import pytest

from lite.kernels import build as kernels

HEAD = b"\0asm\1\0\0\0"
DYLINK = b"\0\x0b\x08dylink.0\1\0"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return kernels.build(tmp_path_factory.mktemp("kernels"))


def test_the_wheel_holds_the_library_and_its_python_and_is_small(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        record = archive.read("tinytorch_wasm-0.1.0.dist-info/RECORD").decode()
        assert archive.testzip() is None
    package = {name for name in names if name.startswith("tinytorch_wasm/")}
    assert package == {
        f"tinytorch_wasm/{name}"
        for name in ("__init__.py", "library.py", "loops.py", "kernels.wasm")
    }
    assert all(f"{name}," in record for name in names)
    assert wheel.stat().st_size < 50_000


def test_building_again_gives_the_same_bytes(wheel: Path, tmp_path: Path) -> None:
    assert kernels.build(tmp_path).read_bytes() == wheel.read_bytes()


def test_every_function_that_python_declares_is_in_the_module(wheel: Path) -> None:
    library = (wheel.parent / kernels.LIBRARY).read_bytes()
    source = (kernels.FOLDER / kernels.NAME / "library.py").read_text(encoding="utf-8")
    table: dict[str, object] = {}
    body = source[source.index("WINDOWS = ") : source.index("KINDS: ")]
    exec(body, table)
    signatures = table["SIGNATURES"]
    assert isinstance(signatures, dict)
    assert len(signatures) > 30
    exports = next(body for kind, body in kernels.read_sections(library) if kind == 7)
    missing = [name for name in signatures if bytes([len(name)]) + name.encode() not in exports]
    assert not missing


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (b"not WebAssembly", "not a WebAssembly module"),
        (HEAD + b"\1\1\0", "dylink"),
        (HEAD + DYLINK + b"\2\x0e\1\3env\6malloc\0\0", r"\['malloc'\]"),
    ],
)
def test_a_module_that_could_not_be_loaded_stops_the_build(module: bytes, message: str) -> None:
    with pytest.raises(kernels.BuildError, match=message):
        kernels.check(module)


def test_a_mistake_in_the_sources_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "broken.c").write_text("int f(void) { return nothing; }\n")
    monkeypatch.setattr(kernels, "FOLDER", tmp_path)
    with pytest.raises(kernels.BuildError, match="nothing"):
        kernels.compile_library(tmp_path)
