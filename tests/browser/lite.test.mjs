// The other home of the work in the browser: JupyterLite at /lite/, on the site as it is shipped.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { SITE, cellWith, check, codeOf, openChapter, press, runCell, settled, shown, type } from "./book.mjs";
import { assertClean, assertOneOrigin, browsers, eventually, launch, newPage, serve } from "./harness.mjs";

const LIMIT = { timeout: 120_000 };
const ADD = "02-tensor/add";
const ARITHMETIC = "02-tensor/arithmetic";
const NOTEBOOKS = ["notebooks/01-setup.ipynb", "notebooks/02-tensor.ipynb"];
const RIGHT_ADD = 'def add(a, b):\n    """Written in the page."""\n    return a + b';
const RIGHT_ARITHMETIC =
  'def sub(a, b):\n    """Written in JupyterLite."""\n    return a - b\n\n\ndef mul(a, b):\n    return a * b\n\n\ndef div(a, b):\n    return a / b';

/** Open JupyterLite with a notebook, its kernel ready. */
async function openNotebook(browser, url, path) {
  const lab = await newPage(browser);
  await lab.goto(`${url}lite/lab/index.html?path=${path}`);
  await eventually(
    () => lab.evaluate(() => window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel?.status === "idle"),
    "the notebook's kernel",
    90_000,
  );
  return lab;
}

/** The sources of the open notebook's code cells. */
const sources = (lab) =>
  lab.evaluate(() =>
    [...window.jupyterapp.shell.currentWidget.content.model.cells]
      .filter(({ type }) => type === "code")
      .map(({ sharedModel }) => sharedModel.getSource()),
  );

/** Run the code cell that begins with a text, its source replaced if another is given; the text of its outputs. */
const runNotebookCell = (lab, begin, source) =>
  lab.evaluate(
    async (start, replacement) => {
      const { content } = window.jupyterapp.shell.currentWidget;
      const index = content.widgets.findIndex(({ model }) => model.sharedModel.getSource().startsWith(start));
      if (index < 0) throw new Error(`no cell begins with ${start}`);
      content.activeCellIndex = index;
      const { model } = content.widgets[index];
      if (replacement) model.sharedModel.setSource(replacement);
      await window.jupyterapp.commands.execute("notebook:run-cell");
      return JSON.stringify(model.outputs.toJSON());
    },
    begin,
    source ?? null,
  );

for (const name of browsers) {
  describe(name, { concurrency: false }, () => {
    let browser, server, page, lab;
    before(async () => {
      server = await serve(SITE, { subPath: "/school/course/" });
      browser = await launch(name);
      page = await openChapter(browser, server.url);
      await settled(page);
      await type(page, ADD, RIGHT_ADD);
      assert.equal((await check(page, ADD)).status, "passed");
      await press(page, `tt-exercise[step="${ADD}"]`, "Use the reference for chapter 1");
    });
    after(async () => {
      await browser?.close();
      await server?.close();
    });

    test("the chapters are there as notebooks, with what was written in the page", LIMIT, async () => {
      lab = await openNotebook(browser, server.url, NOTEBOOKS[1]);
      const listed = await lab.evaluate(async () => {
        const { content } = await window.jupyterapp.serviceManager.contents.get("notebooks", { content: true });
        return content.map(({ path }) => path);
      });
      for (const path of NOTEBOOKS) assert.ok(listed.includes(path), `${path} in ${listed}`);
      assert.ok((await sources(lab)).includes(`%%step ${ADD}\n${RIGHT_ADD}`));
    });

    test("`import tinytorch` is the student's package", LIMIT, async () => {
      const found = await runNotebookCell(lab, "from tinytorch import Tensor", 'from tinytorch.tensor import add\nprint(add.__doc__)');
      assert.match(found, /Written in the page\./);
    });

    test("a cell of the chapter plots", LIMIT, async () => {
      await runNotebookCell(lab, "import numpy as np\ndef draw");
      assert.match(await runNotebookCell(lab, "import matplotlib"), /image\/png.*iVBOR/s);
    });

    test("a step is checked in a notebook, and the page shows it", LIMIT, async () => {
      await runNotebookCell(lab, "%load_ext tito.magics");
      const failed = await runNotebookCell(lab, `%%step ${ARITHMETIC}`, `%%step ${ARITHMETIC}\n${RIGHT_ARITHMETIC.replace("a - b", "b - a")}`);
      assert.match(failed, /the wrong way round/);
      const passed = await runNotebookCell(lab, `%%step ${ARITHMETIC}`, `%%step ${ARITHMETIC}\n${RIGHT_ARITHMETIC}`);
      assert.match(passed, /ok {3}02-tensor\/arithmetic/);
      await eventually(async () => (await codeOf(page, ARITHMETIC)) === RIGHT_ARITHMETIC, "the text in the page", 10_000);
      await eventually(async () => (await shown(page, ARITHMETIC)).status === "passed", "the verdict in the page", 10_000);
    });

    test("a cell of the page runs on what was written in the notebook", LIMIT, async () => {
      await page.bringToFront();
      await runCell(page, await cellWith(page, "from tinytorch import Tensor"));
      const cell = await cellWith(page, "from timeit import");
      await page.evaluate((where) => (document.querySelector(where).code = "from tinytorch.tensor import sub\nprint(Tensor([5.0]) - 2, sub.__doc__)"), cell);
      const { text } = await runCell(page, cell);
      assert.match(text, /\[3\.\][^]*Written in JupyterLite\./);
    });

    test("nothing left the site, nothing failed", () => {
      assertClean(page, server.origin);
      // JupyterLite itself asks its host for things that a static host does not have.
      assertOneOrigin(lab, server.origin);
      assert.deepEqual(lab.log.errors, []);
    });
  });
}
