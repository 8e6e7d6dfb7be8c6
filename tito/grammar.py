"""Whether a text is Python, and Python that every home of the course understands."""

import ast
import functools
import io
import tokenize
import warnings
from pathlib import Path

LONGEST_TEXT = 200_000
OLDEST = (3, 11)


class NotPython(Exception):
    """A text that does not parse: Python's reason, and the line and column (from 1) where it
    stopped.
    """

    def __init__(self, message: str, line: int | None = None, column: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.column = column


def normal(text: str) -> str:
    """The text with line ends as `\\n`; half a surrogate pair, which no file can hold, becomes
    U+FFFD.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")


def read_source(path: Path) -> str:
    """The text of a Python file, line ends as `\\n`. Raises NotPython when it is not UTF-8."""
    try:
        return normal(path.read_bytes().decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise NotPython(f"The file is not UTF-8 text (byte {error.start}).") from None


def compile_text(text: str) -> None:
    """What `compile_module` does, and also refuse a grammar that the oldest Python lacks."""
    compile_module(text)
    refuse_newer_grammar(text)


@functools.lru_cache(maxsize=8)
def compile_module(text: str) -> None:
    """Raise NotPython when the text does not compile."""
    if len(text) > LONGEST_TEXT:
        raise NotPython(f"This is longer than {LONGEST_TEXT} characters.", 1)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(text, "<step>", "exec", dont_inherit=True)
    except SyntaxError as error:
        raise NotPython(_reason(error), error.lineno or 1, error.offset) from None
    except ValueError as error:
        raise NotPython(f"{error}.", 1) from None
    except (RecursionError, MemoryError):
        raise NotPython("This is nested too deeply for Python.", 1) from None


def _reason(error: SyntaxError) -> str:
    name = type(error).__name__
    return f"{name}: {error.msg}"


def refuse_newer_grammar(text: str) -> None:
    """Raise NotPython when a text that compiles here would not on the course's oldest Python."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(text, feature_version=OLDEST)
    except SyntaxError as error:
        raise _newer(error.msg, error.lineno) from None
    starts = {
        getattr(tokenize, "FSTRING_START", None),
        getattr(tokenize, "TSTRING_START", None),
    } - {None}
    if not starts:
        return
    quotes: list[str] = []
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        name = tokenize.tok_name[token.type]
        if name == "TSTRING_START":
            raise _newer("a template string", token.start[0])
        if name in ("FSTRING_START", "STRING") and quotes:
            quote = token.string.lstrip("rRbBfFuU")
            if quote[0] == quotes[-1][0] and len(quotes[-1]) == 1:
                raise _newer("the same quotes inside an f-string", token.start[0])
        if name == "FSTRING_START":
            quotes.append(token.string.lstrip("rRbBfFuU"))
        elif name == "FSTRING_END":
            quotes.pop()


def _newer(what: str, line: int | None) -> NotPython:
    version = ".".join(map(str, OLDEST))
    return NotPython(f"SyntaxError: this needs a Python newer than {version}: {what}", line)
