"""Prints the archives that no workspace may come from, as JSON: name to base64."""

import base64
import json
import runpy
from pathlib import Path

archives = runpy.run_path(str(Path(__file__).parents[1] / "engine" / "test_archive.py"))["HOSTILE"]
print(json.dumps({name: base64.b64encode(data).decode() for name, data in archives.items()}))
