"""What the tests of the site share: where things are, and the built site itself."""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def root() -> Path:
    """The root of the project."""
    return ROOT


@pytest.fixture(scope="session")
def site(root: Path) -> Path:
    """The finished site."""
    folder = root / "build" / "site"
    if not (folder / "index.html").exists():
        pytest.fail("build/site is not there: run `make site` first")
    return folder
