"""`python -m milestones NAME [settings]`: one of the programs, by name."""

import importlib
import sys


def main() -> None:
    """Run the program that the first word names; Ctrl-C during the imports ends it quietly, too."""
    names = ("xor", "mnist", "cifar10", "tinygpt")
    if sys.argv[1:2] == [] or sys.argv[1] not in names:
        print(f"python -m milestones NAME, where NAME is one of {', '.join(names)}")
        sys.exit(2)
    name = sys.argv.pop(1)
    try:
        program = importlib.import_module(f"milestones.{name}")
        common = importlib.import_module("milestones.common")
    except KeyboardInterrupt:
        print("\nstopped before it began", flush=True)
        sys.exit(130)
    common.start(program.main)


if __name__ == "__main__":
    main()
