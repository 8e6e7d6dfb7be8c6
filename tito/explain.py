"""From an exception to what a student reads: which line of the step, which expression, why."""

import ast
import itertools
import re
from pathlib import Path
from types import TracebackType
from typing import Any

from tito import regions
from tito.course import Step
from tito.report import tidy
from tito.starters import UNFINISHED
from tito.testing import Mismatch, show


class Explainer:
    """Knows where a step's text lies in the module that is being checked."""

    def __init__(self, step: Step, path: Path, source: str, reference: Path) -> None:
        self._step = step
        self._file = str(path)
        self._roots = (str(path.parent), str(reference))
        self._source = source
        self._lines = source.split("\n")
        self._map = regions.line_map(source, step)

    def in_text(self, line: int | None) -> int | None:
        """The line of the step's own text for a line of the module; None outside the step."""
        return self._map.get(line or 0)

    def answer_line(self) -> int | None:
        """Where the answer is given: its only `return`, or else the line that defines it."""
        try:
            nodes = regions.definitions(ast.parse(self._source), self._step)
        except SyntaxError:
            return None
        if not nodes:
            return None
        returns = [n.lineno for node in nodes for n in ast.walk(node) if isinstance(n, ast.Return)]
        return self.in_text(returns[0] if len(returns) == 1 else nodes[-1].lineno)

    def fill(self, error: BaseException, entry: dict[str, Any]) -> None:
        """Message, line, expected and got of a check that did not pass."""
        message, line = self.message(error)
        if isinstance(error, AssertionError) and line is None:
            line = self.answer_line()
        entry.update(message=tidy(message), line=line)
        if isinstance(error, Mismatch):
            entry.update(expected=tidy(error.expected), got=tidy(error.got))

    def message(self, error: BaseException) -> tuple[str, int | None]:
        """What happened, and the line of the step's text where it did (None: elsewhere)."""
        frame, line = self._own_frame(error)
        text = _text(error)
        kind = type(error).__name__
        unfinished = UNFINISHED.match(text) if isinstance(error, NotImplementedError) else None
        if unfinished:
            if unfinished[1] == self._step.id:
                return "This step is not written yet.", line
            return _needs(unfinished[1], self._step), line
        if isinstance(error, SyntaxError) and self._named(error.filename):
            place = f"{self._named(error.filename)}, line {error.lineno}"
            return f"{place}, does not parse: {error.msg}", None
        if isinstance(error, Mismatch):
            return text, line
        if isinstance(error, AssertionError) and line is None:
            return _assertion(text), None
        if kind == "Failed" and "DID NOT RAISE" in text:
            wanted = " or ".join(re.findall(r"[A-Z]\w+", text.partition("RAISE")[2]))
            return f"This call should raise {wanted or 'an error'}, and does not.", None
        if kind in ("Skipped", "SkipTest", "Exit"):
            return f"The code ended the check early ({kind}) instead of answering it.", line
        if isinstance(error, SystemExit):
            text = "the code asked Python to stop; a step returns its answer instead"
        what = f"{kind}: {text}" if text else kind
        if line is not None and frame is not None:
            # An assertion's place is given differently by different Pythons: no expression then.
            return what if isinstance(error, AssertionError) else self._at(frame) + what, line
        if frame is not None:
            place = self._named(frame.tb_frame.f_code.co_filename)
            return f"{place}, line {frame.tb_lineno}, raised {what}", None
        return f"The check could not use the answer: {what}", None

    def _own_frame(self, error: BaseException) -> tuple[TracebackType | None, int | None]:
        """The deepest frame in the step's text and its line there; else the package's deepest."""
        deepest, found = None, None
        trace = error.__traceback__
        while trace is not None:
            name = trace.tb_frame.f_code.co_filename
            deepest = trace if name == self._file or self._named(name) else deepest
            if name == self._file and self.in_text(trace.tb_lineno):
                found = trace
            trace = trace.tb_next
        if found is None:
            return deepest, None
        return found, self.in_text(found.tb_lineno)

    def _named(self, filename: str | None) -> str:
        """The name of a package file as the student knows it; empty for any other file."""
        for root in self._roots:
            if filename and filename.startswith(root):
                return f"tinytorch{filename[len(root) :]}".replace("\\", "/")
        return ""

    def _at(self, frame: TracebackType) -> str:
        """The expression that was running, as the student wrote it, and the word "raised"."""
        positions = frame.tb_frame.f_code.co_positions()
        here = next(itertools.islice(positions, frame.tb_lasti // 2, None), (None,) * 4)
        first, last, start, end = here
        line = self._lines[frame.tb_lineno - 1]
        part = line.strip()
        if first == last == frame.tb_lineno and start is not None and end is not None:
            start, end = self._whole(frame.tb_lineno, start, end)
            # Columns count bytes of UTF-8.
            part = line.encode()[start:end].decode("utf-8", "replace") or part
        if part.startswith("raise "):
            return ""
        return f"`{part if len(part) < 120 else part[:117] + '...'}` raised "

    def _whole(self, line: int, start: int, end: int) -> tuple[int, int]:
        """A comprehension as a whole for what it loops over, which is what older Pythons name."""
        kinds = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
        for node in ast.walk(ast.parse(self._source)):
            if isinstance(node, kinds) and node.lineno == node.end_lineno == line:
                loops = [generator.iter for generator in node.generators]
                if any((loop.col_offset, loop.end_col_offset) == (start, end) for loop in loops):
                    return node.col_offset, node.end_col_offset or end
        return start, end


def _needs(other: str, step: Step) -> str:
    text = f"This needs {other}, which is not written yet: write it first"
    chapter = other.partition("-")[0]
    own = int(chapter) == step.chapter
    return f"{text}." if own else f"{text}, or go on with the reference for chapter {chapter}."


def _text(error: BaseException) -> str:
    """The exception's own message; a hostile one may fail to give it."""
    try:
        text = str(error.msg) if hasattr(error, "msg") and error.msg else str(error)
    except Exception:
        text = show(error.args)
    return text.strip()


def _assertion(text: str) -> str:
    """The message of a failed assertion; pytest's own words on an error's text, made shorter."""
    found = re.match(r"Regex pattern did not match.*?'(.*?)'\n.*?: '(.*)'", text, re.DOTALL)
    if found:
        return f"The error's message should contain {found[1]!r}, but it is: {found[2]}"
    return text or "The check failed."


def describe(error: BaseException) -> str:
    """The kind and the message of any exception, in one short line."""
    text = tidy(_text(error))
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
