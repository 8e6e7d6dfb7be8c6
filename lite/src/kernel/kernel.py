"""What this kernel adds to pyodide_kernel, run once in the interpreter of the page.

Streams go out in few, bounded pieces; input() is refused; an error carries the cell's own line;
what a cell breaks of the interpreter itself (built-ins, streams, recursion limit) is put back.
"""

import builtins
import getpass
import io
import os
import sys
import time

import pyodide_kernel
from IPython.core.error import StdinNotImplementedError
from pyodide_kernel.display import LiteDisplayPublisher

# Deep recursion must end in RecursionError before the browser's own stack ends.
RECURSION_LIMIT = 800
# A text beyond this is cut before it crosses into JavaScript, where a huge string may be fatal.
TEXT_LIMIT = 200_000
# A picture or a page beyond this is replaced by a note.
DATA_LIMIT = 8_000_000


def clip(text):
    """The text, its middle left out and counted when it is too long to be shown."""
    if len(text) <= TEXT_LIMIT:
        return text
    half = TEXT_LIMIT // 2
    hidden = text[half:-half]
    lines = hidden.count("\n")
    what = f"{lines:,} lines" if lines > 1 else f"{len(hidden):,} characters"
    return f"{text[:half]}\n… {what} hidden …\n{text[-half:]}"


def bounded(data):
    """A mime bundle in which no entry is too large to be shown."""
    result = {}
    for mime, value in data.items():
        if isinstance(value, str) and len(value) > TEXT_LIMIT:
            if mime == "text/plain":
                value = clip(value)
            elif len(value) > DATA_LIMIT:
                result.setdefault(
                    "text/plain", f"<{mime} of {len(value):,} bytes, too large to show>"
                )
                continue
        result[mime] = value
    return result


class Channel:
    """Collects what both streams write, in order, and publishes it in pieces.

    Each line goes out at once while lines are few; a flood is published by size and time.
    """

    BURST = 200
    PER_SECOND = 20
    PIECE = 16_384

    def __init__(self, publish):
        self.publish = publish
        self.name = "stdout"
        self.pending = []
        self.size = 0
        self.credit = self.BURST
        self.last = time.monotonic()

    def write(self, name, text):
        if name != self.name:
            self.flush()
            self.name = name
        self.pending.append(text)
        self.size += len(text)
        if self.size >= self.PIECE or (text.endswith("\n") and self.may_publish()):
            self.flush()

    def may_publish(self):
        now = time.monotonic()
        self.credit = min(self.BURST, self.credit + (now - self.last) * self.PER_SECOND)
        self.last = now
        if self.credit < 1:
            return False
        self.credit -= 1
        return True

    def flush(self):
        if self.pending:
            text = "".join(self.pending)
            self.pending.clear()
            self.size = 0
            self.publish(self.name, text)


class PageStream(io.TextIOBase):
    """sys.stdout or sys.stderr of a cell."""

    encoding = "utf-8"
    errors = "strict"

    def __init__(self, name, channel):
        self.name = name
        self.channel = channel
        self.publish_stream_callback = None  # pyodide_kernel sets it; the channel publishes instead

    def write(self, text):
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        if text:
            self.channel.write(self.name, clip(text))
        return len(text)

    def writable(self):
        return True

    def flush(self):
        self.channel.flush()


class PagePublisher(LiteDisplayPublisher):
    """Displays, after what was printed before them, and never too large."""

    def publish(self, data, metadata=None, **options):
        sys.stdout.flush()
        super().publish(bounded(data), metadata, **options)

    def clear_output(self, wait=False):
        sys.stdout.flush()
        super().clear_output(wait)


def cell_line(error):
    """The line of the running cell that an exception points at, or None."""

    def is_cell(name):
        return isinstance(name, str) and name.startswith("<ipython-input")

    if isinstance(error, SyntaxError) and is_cell(error.filename):
        return error.lineno
    cell = line = None
    trace = error.__traceback__
    while trace:
        name = trace.tb_frame.f_code.co_filename
        if is_cell(name):
            cell = cell or name
            if name == cell:
                line = trace.tb_lineno
        trace = trace.tb_next
    return line


def refuse_input(prompt="", *_, **__):
    raise StdinNotImplementedError(
        "input() does not work in this page, because nobody can answer while a cell runs. "
        'Write the value into the code instead, for example: name = "Ada"'
    )


def refuse_pip(line):
    raise RuntimeError(
        "%pip does not work in this page: it asks no other server. "
        "What the site carries is loaded by itself when you import it."
    )


def install(publish, load_imports, colors, root):
    """Prepare the interpreter; returns the functions that the worker calls."""
    shell = pyodide_kernel.ipython_shell
    Interpreter = type(shell)

    channel = Channel(publish)
    pyodide_kernel.stdout_stream = sys.stdout = PageStream("stdout", channel)
    pyodide_kernel.stderr_stream = sys.stderr = PageStream("stderr", channel)
    shell.display_pub = PagePublisher(shell=shell, parent=shell)
    show_value = shell.displayhook.write_format_data
    shell.displayhook.write_format_data = lambda data, metadata=None: show_value(
        bounded(data), metadata
    )

    Interpreter.input = property(lambda self: refuse_input, lambda self, value: None)
    Interpreter.getpass = property(lambda self: refuse_input, lambda self, value: None)
    builtins.input = getpass.getpass = refuse_input
    shell.kernel.lite_transform_manager.line_transforms = []
    shell.register_magic_function(refuse_pip, magic_name="pip")
    pyodide_kernel.kernel._load_packages_from_imports = load_imports
    shell.Completer.use_jedi = False
    shell.colors = colors

    def show_error(self, kind, error, traceback):
        message = error.msg if isinstance(error, SyntaxError) else str(error)
        self._last_traceback = {
            "ename": kind.__name__,
            "evalue": clip(message or ""),
            "traceback": [clip(part) for part in traceback if not part.startswith("File <kernel>")],
            "line": cell_line(error),
        }

    Interpreter._showtraceback = show_error

    os.makedirs(root, exist_ok=True)
    os.chdir(root)
    # The student's helper files can be imported, but `tinytorch` comes from the installed package,
    # which finds the student's modules by its own rules.
    sys.path[:] = [path for path in sys.path if path not in ("", root)] + [root]
    sys.setrecursionlimit(RECURSION_LIMIT)

    names = builtins.__dict__
    # IPython itself takes these three away and brings them back.
    original = {name: value for name, value in names.items() if name not in ("_", "exit", "quit")}
    streams = (sys.stdout, sys.stderr)
    set_limit = sys.setrecursionlimit
    broken = []

    def put_back():
        # No built-in is called here: any of them may be what the cell replaced.
        for name in original:
            if name not in names or names[name] is not original[name]:
                names[name] = original[name]
                broken.append(name)
        sys.stdout, sys.stderr = streams
        set_limit(RECURSION_LIMIT)

    run_code = shell.run_code

    async def run_and_put_back(*arguments, **options):
        try:
            return await run_code(*arguments, **options)
        finally:
            put_back()

    shell.run_code = run_and_put_back

    def finish():
        """After a cell: say what was put back, publish what is left; the line of its error."""
        put_back()
        if broken:
            listed = ", ".join(sorted(set(broken)))
            broken.clear()
            print(f"This cell replaced Python's own {listed}; put back.", file=sys.stderr)
        channel.flush()
        channel.credit = channel.BURST
        error = shell._last_traceback
        return error.get("line") if error else None

    return finish


def speed_up_numpy():
    """NumPy's own matmul, exp, log, tanh and maximum on float32 use vector instructions."""
    try:
        from tinytorch_wasm import speed_up_numpy
    except ModuleNotFoundError:
        return
    speed_up_numpy()


def serve():
    """The course engine's entry, or None on a site without one."""
    # Here, since the engine imports NumPy, and runs before any cell of a chapter.
    speed_up_numpy()
    try:
        from tito.service import handle
    except ModuleNotFoundError as error:
        if error.name not in ("tito", "tito.service"):
            raise
        return None
    return handle
