"""`python -m tito`, and the `tito` command: Ctrl-C during the imports ends it quietly, too."""

import sys

STOPPED = 130


def main() -> None:
    """Run the command line."""
    try:
        from tito import cli
    except KeyboardInterrupt:
        sys.exit(STOPPED)
    cli.main()


if __name__ == "__main__":
    main()
