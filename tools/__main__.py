"""Entry of `make`: finds a Python that is new enough, sets up `.venv`, goes on inside it.

This file alone must parse on any Python 3, so that an old one gets a message, not a SyntaxError.
"""

import os
import shutil
import subprocess
import sys

OLDEST = (3, 11)


def newer_python():
    # type: () -> str | None
    """The path of a Python on PATH that is new enough, if this one is not."""
    for minor in range(OLDEST[1], OLDEST[1] + 5):
        found = shutil.which("python3.%d" % minor)  # noqa: UP031
        if found:
            return found
    return None


def run():
    # type: () -> int
    """Run the command named on the command line; the exit code."""
    arguments = ["-m", "tools", *sys.argv[1:]]
    if sys.version_info < OLDEST:
        python = newer_python()
        if python is None:
            found = ".".join(map(str, sys.version_info[:3])) + " at " + sys.executable
            print(
                "TinyTorch needs Python 3.11 or newer; this is " + found + " at " + sys.executable
            )
            print("Install a newer one, then say: make serve PYTHON=/path/to/python3")
            return 2
        return subprocess.call([python, *arguments])
    from . import cli, environment

    if cli.needs_environment(sys.argv[1:]) and not environment.is_active():
        try:
            python = str(environment.ensure())
        except cli.Problem as problem:
            print("\n" + str(problem), file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            return 130
        if os.name == "posix":
            os.execv(python, [python, *arguments])
        return subprocess.call([python, *arguments])
    return cli.main(sys.argv[1:])


if __name__ == "__main__":
    raise SystemExit(run())
