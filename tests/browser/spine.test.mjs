// The course's promise, as a reader lives it: write a step in the page, take the work to disk and back, lose the network.
// On a plain static server, in a folder of it; the service worker brings what the server does not.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import {
  SITE,
  cellWith,
  check,
  checkAndStop,
  codeOf,
  exported,
  imported,
  keptForOffline,
  openChapter,
  press,
  ready,
  report,
  runCell,
  settled,
  shown,
  type,
} from "./book.mjs";
import { DiskWorkspace, comparable } from "./disk.mjs";
import { assertClean, browsers, eventually, launch, serve } from "./harness.mjs";

const LIMIT = { timeout: 120_000 };
const ADD = "02-tensor/add";
const ARITHMETIC = "02-tensor/arithmetic";
const SUM = "02-tensor/sum";
const MEAN = "02-tensor/mean";

const RIGHT_ADD = 'def add(a, b):\n    """My own sum."""\n    return a + b';
const RIGHT_SUM = "def sum(a, dim=None, keepdim=False):\n    return np.sum(a, axis=dim, keepdims=keepdim)";
const RIGHT_MEAN =
  "@operation\ndef mean(x, dim=None, keepdim=False):\n    total = x.sum(dim, keepdim)\n    return total / (x.numel() / total.numel() if total.numel() else 1)";
const AROUND_MEAN =
  "@operation\ndef mean(x, dim=None, keepdim=False):\n    return Tensor(np.mean(x.data, axis=dim, keepdims=keepdim))";
const arithmetic = (sub) =>
  `def sub(a, b):\n    ${sub}\n\n\ndef mul(a, b):\n    return a * b\n\n\ndef div(a, b):\n    return a / b`;
const LOOP = arithmetic("while True: pass");
const SWAPPED = arithmetic("return b - a");
const RIGHT_ARITHMETIC = arithmetic("return a - b");
const MENDED = arithmetic("return a - b  # mended on disk");

for (const name of browsers) {
  describe(name, { concurrency: false }, () => {
    let browser, server, page, disk;
    before(async () => {
      server = await serve(SITE, { subPath: "/school/course/" });
      browser = await launch(name);
      page = await openChapter(browser, server.url);
      await settled(page);
    });
    after(async () => {
      disk?.remove();
      await browser?.close();
      await server?.close();
      if (page) assertClean(page, server.origin);
    });

    test("a cell plots with matplotlib", LIMIT, async () => {
      const cell = await runCell(page, await cellWith(page, "draw(memory="));
      assert.equal(cell.status, "idle");
      assert.match(cell.text, /transposed: shape \(3, 2\), strides \(4, 12\)/);
      assert.equal(cell.pictures.length, 1);
      assert.ok(cell.pictures[0][0] > 400 && cell.pictures[0][1] > 100, `${cell.pictures[0]}`);
    });

    test("a wrong answer gets a verdict, a message and a line", LIMIT, async () => {
      await type(page, ADD, "def add(a, b):\n    a += b\n    return a");
      const known = await check(page, ADD);
      assert.equal(known.status, "failed");
      assert.match(known.verdict, /^Not yet\. \d of \d+ checks fails?\./);
      assert.match(known.message, /The sum is right, but it was written into a/);

      await type(page, ADD, "def add(a, b):\n    total = a + c\n    return total");
      const raised = await check(page, ADD);
      assert.equal(raised.status, "error");
      assert.match(raised.message, /name 'c' is not defined/);
      assert.deepEqual([raised.line, raised.marked], ["Line 2", 1]);

      await type(page, ADD, "def add(a, b):\n    return (a + b");
      const unparsed = await check(page, ADD);
      assert.equal(unparsed.status, "error");
      assert.match(unparsed.verdict, /cannot read this yet on line 2/);
      assert.match(unparsed.message, /never closed/);
    });

    test("a right answer passes", LIMIT, async () => {
      await type(page, ADD, RIGHT_ADD);
      const passed = await check(page, ADD);
      assert.equal(passed.status, "passed");
      assert.match(passed.verdict, /^Passed\. All \d+ checks pass\./);
      assert.equal(passed.marked, 0);
    });

    test("with chapter 01 left to the reference, cells run on the student's code, edited or not", LIMIT, async () => {
      await press(page, `tt-exercise[step="${ADD}"]`, "Use the reference for chapter 1");
      const cells = [await cellWith(page, "from tinytorch import Tensor"), await cellWith(page, "print(prices + delivery)")];
      const sums = async () => {
        for (const cell of cells) await runCell(page, cell);
        return (await runCell(page, cells[1])).text;
      };
      assert.match(await sums(), /\[\[12\., 13\., 15\.\]/);
      await type(page, ADD, "def add(a, b):\n    return a + 100 * b");
      assert.match(await sums(), /\[\[1002\., /);
      await type(page, ADD, RIGHT_ADD);
      assert.equal((await check(page, ADD)).status, "passed");
    });

    test("an endless loop is stopped", LIMIT, async () => {
      await type(page, ARITHMETIC, LOOP);
      const stopped = await checkAndStop(page, ARITHMETIC);
      assert.equal(stopped.status, "stopped");
      assert.match(stopped.verdict, /^Stopped\. Your text is kept\./);
    });

    test("a reload keeps texts, drafts and verdicts", LIMIT, async () => {
      await type(page, SUM, "def sum(a, dim=None");
      await eventually(async () => (await shown(page, SUM)).saved === "Saved", "the draft to be stored");
      await page.reload();
      await ready(page);
      assert.equal(await codeOf(page, ADD), RIGHT_ADD);
      assert.equal((await shown(page, ADD)).status, "passed");
      assert.equal(await codeOf(page, ARITHMETIC), LOOP);
      assert.equal(await codeOf(page, SUM), "def sum(a, dim=None");
    });

    test("the next steps stand on the ones before", LIMIT, async () => {
      await type(page, SUM, RIGHT_SUM);
      assert.equal((await check(page, SUM)).status, "passed");
      await type(page, ARITHMETIC, RIGHT_ARITHMETIC);
      assert.equal((await check(page, ARITHMETIC)).status, "passed");
      await type(page, MEAN, RIGHT_MEAN);
      const mean = await check(page, MEAN);
      assert.equal(mean.status, "passed", mean.message);
      await type(page, SUM, `${RIGHT_SUM} * 3`);
      assert.equal((await check(page, SUM)).status, "failed");
      assert.notEqual((await check(page, MEAN)).status, "passed", "mean runs on the student's sum");
      await type(page, SUM, RIGHT_SUM);
      assert.equal((await check(page, SUM)).status, "passed");
    });

    test("what is exported gets the same verdicts on disk", LIMIT, async () => {
      await type(page, ARITHMETIC, SWAPPED);
      await type(page, MEAN, AROUND_MEAN);
      const reports = {};
      for (const step of [ADD, ARITHMETIC, SUM, MEAN, "02-tensor/reshape"]) reports[step] = await report(page, step);
      assert.deepEqual(
        Object.values(reports).map(({ outcome }) => outcome),
        ["passed", "failed", "passed", "failed", "failed"],
      );
      disk = new DiskWorkspace(await exported(page));
      for (const [step, inPage] of Object.entries(reports)) {
        assert.deepEqual(comparable(disk.check(step)), comparable(inPage), step);
      }
    });

    test("what is changed on disk is in the page after its import", LIMIT, async () => {
      disk.edit("tinytorch/tensor.py", "return b - a", "return a - b  # mended on disk");
      assert.equal(disk.check(ARITHMETIC).outcome, "passed");
      await imported(page, disk.export());
      assert.equal(await codeOf(page, ARITHMETIC), MENDED);
      assert.equal((await shown(page, ARITHMETIC)).status, "passed");
      assert.equal(await codeOf(page, ADD), RIGHT_ADD);
      assert.equal((await check(page, ARITHMETIC)).status, "passed");
      await page.reload();
      await ready(page);
      assert.equal(await codeOf(page, ARITHMETIC), MENDED);
    });

    test("when the server is gone, all of it goes on", LIMIT, async () => {
      await runCell(page, await cellWith(page, "draw(memory="));
      await keptForOffline(page);
      assertClean(page, server.origin);
      await page.close();
      await server.close();
      page = await openChapter(browser, server.url);
      assert.equal(await page.evaluate(() => crossOriginIsolated), true);
      assert.equal((await runCell(page, await cellWith(page, "draw(memory="))).pictures.length, 1);
      assert.equal((await check(page, ADD)).status, "passed");
      assert.equal((await checkAndStopLoop(page)).status, "stopped");
    });
  });
}

async function checkAndStopLoop(page) {
  await type(page, MEAN, "def mean(x):\n    while True:\n        pass");
  return checkAndStop(page, MEAN);
}
