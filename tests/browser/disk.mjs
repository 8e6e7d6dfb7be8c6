// The workspace on disk, and the command line there: the other home of a student's work.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "./harness.mjs";

const [python] = [".venv/bin/python", ".venv/Scripts/python.exe"].map((path) => join(root, path)).filter(existsSync);

function run(folder, ...command) {
  const { status, stdout, stderr } = spawnSync(python, command, { cwd: folder, encoding: "utf-8" });
  return { status, stdout, stderr };
}

/** A workspace folder with the files of a zip. */
export class DiskWorkspace {
  constructor(zip) {
    this.folder = mkdtempSync(join(tmpdir(), "tinytorch-workspace-"));
    writeFileSync(this.path(".export.zip"), zip);
    const unpacked = run(this.folder, "-m", "zipfile", "-e", ".export.zip", ".");
    assert.equal(unpacked.status, 0, unpacked.stderr);
    rmSync(this.path(".export.zip"));
  }

  path(name) {
    return join(this.folder, name);
  }

  read(name) {
    return readFileSync(this.path(name), "utf-8");
  }

  /** Run `tito` in the folder: the exit code and what it printed. */
  tito(...words) {
    return run(this.folder, "-m", "tito", ...words);
  }

  /** The report of `tito check STEP --json`. */
  check(step) {
    const { status, stdout, stderr } = this.tito("check", step, "--json");
    const report = JSON.parse(stdout || `{"stderr": ${JSON.stringify(stderr)}}`);
    assert.equal(status, { passed: 0, failed: 1, error: 2 }[report.outcome], stdout + stderr);
    return report;
  }

  /** Edit a file; the text replaced has to be there. */
  edit(name, before, after) {
    const text = this.read(name);
    assert.ok(text.includes(before), `${name} has no ${before}`);
    writeFileSync(this.path(name), text.replace(before, () => after));
  }

  export() {
    const { status, stderr } = this.tito("export", ".out.zip");
    assert.equal(status, 0, stderr);
    const zip = readFileSync(this.path(".out.zip"));
    rmSync(this.path(".out.zip"));
    return zip;
  }

  remove() {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A report without what may differ between two runs of the same check. */
export const comparable = ({ duration_ms: _, ...report }) => report;
