"""The commands behind `make`: serve, site, test, benches, clean."""

import argparse
import shutil
import sys
import threading
import time
from collections.abc import Callable
from functools import partial

from . import check, environment, node, serve, stamps
from .build import SITE, WATCHED, build
from .console import BUILD, ROOT, Problem, Progress

WITHOUT_ENVIRONMENT = {"clean", "distclean", "help", "-h", "--help"}
CACHES = (".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis")
MILESTONES = ("xor", "cifar10", "tinygpt")
POLL_SECONDS = 1.0


def needs_environment(arguments: list[str]) -> bool:
    """Whether a command runs inside `.venv`."""
    return bool(arguments) and WITHOUT_ENVIRONMENT.isdisjoint(arguments)


def make_site(options: argparse.Namespace) -> int:
    """Bring build/site up to date, or only the phases named."""
    start = time.perf_counter()
    build(Progress(), tuple(getattr(options, "phases", ())), strict=True)
    place = SITE.relative_to(ROOT)
    print(f"{place}/ is up to date ({time.perf_counter() - start:.1f} s)", flush=True)
    return 0


def serve_site(options: argparse.Namespace) -> int:
    """Build what changed, serve it on localhost, and build again at every edit."""
    start = time.perf_counter()
    # Taken before the long work, so that a busy port is told at once.
    server = serve.make_server(SITE, options.port, options.sub_path, options.headers)
    build(Progress(), strict=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    place = serve.address(server, options.sub_path)
    print(f"\nReady in {time.perf_counter() - start:.1f} s: {place}")
    print("Pages are rebuilt when their sources are saved. Stop with Ctrl-C.", flush=True)
    seen = stamps.modified(WATCHED)
    while True:
        time.sleep(POLL_SECONDS)
        if (now := stamps.modified(WATCHED)) != seen:
            seen = now
            try:
                build(Progress(), strict=False)
            except Problem as problem:
                print(f"{problem}\n", flush=True)


def run_bench(options: argparse.Namespace) -> int:
    """The benchmarks of the framework against its peers."""
    environment.ensure_extra("parity.in")
    return check.call([sys.executable, "-m", "benchmarks"])


def run_browser_bench(options: argparse.Namespace) -> int:
    """Start-up, verdicts and kernels in real browsers."""
    build(Progress(), strict=True)
    check.in_browsers(["tests/browser/bench.mjs"])
    check.in_browsers(["benchmarks/browser/kernels.mjs"])
    return 0


def fuzz_kernels(options: argparse.Namespace) -> int:
    """The WebAssembly kernels against NumPy: 100,000 random cases in each home."""
    build(Progress(), ("npm", "wheel", "kernels", "runtime"), strict=True)
    variables = {"CASES": str(options.cases), "SEED": str(options.seed)}
    check.in_browsers(["--test", "tests/browser/kernels.test.mjs"], variables)
    return 0


def run_milestones(options: argparse.Namespace) -> int:
    """Train the milestones on the reference package, each with its gate."""
    suite = check.Suite()
    for name in MILESTONES:
        suite.phase(name, partial(train, name))
    return suite.close()


def train(name: str) -> None:
    """Run one milestone; a gate that is not reached is a `Problem`."""
    check.stop(name, check.call([sys.executable, "-m", "milestones", name]))


def run_tests(options: argparse.Namespace) -> int:
    """All tests, in sequence."""
    return check.main()


def clean(options: argparse.Namespace) -> int:
    """Delete what `make` built; `distclean` deletes what it installed, too."""
    folders = [BUILD, *(ROOT / name for name in CACHES)]
    if options.command == "distclean":
        folders += [node.LITE / "node_modules", environment.FOLDER]
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
    return 0


def parser() -> argparse.ArgumentParser:
    """The command line of `python -m tools`."""
    top = argparse.ArgumentParser(prog="python3 -m tools")
    commands = top.add_subparsers(dest="command", required=True)

    def add(name: str, function: Callable[[argparse.Namespace], int]) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=(function.__doc__ or "").splitlines()[0])
        command.set_defaults(run=function)
        return command

    served = add("serve", serve_site)
    served.add_argument("--port", type=int)
    served.add_argument("--sub-path", default="/")
    served.add_argument("--headers", action=argparse.BooleanOptionalAction, default=False)
    add("site", make_site).add_argument("phases", nargs="*", help="only these phases")
    add("test", run_tests)
    add("bench", run_bench)
    add("bench-browser", run_browser_bench)
    fuzz = add("fuzz-kernels", fuzz_kernels)
    fuzz.add_argument("--cases", type=int, default=100_000)
    fuzz.add_argument("--seed", type=int, default=1)
    add("milestones", run_milestones)
    add("clean", clean)
    add("distclean", clean)
    return top


def main(arguments: list[str]) -> int:
    """Run a command; the exit code. What the reader can put right is told without a traceback."""
    options = parser().parse_args(arguments)
    try:
        code: int = options.run(options)
    except (Problem, serve.PortBusy) as problem:
        print(f"\n{problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstopped")
        return 130
    return code
