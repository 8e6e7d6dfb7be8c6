// The map of the course, the sidebar's marks, the choice about open foundations, and what a change broke.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { SITE, check, openChapter, press, ready, settled, type } from "./book.mjs";
import { assertClean, browsers, eventually, launch, newPage, requireFromLite, root, serve } from "./harness.mjs";

const LIMIT = { timeout: 300_000 };
const MAP = "book/progress.html";
const ACTIVATIONS = "book/chapters/03_activations.html";
const [SEED, ADD, RELU] = ["01-setup/manual-seed", "02-tensor/add", "03-activations/relu"];
const PLAIN = "def add(a, b):\n    return a + b";
const HELPFUL = `${PLAIN}\n\n\ndef larger(a, b):\n    return np.maximum(a, b)`;
const LEANING = `@tensor_method
@array_operation
def relu(x):
    from tinytorch.tensor import larger

    return larger(x, 0)`;
const AXE = readFileSync(requireFromLite.resolve("axe-core/axe.min.js"), "utf8");
const SHOTS = join(root, "test-artifacts");

/** What axe finds in these parts of the page. */
async function violations(page, selectors) {
  await page.evaluate(AXE);
  return page.evaluate(async (wheres) => {
    const parts = wheres.map((where) => document.querySelector(where)).filter((part) => part?.getClientRects().length);
    const { violations } = await globalThis.axe.run(parts, { resultTypes: ["violations"] });
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(" | ")}`);
  }, selectors);
}

/** In light and dark, wide and on a phone: nothing sticks out, axe finds nothing, a picture to look at. */
async function inspect(page, name, state, selectors) {
  mkdirSync(SHOTS, { recursive: true });
  const full = name === "chromium";
  await page.bringToFront(); // A page behind another one draws nothing.
  for (const theme of full ? ["light", "dark"] : ["light"]) {
    for (const width of full ? [1280, 360] : [1280]) {
      await page.setViewport({ width, height: 900 });
      await page.evaluate((value) => Object.assign(document.documentElement.dataset, { theme: value, mode: value }), theme);
      await page.evaluate((where) => document.querySelector(where).scrollIntoView({ block: "center" }), selectors[0]);
      await new Promise((resume) => setTimeout(resume, 500));
      const where = `${state}, ${theme}, ${width} px`;
      const beyond = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(beyond <= 0, `${where}: the page is ${beyond} px too wide`);
      assert.deepEqual(await violations(page, [...selectors, ".bd-links"]), [], where);
      await page.screenshot({ path: join(SHOTS, `${name}-${state}-${theme}-${width}.png`) });
    }
  }
  await page.setViewport({ width: 1280, height: 900 });
}

/** What the map says of a step or a chapter, and above the list. */
const stepMark = (page, step) => page.$eval(`[data-step="${step}"] .tt-map-mark`, (mark) => mark.textContent);
const chapterMark = (page, number) => page.$eval(`[data-chapter="${number}"] > .tt-map-mark`, (mark) => mark.textContent);
const textOf = (page, selector) => page.$eval(selector, (element) => element.innerText.replaceAll(/\s+/g, " "));
const sidebar = (page, start) =>
  page.$$eval(".bd-links a", (links, text) => links.map((link) => link.textContent.trim()).find((words) => words.startsWith(text)), start);

/** Put a record of steps into the browser's storage, as another tab would. */
const record = (page, steps, reference = []) =>
  page.evaluate(
    async (text) => {
      const name = "tinytorch:/";
      const database = await new Promise((resolve) => (indexedDB.open(name).onsuccess = (event) => resolve(event.target.result)));
      const path = ".tito/workspace.json";
      await new Promise((resolve) => {
        const transaction = database.transaction("files", "readwrite");
        transaction.objectStore("files").put({ path, text, revision: 1, modified: Date.now() });
        transaction.oncomplete = resolve;
      });
      database.close();
      new BroadcastChannel(name).postMessage([path]);
    },
    JSON.stringify({ schema: 1, course: "0.1.0", steps, given: {}, choices: { reference } }),
  );

for (const name of browsers) {
  describe(`${name}: what the map shows`, { concurrency: false }, () => {
    let browser, server, page;
    before(async () => {
      server = await serve(SITE, { headers: true });
      browser = await launch(name);
      page = await openChapter(browser, server.url, MAP);
    });
    after(async () => {
      if (page) assertClean(page, server.origin);
      await browser?.close();
      await server?.close();
    });

    test("without JavaScript it is the list of the course", { ...LIMIT, skip: name !== "chromium" }, async () => {
      const plain = await newPage(browser);
      await plain.setJavaScriptEnabled(false);
      await plain.goto(server.url + MAP);
      const shown = await plain.$eval("tt-map", (map) => map.innerText);
      assert.match(shown, /runs no JavaScript/);
      assert.match(shown, /02 Tensor/);
      const [href] = await plain.$$eval(`[data-step="${ADD}"] a`, (links) => links.map((link) => link.getAttribute("href")));
      assert.equal(href, "chapters/02_tensor.html#02-tensor-add");
      await plain.close();
    });

    test("before any work everything is open, and it says where to begin", LIMIT, async () => {
      await eventually(() => page.$(`[data-step="${ADD}"] .tt-map-mark`), "the marks");
      assert.deepEqual([await stepMark(page, ADD), await chapterMark(page, 2)], ["Open", "Open"]);
      assert.match(await textOf(page, ".tt-map-now"), /^0 of \d+ steps passed\. 0 of \d+ chapters done, 0 complete\. Begin with Exercise 1\.1: /);
      assert.equal(await page.$(".tt-foundations:not([hidden])"), null, "no choice before there is a reason for one");
      assert.match(await sidebar(page, "02"), /numbers at once$/);
      await inspect(page, name, "map-open", ["tt-map"]);
    });

    test("it follows the record: passed, complete, revealed, broken, tried", LIMIT, async () => {
      const passed = { outcome: "passed", revealed: false, complete: false };
      await record(page, {
        [SEED]: { ...passed, complete: true },
        [ADD]: { ...passed, complete: true },
        "02-tensor/arithmetic": passed,
        "02-tensor/sum": { outcome: "failed", revealed: true },
        "02-tensor/mean": { outcome: "failed", revealed: false },
        [RELU]: { outcome: "failed", revealed: false, broken_by: ADD },
      });
      await eventually(async () => (await stepMark(page, ADD)) === "Passed", "the marks");
      const steps = [ADD, "02-tensor/arithmetic", "02-tensor/sum", "02-tensor/mean", RELU];
      assert.deepEqual(await Promise.all(steps.map((step) => stepMark(page, step))), [
        "Passed",
        "Passed, stretch open",
        "Solution seen",
        "Not yet",
        "Broke when Exercise 2.1 changed",
      ]);
      assert.deepEqual(await Promise.all([1, 2, 3].map((number) => chapterMark(page, number))), ["Complete", "Begun", "Begun"]);
      assert.match(await textOf(page, ".tt-map-now"), /^3 of \d+ steps passed\. 1 of \d+ chapters done, 1 complete\. 1 step no longer passes after a change\. Next Exercise 2\.\d: /);
      assert.deepEqual([await sidebar(page, "01"), await sidebar(page, "02")].map((words) => words.split(", ").at(-1)), ["complete", "begun"]);
      await inspect(page, name, "map-marks", ["tt-map"]);
      await record(page, { [SEED]: passed });
      await eventually(async () => (await chapterMark(page, 1)) === "Done", "done without complete");
      assert.match(await sidebar(page, "01"), /, done$/);
    });

    test("no Python was started for it", () => {
      assert.deepEqual(server.requests.filter((path) => path.includes("kernel-worker")), []);
    });

    test("the next thing to do is a link that the keyboard reaches", LIMIT, async () => {
      await record(page, { [SEED]: { outcome: "passed", complete: true } });
      await eventually(async () => (await textOf(page, ".tt-map-next")).includes("Exercise 2.1"), "the next step");
      await page.focus(".tt-map-next a");
      await Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")]);
      assert.match(page.url(), /02_tensor\.html#02-tensor-add$/);
    });
  });

  describe(`${name}: choices and changes`, { concurrency: false }, () => {
    let browser, server, tensor, map;
    before(async () => {
      server = await serve(SITE, { headers: true });
      browser = await launch(name);
      map = await openChapter(browser, server.url, MAP);
      tensor = await newPage(browser);
      await tensor.evaluateOnNewDocument(() => {
        window.asked = 0;
        if (!navigator.storage) return; // An empty page before the first.
        navigator.storage.persisted = async () => false;
        navigator.storage.persist = async () => Boolean((window.asked += 1));
      });
      await tensor.goto(`${server.url}book/chapters/02_tensor.html`);
      await ready(tensor);
      await settled(tensor);
    });
    after(async () => {
      for (const page of [tensor, map]) if (page) assertClean(page, server.origin);
      await browser?.close();
      await server?.close();
    });

    test("open foundations: the reader chooses the reference by keyboard, sees it on the map, and takes it back", LIMIT, async () => {
      await eventually(() => tensor.$(".tt-foundations:not([hidden])"), "the note");
      assert.match(await textOf(tensor, ".tt-foundations"), /builds on chapter 1, where 1 step is open.*first open step/);
      assert.match(await tensor.$eval(".tt-foundations a", (link) => link.href), /01_setup\.html#01-setup-manual-seed$/);
      await inspect(tensor, name, "foundations", [".tt-foundations"]);
      await tensor.bringToFront();
      await tensor.focus(".tt-foundations button");
      await tensor.keyboard.press("Enter");
      await eventually(async () => (await textOf(tensor, ".tt-foundations")).startsWith("You let the reference"), "the choice", 120_000);
      assert.match(await tensor.evaluate(() => document.activeElement.textContent), /^You let the reference stand in/);
      await eventually(async () => (await textOf(map, '[data-chapter="1"]')).includes("You let the reference stand in"), "the choice on the map");
      assert.match(await textOf(map, ".tt-map-next"), /Exercise 2\.1/);
      await inspect(map, name, "map-chosen", ['[data-chapter="1"] .tt-foundations', "tt-map"]);
      // Chromium from the map, with a Python of its own; Firefox where Python runs already.
      const [back, where] = name === "firefox" ? [tensor, ".tt-foundations"] : [map, '[data-chapter="1"]'];
      await back.bringToFront();
      await press(back, where, "Take it back");
      await eventually(async () => (await textOf(map, ".tt-map-next")).includes("Exercise 1.1"), "the choice to be taken back", 120_000);
      await eventually(async () => (await textOf(tensor, ".tt-foundations")).startsWith("This chapter builds on"), "the note again");
    });

    test("the browser is asked to keep the work after the first pass, once", LIMIT, async () => {
      await tensor.bringToFront();
      await type(tensor, ADD, PLAIN.replace("+", "-"));
      await check(tensor, ADD);
      assert.equal(await tensor.evaluate(() => window.asked), 0, "nothing to keep yet");
      await type(tensor, ADD, HELPFUL);
      assert.equal((await check(tensor, ADD)).status, "passed");
      await check(tensor, ADD);
      assert.equal(await tensor.evaluate(() => window.asked), 1);
      await eventually(async () => /, begun$/.test(await sidebar(tensor, "02")), "the sidebar's mark");
    });

    test("a change that breaks a finished step names it at once, on the map, and where it broke", LIMIT, async () => {
      const activations = await openChapter(browser, server.url, ACTIVATIONS);
      await settled(activations);
      await type(activations, RELU, LEANING);
      assert.equal((await check(activations, RELU)).status, "passed");
      await tensor.bringToFront();
      await type(tensor, ADD, PLAIN);
      await check(tensor, ADD);
      const verdict = () => textOf(tensor, `tt-exercise[step="${ADD}"] .tt-verdict`);
      await eventually(async () => (await verdict()).endsWith("After this change Exercise 3.1 no longer passes."), "the news");
      await eventually(async () => (await stepMark(map, RELU)) === "Broke when Exercise 2.1 changed", "the map");
      await eventually(
        async () => (await textOf(activations, `tt-exercise[step="${RELU}"] .tt-verdict`)).startsWith("This passed until Exercise 2.1 was changed."),
        "the exercise in the other tab",
      );
      await inspect(tensor, name, "broke", [`tt-exercise[step="${ADD}"]`]);
      await tensor.bringToFront();
      await type(tensor, ADD, HELPFUL);
      await check(tensor, ADD);
      await eventually(async () => /^Passed/.test(await stepMark(map, RELU)), "the step to be mended");
      assertClean(activations, server.origin);
      await activations.close();
    });

    test("a finished step that no longer ends is given up, and the page goes on", LIMIT, async () => {
      await tensor.bringToFront();
      await type(tensor, ADD, HELPFUL.replace("return np.maximum(a, b)", "while True:\n        pass"));
      await check(tensor, ADD);
      await eventually(async () => (await stepMark(map, RELU)).startsWith("Broke"), "the map", 60_000);
      assert.equal((await check(tensor, ADD)).status, "passed");
    });
  });
}
