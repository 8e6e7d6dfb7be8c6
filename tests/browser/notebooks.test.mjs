// Chapters as notebooks in JupyterLite: on the same workspace as the page, with the student's own text in the steps.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { SITE, check, codeOf, openChapter, press, settled, shown, type } from "./book.mjs";
import { assertClean, assertOneOrigin, browsers, eventually, launch, newPage, serve } from "./harness.mjs";

const LIMIT = { timeout: 120_000 };
const ADD = "02-tensor/add";
const NEXT = "02-tensor/arithmetic";
const OWN_ADD = "def add(a, b):\n    return b + a";
const arithmetic = (sub) =>
  `def sub(a, b):\n    return ${sub}\n\n\ndef mul(a, b):\n    return a * b\n\n\ndef div(a, b):\n    return a / b`;
const NOTEBOOK = "notebooks/02-tensor.ipynb";

/** Run a cell's text in the notebook's kernel; what it printed. */
const run = (lab, code) =>
  lab.evaluate(async (text) => {
    const printed = [];
    const future = window.session.kernel.requestExecute({ code: text });
    future.onIOPub = ({ content }) => printed.push(content.text ?? content.evalue ?? "");
    await future.done;
    return printed.join("");
  }, code);

for (const name of browsers) {
  describe(name, { concurrency: false }, () => {
    let browser, server, page, lab, cells;

    before(async () => {
      server = await serve(SITE, { subPath: "/school/course/" });
      browser = await launch(name);
      page = await openChapter(browser, server.url);
      await settled(page);
      await type(page, ADD, OWN_ADD);
      const verdict = await check(page, ADD);
      assert.equal(verdict.status, "passed", JSON.stringify(verdict));
      await press(page, `tt-exercise[step="${ADD}"]`, "Use the reference for chapter 1");
      lab = await newPage(browser);
      await lab.goto(`${server.url}lite/notebooks/index.html?path=${NOTEBOOK}`);
    });
    after(async () => {
      await browser?.close();
      await server?.close();
      if (page) assertClean(page, server.origin);
      if (lab) assertOneOrigin(lab, server.origin);
    });

    test("a chapter opens as a notebook, at the student's own text", LIMIT, async () => {
      const text = () => lab.evaluate(() => document.querySelector(".jp-Notebook")?.textContent ?? "");
      await eventually(async () => (await text()).includes("a million small jobs"), "the page's text", 60_000);
      const model = await lab.evaluate((path) => window.jupyterapp.serviceManager.contents.get(path, { content: true }), NOTEBOOK);
      cells = model.content.cells.filter(({ cell_type }) => cell_type === "code").map(({ source }) => [source].flat().join(""));
      assert.ok(cells.includes(`%%step ${ADD}\n${OWN_ADD}`), "the step holds what was written in the page");
      assert.match(cells.find((source) => source.startsWith(`%%step ${NEXT}`)), /NotImplementedError/);
    });

    test("a step that is run is checked, and the page shows it", LIMIT, async () => {
      await lab.evaluate(async (path) => {
        const { sessions } = window.jupyterapp.serviceManager;
        window.session = await sessions.startNew({ path, type: "notebook", name: path, kernel: { name: "python" } });
      }, NOTEBOOK);
      assert.match(await run(lab, cells[0]), /Chapter 02: cells run on your package/);
      assert.match(await run(lab, `%%step ${NEXT}\n${arithmetic("b - a")}`), /^fail 02-tensor\/arithmetic/);
      assert.match(await run(lab, `%%step ${NEXT}\n${arithmetic("a - b")}`), /^ok {3}02-tensor\/arithmetic/);
      await eventually(async () => (await codeOf(page, NEXT)).trim() === arithmetic("a - b"), "the page to show the notebook's text");
      await page.reload();
      await settled(page);
      assert.equal((await shown(page, NEXT)).status, "passed");
    });

    test("`import tinytorch` is the student's package", LIMIT, async () => {
      const source = await run(lab, "import inspect; from tinytorch.tensor import add; print(inspect.getsource(add))");
      assert.ok(source.includes(OWN_ADD), source);
    });
  });
}
