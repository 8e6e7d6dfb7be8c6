"""Texts for every step, and the command line's report on each, as lines of JSON.

Of a step: its solution, its starter, its known mistakes, other right answers, and twenty texts that
are broken in ways in which beginners break them. Checked as `tito check STEP --code FILE` does.
The first line is the zip of a workspace that holds every solution, in base 64.
"""

import base64
import json
import sys
import tempfile
from pathlib import Path

from tito import archive, runner, starters
from tito.course import Course, Step
from tito.mistakes import read_answer
from tito.workspace import Workspace

NEWER = (
    "type Number = int\n",
    "def first[T](x: T) -> T:\n    return x\n",
    "name = f'{'a'}'\n",
    "try:\n    pass\nexcept ValueError, TypeError:\n    pass\n",
)


def broken(solution: str, names: tuple[str, ...]) -> list[str]:
    """Twenty broken texts made of a solution."""
    lines = solution.split("\n")
    head = next(
        number for number, line in enumerate(lines) if line.lstrip().startswith(("def ", "class "))
    )
    name = names[0]
    return [
        "",
        "# nothing yet\n",
        "\n".join(lines[: head + 1]),
        "\n".join(lines[:-1]) or "pass (",
        solution.replace(":", "", 1),
        solution.replace("(", "", 1),
        solution.replace(")", "", 1),
        solution + "\n  return (",
        solution + "\n\tif True:\n        pass\n",
        solution.replace("def ", "fed ").replace("class ", "clas "),
        solution.replace("    ", "  ", 1),
        solution + "\nreturn 1\n",
        solution + '\ntext = "not closed\n',
        solution + '\n"""not closed',
        solution + "\nx = \u201cquoted\u201d\n",
        solution + "\nnumbers = [1, 2\n",
        solution.replace(name, f"my_{name}"),
        solution + "\nraise RuntimeError('in the middle')\n",
        solution + "\nundefined_name\n",
        "import module_that_is_nowhere\n" + solution,
    ]


def texts(course: Course, step: Step) -> dict[str, str]:
    """Name -> text."""
    solution = starters.solution(course, step)
    found = {"solution": solution, "starter": starters.starter(course, step)}
    for path in (*step.mistakes(), *step.alternatives()):
        found[f"{path.parent.name}/{path.stem}"] = read_answer(path)[1]
    found.update({f"broken {n}": text for n, text in enumerate(broken(solution, step.names), 1)})
    found.update({f"newer {n}": text + solution for n, text in enumerate(NEWER, 1)})
    return found


def finished(course: Course) -> str:
    """The zip of a workspace with every solution in its place."""
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace.create(Path(folder), course)
        for step in course.steps():
            workspace.save(step, starters.solution(course, step))
        return base64.b64encode(archive.export(workspace)).decode()


def main() -> None:
    """One JSON object a line: step, name, code, report."""
    course = Course()
    wanted = sys.argv[1:]
    print(json.dumps({"workspace": finished(course)}), flush=True)
    for step in course.steps():
        if wanted and step.id not in wanted:
            continue
        named = texts(course, step)
        jobs = [{"step": step.id, "code": code} for code in named.values()]
        for (name, code), report in zip(named.items(), runner.run(course, jobs, 120), strict=True):
            line = {"step": step.id, "name": name, "code": code, "report": report}
            print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
