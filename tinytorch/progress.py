"""Chapter 08, given: telling how far training is, how fast it goes, and when it will end."""

from __future__ import annotations

import sys
import time
from typing import Any


class Progress:
    """One line for each epoch: on a terminal it is rewritten, elsewhere printed at the end.

    total: the number of batches, None if unknown. Long epochs elsewhere get a line every 10 s.
    """

    def __init__(self, label: str, total: int | None = None, show: bool = True) -> None:
        self.label, self.total, self.show = label, total, show
        self.started = time.monotonic()
        self.terminal = sys.stdout.isatty()
        self.next_line = self.started + (0.1 if self.terminal else 10.0)
        self.batches = self.samples = 0

    def update(self, samples: int, loss: float) -> None:
        """One batch more."""
        self.batches += 1
        self.samples += samples
        now = time.monotonic()
        if self.show and now >= self.next_line:
            self._write(self.line(loss), final=not self.terminal)
            self.next_line = now + (0.1 if self.terminal else 10.0)

    def line(self, loss: float) -> str:
        """Where we are: batches, loss, samples a second, time left."""
        elapsed = max(time.monotonic() - self.started, 1e-9)
        parts = [self.label, f"{self.batches}/{self.total or '?'}", f"loss {loss:.4f}"]
        parts.append(f"{self.samples / elapsed:,.0f} samples/s")
        if self.total:
            parts.append(f"ETA {clock(elapsed / self.batches * (self.total - self.batches))}")
        return "  ".join(parts)

    def finish(self, values: dict[str, Any]) -> None:
        """The epoch is over: its numbers, the rate and the time it took."""
        if not self.show:
            return
        elapsed = max(time.monotonic() - self.started, 1e-9)
        numbers = "  ".join(f"{name} {value:.4f}" for name, value in values.items())
        rate = f"{self.samples / elapsed:,.0f} samples/s"
        self._write(f"{self.label}  {numbers}  {rate}  {clock(elapsed)}", final=True)

    def _write(self, text: str, final: bool) -> None:
        start, clear = ("\r", "\x1b[K") if self.terminal else ("", "")
        print(f"{start}{text}{clear}", end="\n" if final else "", flush=True)


def clock(seconds: float) -> str:
    """Seconds as 0:07 or 1:02:33."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
