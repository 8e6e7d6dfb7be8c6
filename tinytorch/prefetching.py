"""Chapter 10, given: batches prepared in the background while the caller works with the last one.

PyTorch: torch/utils/data/_utils/worker.py (there in processes).
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterable, Iterator
from typing import Any


def prefetch(items: Iterable[Any], ahead: int) -> Iterator[Any]:
    """The items, while a thread of its own prepares up to `ahead` more of them.

    An exception there is raised here. When the caller stops early, the thread ends.
    """
    ready: queue.Queue[tuple[str, Any]] = queue.Queue(ahead)
    stopped = threading.Event()

    def put(kind: str, value: Any) -> None:
        while not stopped.is_set():
            try:
                return ready.put((kind, value), timeout=0.1)
            except queue.Full:
                continue

    def work() -> None:
        try:
            for item in items:
                put("item", item)
                if stopped.is_set():
                    return
            put("end", None)
        except BaseException as error:
            put("error", error)

    thread = threading.Thread(target=work, daemon=True)
    try:
        thread.start()
    except RuntimeError:  # a browser has no threads
        yield from items
        return
    try:
        while (entry := ready.get())[0] == "item":
            yield entry[1]
    finally:
        stopped.set()
        thread.join()
    if entry[0] == "error":
        raise entry[1]
