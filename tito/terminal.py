"""Keys of a terminal, one at a time, without waiting; the terminal is put back however it ends."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Keys:
    """What was typed. Without a terminal nothing ever is."""

    def get(self, seconds: float) -> str:
        """The next key, or an empty text when none came within `seconds`."""
        time.sleep(seconds)
        return ""


class _PosixKeys(Keys):
    def get(self, seconds: float) -> str:
        import os
        import select

        ready, _, _ = select.select([sys.stdin], [], [], seconds)
        if not ready:
            return ""
        typed = os.read(sys.stdin.fileno(), 16)
        # Nothing at all: the terminal is gone.
        return typed.decode("utf-8", "replace")[:1] if typed else "q"


class _WindowsKeys(Keys):
    def get(self, seconds: float) -> str:
        import msvcrt  # the names below exist on Windows only

        console: Any = msvcrt
        end = time.monotonic() + seconds
        while not console.kbhit():
            if time.monotonic() >= end:
                return ""
            time.sleep(0.02)
        key: str = console.getwch()
        if key == "\x03":
            raise KeyboardInterrupt
        return key


@contextmanager
def keys() -> Iterator[Keys]:
    """Inside, single keys can be read; afterwards the terminal is as it was."""
    if not sys.stdin.isatty():
        yield Keys()
        return
    if sys.platform == "win32":
        yield _WindowsKeys()
        return
    import termios
    import tty

    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    try:
        # Not raw: Ctrl-C stays Ctrl-C.
        tty.setcbreak(descriptor)
        yield _PosixKeys()
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
