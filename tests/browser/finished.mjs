// A workspace in which every step is answered and passed, made by the command line's own engine.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { root } from "./harness.mjs";

const [python] = [".venv/bin/python", ".venv/Scripts/python.exe"].map((path) => join(root, path)).filter(existsSync);

/** Its zip. */
export function finishedWorkspace() {
  const script = join(root, "tests/browser/finished.py");
  const { status, stdout, stderr } = spawnSync(python, [script], { cwd: root, maxBuffer: 1e8 });
  assert.equal(status, 0, stderr.toString());
  return stdout;
}
