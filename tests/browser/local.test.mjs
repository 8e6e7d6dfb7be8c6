// Work that was begun with the command line goes on in the page, and comes back: byte for byte, with its progress.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { CHAPTER, SITE, check, codeOf, exported, imported, openChapter, settled, shown, type } from "./book.mjs";
import { assertClean, browsers, eventually, launch, root, serve } from "./harness.mjs";

const LIMIT = { timeout: 180_000 };
const [python] = [".venv/bin/python", ".venv/Scripts/python.exe"].map((path) => join(root, path)).filter(existsSync);
const SEED = "01-setup/manual-seed";
const ADD = "02-tensor/add";

/** A workspace folder, driven as a student does it: commands, and an editor that saves files. */
class Student {
  constructor() {
    this.home = mkdtempSync(join(tmpdir(), "tinytorch-student-"));
    this.folder = this.home;
    this.tito(0, "init", "mine");
    this.folder = join(this.home, "mine");
  }

  tito(code, ...words) {
    const variables = { ...process.env, PYTHONPATH: root };
    const done = spawnSync(python, ["-m", "tito", ...words], { cwd: this.folder, encoding: "utf-8", env: variables });
    assert.equal(done.status, code, `tito ${words.join(" ")}\n${done.stdout}${done.stderr}`);
    return done.stdout;
  }

  /** Write a step's text between its two comments. */
  write(step, module, text) {
    const path = join(this.folder, "tinytorch", `${module}.py`);
    const [begin, end] = [`# >>> ${step}\n`, `# <<< ${step}`];
    const source = readFileSync(path, "utf-8");
    const [from, to] = [source.indexOf(begin) + begin.length, source.indexOf(end)];
    assert.ok(from >= begin.length && to > from, `${step} is not in ${path}`);
    writeFileSync(path, `${source.slice(0, from)}${text.trimEnd()}\n${source.slice(to)}`);
  }

  read(name) {
    return readFileSync(join(this.folder, name), "utf-8");
  }

  outcomes() {
    const { chapters } = JSON.parse(this.tito(0, "status", "--json"));
    return Object.fromEntries(chapters.flatMap(({ steps }) => steps.map(({ id, outcome }) => [id, outcome])));
  }

  /** The zip of `tito export`, in this folder. */
  export() {
    this.tito(0, "export", "../work.zip");
    return readFileSync(join(this.home, "work.zip"));
  }

  import(zip) {
    writeFileSync(join(this.home, "page.zip"), zip);
    this.tito(0, "import", "../page.zip");
  }

  remove() {
    rmSync(this.home, { recursive: true, force: true });
  }
}

/** The reference's answers, asked of a workspace that is thrown away: asking is recorded. */
function solutions(steps) {
  const other = new Student();
  try {
    return Object.fromEntries(steps.map((step) => [step, other.tito(0, "solution", step, "--anyway").trimEnd()]));
  } finally {
    other.remove();
  }
}

/** Those of some steps that are not on record as passed. */
const unfinished = (page, steps) =>
  page.evaluate(async (wanted) => {
    const { state } = await window.tinytorch.progress();
    const all = state.chapters.flatMap((chapter) => chapter.steps);
    return all.filter(({ id, outcome }) => wanted.includes(id) && outcome !== "passed").map(({ id }) => id);
  }, steps);

for (const name of browsers) {
  describe(name, { concurrency: false }, () => {
    let browser, server, page, student, answers, steps;
    before(async () => {
      student = new Student();
      steps = Object.keys(student.outcomes()).filter((step) => step.startsWith("02-"));
      answers = solutions([SEED, ...steps]);
      server = await serve(SITE);
      browser = await launch(name);
      page = await openChapter(browser, server.url);
      await settled(page);
    });
    after(async () => {
      student?.remove();
      await browser?.close();
      await server?.close();
      if (page) assertClean(page, server.origin);
    });

    test("a chapter finished on disk is finished in the page", LIMIT, async () => {
      student.tito(0, "start", "02");
      for (const step of steps) student.write(step, "tensor", answers[step]);
      student.write(ADD, "tensor", "def add(a, b):\n    return a + b  # written on disk");
      assert.match(student.tito(0, "check", "02"), /Chapter 02 is done/);
      await imported(page, student.export());
      for (const step of steps) assert.equal((await shown(page, step)).status, "passed", step);
      assert.equal(await codeOf(page, ADD), "def add(a, b):\n    return a + b  # written on disk");
      assert.equal((await check(page, "02-tensor/matmul")).status, "passed");
    });

    test("the page goes on with it", LIMIT, async () => {
      await type(page, ADD, "def add(a, b):\n    return a - b");
      assert.equal((await check(page, ADD)).status, "failed");
      await type(page, ADD, "def add(a, b):\n    return b + a  # in the page");
      assert.equal((await check(page, ADD)).status, "passed");
      await eventually(async () => (await unfinished(page, steps)).length === 0, "the steps on it to be checked again", 60_000);
      await page.goto(server.url + CHAPTER.replace("02_tensor", "01_setup"));
      await settled(page);
      await type(page, SEED, answers[SEED]);
      assert.equal((await check(page, SEED)).status, "passed");
    });

    test("and back on disk it is the same, byte for byte", LIMIT, async () => {
      const zip = await exported(page);
      student.import(zip);
      assert.match(student.read("tinytorch/tensor.py"), /return b \+ a {2}# in the page/);
      const outcomes = student.outcomes();
      for (const step of [SEED, ...steps]) assert.equal(outcomes[step], "passed", step);
      assert.ok(student.export().equals(zip), "the zip of the command line is the page's");
      student.tito(0, "check", "01");
      student.tito(0, "check", "02");
    });
  });
}
