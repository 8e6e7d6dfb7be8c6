// Programs, texts and archives that mean harm: the page survives each, and the workspace is the same to the byte.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { SITE, check, codeOf, exported, imported, openChapter, settled, shown, type } from "./book.mjs";
import { assertOneOrigin, browsers, eventually, launch, root, serve } from "./harness.mjs";

const LIMIT = { timeout: 120_000 };
const ADD = "02-tensor/add";
const SUM = "02-tensor/sum";
const MEAN = "02-tensor/mean";
const RIGHT = "def add(a, b):\n    return a + b";
const IMAGE = "<img src=x onerror='window.taken=1'>";
const [python] = [".venv/bin/python", ".venv/Scripts/python.exe"].map((path) => join(root, path)).filter(existsSync);

/** What a program ends with, where it ends by itself; `all`: in every browser. */
const PROGRAMS = [
  { title: "endless recursion", code: "def f(n):\n    return f(n + 1)\nf(0)", shows: /RecursionError/, all: true },
  { title: "recursion through C", code: "class A:\n    def __repr__(self):\n        return repr([self])\nrepr(A())", shows: /RecursionError/ },
  { title: "a recursion limit lifted", code: "import sys\nsys.setrecursionlimit(10**6)\nclass A:\n    def __repr__(self):\n        return repr([self])\nrepr(A())", shows: /RecursionError/ },
  { title: "100 MB of prints", code: 'for i in range(1_000_000):\n    print(f"{i:>99}")', shows: /lines hidden/ },
  { title: "a value of 100 MB", code: '"x" * 10**8', shows: /^'?x{1000}/ },
  { title: "all memory", code: "import numpy as np\nhoard = []\nwhile True:\n    hoard.append(np.empty(50_000_000))", shows: /MemoryError|crashed/ },
  { title: "broken builtins", code: "import builtins, sys\nbuiltins.len = builtins.__import__ = None\ndel builtins.print\nsys.stdout = None", shows: /put back/ },
  { title: "sys.exit()", code: "import sys\nsys.exit(3)", shows: /SystemExit/ },
  { title: "a fatal error of the interpreter", code: "import os\nos.abort()", shows: /crashed.*restarted: your files are kept/s },
];
const LOOP = "while True:\n    pass";
const endless = (body) => `def add(a, b):\n    while True:\n        ${body}`;
const CHECKS = {
  "a loop": endless("pass"),
  "a loop that catches every Exception": endless("try:\n            a + b\n        except Exception:\n            pass"),
  "a loop that prints": endless('print("x" * 100)'),
  "a loop at import": `${LOOP}\n${RIGHT}`,
};
/** What no interrupt reaches. */
const DEAF = {
  "a loop that catches everything": "while True:\n    try:\n        while True:\n            pass\n    except BaseException:\n        pass",
};

const stored = (page) =>
  page.evaluate(async () => Object.fromEntries(await document.querySelector("tt-exercise").session.store.readAll()));

/** Run code in the page's first cell; the text of its output. */
const run = (page, code) =>
  page.evaluate(async (text) => {
    const cell = document.querySelector("tt-cell:not([hidden])");
    cell.code = text;
    await cell.run();
    await new Promise(requestAnimationFrame); // Text is drawn with the next frame.
    return cell.querySelector(".tt-output").innerText;
  }, code);

/** Start `work` ("run" a cell's code, "check" a step's), stop it: how it stopped, after how long, the element's status. */
const stop = (page, work, code) =>
  page.evaluate(
    async (wanted, text, step) => {
      const element = document.querySelector(wanted === "run" ? "tt-cell:not([hidden])" : `tt-exercise[step="${step}"]`);
      const { kernel } = element.session;
      await kernel.start();
      element.code = text;
      const working = element[wanted]();
      // Until Python is well inside the loop: a check first prepares.
      await new Promise((resume) => setTimeout(resume, wanted === "run" ? 500 : 1500));
      const begin = performance.now();
      const how = await kernel.stop();
      const seconds = (performance.now() - begin) / 1000;
      await working;
      return { how, seconds, status: element.getAttribute("status") };
    },
    work,
    code,
    ADD,
  );

/** Do it; then Python answers, and every file of the workspace is as it was. */
async function survives(page, act) {
  const files = await stored(page);
  const result = await act();
  assert.equal((await run(page, "print(6 * 7)")).trim(), "42", "Python answers");
  assert.deepEqual(await stored(page), files, "the workspace");
  return result;
}

/** Some work that could be lost: a step that passed, one that does not parse. */
async function begin(browser, server) {
  const page = await openChapter(browser, server.url);
  await settled(page);
  await type(page, SUM, "def sum(a, dim=None");
  await eventually(async () => (await shown(page, SUM)).saved === "Saved", "the draft to be stored");
  await type(page, ADD, RIGHT);
  assert.equal((await check(page, ADD)).status, "passed");
  await run(page, "kept = 41");
  return page;
}

for (const name of browsers) {
  const core = name !== "chromium";

  describe(`${name}, isolated`, { concurrency: false }, () => {
    let browser, server, page;
    before(async () => {
      server = await serve(SITE, { headers: true });
      browser = await launch(name);
      page = await begin(browser, server);
    });
    after(async () => {
      if (page) assertOneOrigin(page, server.origin);
      await browser?.close();
      await server?.close();
    });

    test("an endless cell is interrupted, its variables are kept; a stop while idle hits nothing", LIMIT, async () => {
      await survives(page, async () => {
        const { how, status } = await stop(page, "run", LOOP);
        assert.deepEqual([how, status], ["interrupted", "stopped"]);
        await page.evaluate(() => document.querySelector("tt-exercise").session.kernel.stop());
        assert.equal((await run(page, "print(sum(range(10**6)) and kept + 1)")).trim(), "42");
      });
    });

    for (const [what, code] of Object.entries(CHECKS).slice(0, core ? 1 : undefined)) {
      test(`an endless check is interrupted, the session is kept: ${what}`, LIMIT, async () => {
        const { how, status } = await stop(page, "check", code);
        assert.deepEqual([how, status], ["interrupted", "stopped"]);
        assert.equal((await shown(page, ADD)).verdict, "Stopped. Your text is kept. Does a loop never end?");
        assert.equal(await codeOf(page, ADD), code);
        await type(page, ADD, RIGHT);
        assert.equal((await check(page, ADD)).status, "passed");
        assert.equal((await run(page, "print(kept + 1)")).trim(), "42");
      });
    }

    test("hostile strings never become markup", LIMIT, async () => {
      const file = IMAGE.replaceAll("'", "");
      await survives(page, async () => {
        const raised = `open(r"${file}.txt", "w").write("x")\nraise ValueError(r"${IMAGE}")`;
        assert.ok((await run(page, raised)).includes(IMAGE));
        assert.ok((await run(page, `import os\nos.remove(r"${file}.txt")\nopen(r"${file}.bin", "wb").write(b"\\xff")`)).includes(`${file}.bin lasts`));
        assert.ok((await run(page, `import os\nos.remove(r"${file}.bin")\nexec(compile("1 / 0", r"${file}", "exec"))`)).includes(file));
        assert.ok((await run(page, `type(r"${IMAGE}", (), {})()`)).includes(IMAGE));
      });
      for (const answer of [`return r"${IMAGE}"`, `raise ValueError(r"${IMAGE}")`, `assert False, r"${IMAGE}"`, `print(r"${IMAGE}")`]) {
        await type(page, ADD, `def add(a, b):\n    ${answer}`);
        assert.notEqual((await check(page, ADD)).status, "passed");
        const text = await page.$eval(`tt-exercise[step="${ADD}"]`, (element) => element.textContent);
        assert.ok(text.split(IMAGE).length > 2, `${answer}: shown in the editor and in the report`);
      }
      assert.equal(await page.$$eval("img[src=x], [onerror]", (found) => found.length), 0);
      assert.equal(await page.evaluate(() => window.taken), undefined);
      await type(page, ADD, RIGHT);
      assert.equal((await check(page, ADD)).status, "passed");
    });

    test("an archive that means harm is refused in words, and nothing changes", LIMIT, async () => {
      const { status, stdout, stderr } = spawnSync(python, [join(root, "tests/browser/hostile_archives.py")], { encoding: "utf-8", maxBuffer: 1e8 });
      assert.equal(status, 0, stderr);
      const archives = Object.entries(JSON.parse(stdout));
      assert.ok(archives.length >= 20);
      const good = await exported(page);
      await survives(page, async () => {
        for (const [kind, zip] of archives.slice(0, core ? 6 : undefined)) {
          const refusal = await imported(page, Buffer.from(zip, "base64")).then(() => "taken", ({ message }) => message);
          assert.match(refusal, /This archive cannot be imported|This is not a zip|progress|newer|workspace/, kind);
          assert.equal(await codeOf(page, ADD), RIGHT, kind);
        }
        await imported(page, good);
      });
    });

    test("a tab that is killed in the middle of typing loses half a second at most", LIMIT, async () => {
      const tab = await openChapter(browser, server.url);
      await type(tab, MEAN, "= "); // No Python, so that it stays a draft.
      await tab.keyboard.down("Control");
      await tab.keyboard.press("End");
      await tab.keyboard.up("Control");
      let typed = "= ";
      const times = [];
      for (const begun = Date.now(); Date.now() - begun < 2_000; ) {
        const word = `${times.length} `;
        await tab.keyboard.type(word);
        times.push([Date.now(), (typed += word)]);
        await new Promise((resume) => setTimeout(resume, 20));
      }
      const killed = Date.now();
      if (core) await tab.close();
      else {
        const gone = new Promise((resolve) => tab.once("error", resolve));
        (await tab.createCDPSession()).send("Page.crash").catch(() => undefined);
        await gone;
      }
      await page.bringToFront(); // A tab behind another draws no frame.
      const draft = (await stored(page))[`.tito/drafts/${MEAN}.py`] ?? "";
      const [, least] = times.findLast(([time]) => time <= killed - 500);
      assert.ok(typed.startsWith(draft.trimEnd()), `${draft} is what was typed`);
      assert.ok(draft.length >= least.length, `kept "${draft}", half a second before the end "${least}" was typed`);
    });

    for (const { title, code, shows, all } of PROGRAMS) {
      if (core && !all) continue;
      test(`survived: ${title}`, LIMIT, async () => {
        await survives(page, async () => assert.match(await run(page, code), shows));
      });
    }

    for (const [what, code] of Object.entries(core ? {} : DEAF)) {
      test(`what hears no interrupt is ended with its Python: ${what}`, LIMIT, async () => {
        await survives(page, async () => {
          const { how, seconds, status } = await stop(page, "run", code);
          assert.deepEqual([how, status], ["restarted", "stopped"]);
          assert.ok(seconds < 4, `${seconds} s`);
        });
      });
    }
  });
}
