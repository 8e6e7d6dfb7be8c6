"""Write the zip of a workspace in which every step is answered and passed, to standard output."""

import base64
import json
import sys
import tempfile

from tito import starters
from tito.service import Service


def main() -> None:
    """Answer every step with the reference's own answer, check it, export."""
    service = Service()

    def call(name: str, **request: str) -> dict:
        answer = json.loads(service.handle(json.dumps({"call": name, **request})))
        if not answer["ok"]:
            sys.exit(f"{name}: {answer['error']}")
        return answer

    with tempfile.TemporaryDirectory() as root:
        call("open", root=root)
        for chapter in service.course.chapters:
            for step in chapter.steps:
                code = starters.solution(service.course, step)
                report = call("check", step=step.id, code=code)["report"]
                if report["outcome"] != "passed":
                    sys.exit(f"{step.id}: {report}")
        sys.stdout.buffer.write(base64.b64decode(call("export")["zip_base64"]))


if __name__ == "__main__":
    main()
