"""Progress: one line per phase with its wall time, and errors a reader can act on."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"


class Problem(Exception):
    """Something the reader can put right; the message says what, where, and what to do."""


@dataclass
class Line:
    """What one phase says of itself."""

    name: str
    note: str = ""
    seconds: float = 0.0


@dataclass
class Progress:
    """Prints a line per phase and keeps their times."""

    lines: list[Line] = field(default_factory=list)

    @contextmanager
    def phase(self, name: str) -> Iterator[Line]:
        """Time a phase; on a terminal its line shows while it runs."""
        line = Line(name)
        live = sys.stdout.isatty()
        if live:
            print(f"  {name} ...", end="", flush=True)
        start = time.perf_counter()
        try:
            yield line
        except BaseException:
            line.note = "failed"
            raise
        finally:
            line.seconds = time.perf_counter() - start
            self.lines.append(line)
            clear = "\r\x1b[K" if live else ""
            note = f"  {line.note}" if line.note else ""
            print(f"{clear}  {line.name:<24}{line.seconds:7.1f} s{note}", flush=True)


def run(
    command: Sequence[str | os.PathLike[str]],
    what: str,
    *,
    folder: Path = ROOT,
    environment: Mapping[str, str] | None = None,
) -> str:
    """Run a command quietly; its output, or a `Problem` with the end of it."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    output = re.sub(r"\x1b\[[\d;]*m", "", done.stdout)
    if done.returncode:
        log = BUILD / "logs" / f"{what.split()[0].lower()}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(output, encoding="utf-8")
        tail = "\n".join(output.rstrip().splitlines()[-40:])
        raise Problem(
            f"{tail}\n\n{what} failed (exit code {done.returncode}). "
            f"All of its output: {log.relative_to(ROOT)}"
        )
    return output
