"""The finished site: every link leads somewhere, and nothing is fetched from another origin."""

import json
import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

# Attributes whose address a browser fetches by itself, by tag.
FETCHED = {
    "script": ("src",),
    "img": ("src", "srcset"),
    "iframe": ("src",),
    "source": ("src", "srcset"),
    "video": ("src", "poster"),
    "audio": ("src",),
    "embed": ("src",),
    "object": ("data",),
    "form": ("action",),
}
FETCHED_RELATIONS = {"stylesheet", "icon", "preload", "modulepreload", "prefetch", "preconnect"}
FETCHED_RELATIONS |= {"dns-prefetch", "manifest", "shortcut", "apple-touch-icon"}
DELIVERY_HOSTS = re.compile(
    r"(?:unpkg\.com|jsdelivr\.net|cdnjs\.cloudflare|esm\.sh|skypack|googleapis|gstatic"
    r"|mybinder\.org|polyfill\.io|bootcdn)"
)
# Where a program names such a host and does not go there, with the reason.
NAMED_ONLY = {
    "pyodide/pyodide.mjs": "its default address; the kernel gives it the site's own",
    "tt/kernel-worker.js": "the kernel's default address; we give it the site's own",
    "_static/mathjax/": "the loader's list of known delivery hosts, to find its own version",
    "_static/sphinx-thebe.js": "a word in a label; what it starts is the site's own tt/thebe.js",
    "_static/scripts/": "links in comments of bundled libraries",
    "lite/": "defaults of its stock kernel, which is off: see the test of it",
}


@dataclass
class Page(HTMLParser):
    """What a page names: addresses a browser fetches, links, and anchors to link to."""

    fetched: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    anchors: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attributes}
        self.anchors |= {values[name] for name in ("id", "name") if name in values}
        if tag in ("a", "area") and "href" in values:
            self.links.append(values["href"])
        if tag == "link" and FETCHED_RELATIONS & set(values.get("rel", "").split()):
            self.fetched.append(values.get("href", ""))
        for name in FETCHED.get(tag, ()):
            if values.get(name):
                entries = values[name].split(",") if name == "srcset" else [values[name]]
                self.fetched += [entry.split()[0] for entry in entries]


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Page]:
    """Every page of the book, read."""
    read = {}
    for path in sorted(site.rglob("*.html")):
        if path.relative_to(site).parts[0] in ("_static", "lite"):
            continue
        read[path] = Page()
        read[path].feed(path.read_text(encoding="utf-8"))
    return read


def foreign(address: str) -> bool:
    """Whether an address leads to another origin."""
    parts = urlsplit(address)
    return bool(parts.netloc) or parts.scheme in ("http", "https", "ws", "wss")


def test_the_book_is_there(site: Path, pages: dict[Path, Page]) -> None:
    for name in ("index.html", "book/intro.html", "book/chapters/02_tensor.html", "search.html"):
        assert site / name in pages
    for name in ("sw.js", "tt/tt.js", "tt/kernel-worker.js", "pyodide/pyodide.mjs"):
        assert (site / name).is_file()
    assert (site / "lite" / "lab" / "index.html").is_file()


def test_every_link_within_the_site_leads_somewhere(site: Path, pages: dict[Path, Page]) -> None:
    dead = []
    for path, page in pages.items():
        for address in {*page.links, *page.fetched}:
            parts = urlsplit(address)
            if foreign(address) or parts.scheme:
                continue
            assert not parts.path.startswith("/"), f"{path}: {address} breaks under a sub-path"
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if target.is_dir():
                target /= "index.html"
            anchor = unquote(parts.fragment)
            if not target.is_file():
                dead.append(f"{path.relative_to(site)}: {address}")
            elif anchor and target in pages and anchor not in pages[target].anchors:
                dead.append(f"{path.relative_to(site)}: {address} (no such anchor)")
    assert not dead, "\n".join(dead)


def test_no_page_fetches_from_another_origin(site: Path, pages: dict[Path, Page]) -> None:
    lite = {}
    for path in (site / "lite").rglob("*.html"):
        lite[path] = Page()
        lite[path].feed(path.read_text(encoding="utf-8"))
    found = [
        f"{path.relative_to(site)}: {address}"
        for path, page in {**pages, **lite}.items()
        for address in page.fetched
        if foreign(address)
    ]
    assert not found, "\n".join(found)


def test_no_style_fetches_from_another_origin(site: Path) -> None:
    pattern = re.compile(r"""(?:url\(\s*['"]?|@import\s+['"])((?:https?:)?//[^'")\s]+)""")
    found = [
        f"{path.relative_to(site)}: {match[1]}"
        for path in site.rglob("*.css")
        for match in pattern.finditer(path.read_text(encoding="utf-8", errors="replace"))
    ]
    assert not found, "\n".join(found)


def test_no_script_names_a_delivery_host_without_a_reason(site: Path) -> None:
    found = []
    for path in [*site.rglob("*.js"), *site.rglob("*.mjs"), *site.rglob("*.html")]:
        name = path.relative_to(site).as_posix()
        if name.startswith(tuple(NAMED_ONLY)):
            continue
        match = DELIVERY_HOSTS.search(path.read_text(encoding="utf-8", errors="replace"))
        if match:
            found.append(f"{name}: {match[0]}")
    assert not found, "\n".join(found)


def test_jupyterlite_runs_our_kernel_and_never_the_stock_one(site: Path) -> None:
    config = json.loads((site / "lite" / "jupyter-lite.json").read_text(encoding="utf-8"))
    settings = config["jupyter-config-data"]
    # The stock one would take Python from a delivery host and packages from a registry.
    assert "@jupyterlite/pyodide-kernel-extension:kernel" in settings["disabledExtensions"]
    ours = [e for e in settings["federated_extensions"] if e["name"].startswith("@tinytorch/")]
    base = site / "lite" / "extensions"
    for extension in settings["federated_extensions"]:
        assert not foreign(extension["load"])
        assert (base / extension["name"] / extension["load"]).resolve().is_file()
    assert ours


def test_mathematics_is_set_by_our_own_copy(site: Path, pages: dict[Path, Page]) -> None:
    used = {
        (path.parent / unquote(urlsplit(address).path)).resolve()
        for path, page in pages.items()
        for address in page.fetched
        if "mathjax" in address
    }
    assert used <= {(site / "_static" / "mathjax" / "tex-chtml.js").resolve()}
    assert (site / "_static" / "mathjax" / "tex-chtml.js").is_file()
    assert list((site / "_static/mathjax/output/chtml/fonts").rglob("*.woff"))


def test_site_names_no_folder_of_the_machine_that_built_it(site: Path, root: Path) -> None:
    needles = {str(root).encode(), str(Path.home()).encode() + b"/"}
    found = []
    for path in site.rglob("*"):
        if path.is_file() and path.suffix in (".html", ".js", ".mjs", ".css", ".json", ".ipynb"):
            content = path.read_bytes()
            found += [path.relative_to(site).as_posix() for needle in needles if needle in content]
    assert not found


def test_nothing_for_instructors_alone_is_in_the_site(site: Path) -> None:
    assert not [path for path in site.rglob("*") if path.name == "hidden"]
