"""Run the code of a cell on the reference and give back what it printed and drew.

Run as a program, with {"cells": [code, ...]} on standard input; answers with {"text", "svg"} of
the last cell. A process of its own, so that the course's level is set before anything is imported.
"""

import contextlib
import io
import json
import sys


def main() -> None:
    """Read the cells, run them in one namespace, print the answer."""
    import matplotlib

    matplotlib.use("svg")
    # The same bytes for the same picture: no date, no random names, and text as shapes.
    matplotlib.rcParams["svg.hashsalt"] = "tinytorch"
    import matplotlib.pyplot as plt

    names: dict[str, object] = {"__name__": "__main__"}
    pictures: list[str] = []

    def show() -> None:
        picture = io.StringIO()
        plt.savefig(picture, format="svg", bbox_inches="tight", metadata={"Date": None})
        plt.close("all")
        text = picture.getvalue()
        pictures.append(text[text.index("<svg") :])

    plt.show = show
    printed = io.StringIO()
    for code in json.load(sys.stdin)["cells"]:
        pictures.clear()
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(code, "<cell>", "exec"), names)
    json.dump({"text": printed.getvalue().strip(), "svg": "".join(pictures[:1])}, sys.stdout)


if __name__ == "__main__":
    main()
