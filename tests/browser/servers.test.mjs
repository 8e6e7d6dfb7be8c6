// The heart of a chapter on the kinds of server that spine.test.mjs does not use: the same page, the same verdicts.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { SITE, cellWith, check, checkAndStop, codeOf, openChapter, ready, runCell, shown, type } from "./book.mjs";
import { assertClean, assertOneOrigin, browsers, eventually, launch, serve } from "./harness.mjs";

const LIMIT = { timeout: 120_000 };
const STEP = "02-tensor/add";
const RIGHT = "def add(a, b):\n    return a + b";

const KINDS = [
  { title: "a server that isolates its pages", options: { headers: true }, isolated: true },
  { title: "a server in a folder whose service worker cannot be had", options: { subPath: "/a/b/" }, failing: "sw.js", isolated: false },
];

async function core(page, isolated) {
  assert.equal(await page.evaluate(() => crossOriginIsolated), isolated);
  const cell = await runCell(page, await cellWith(page, "draw(memory="));
  assert.deepEqual([cell.status, cell.pictures.length], ["idle", 1]);

  await type(page, STEP, "def add(a, b):\n    return a - b");
  const failed = await check(page, STEP);
  assert.deepEqual([failed.status, failed.line], ["failed", "Line 2"]);
  assert.match(failed.message, /expected 5\.0, got -1\.0/);

  await type(page, STEP, "def add(a, b):\n    while True:\n        pass");
  assert.equal((await checkAndStop(page, STEP)).status, "stopped");

  await type(page, STEP, RIGHT);
  assert.equal((await check(page, STEP)).status, "passed");
  await page.reload();
  await ready(page);
  assert.equal(await codeOf(page, STEP), RIGHT);
  await eventually(async () => (await shown(page, STEP)).status === "passed", "the stored verdict");
}

for (const name of browsers) {
  describe(name, { concurrency: false }, () => {
    for (const { title, options, failing, isolated } of KINDS) {
      test(`on ${title}`, LIMIT, async () => {
        const server = await serve(SITE, options);
        if (failing) server.failing.add(failing);
        const browser = await launch(name);
        try {
          const page = await openChapter(browser, server.url);
          await core(page, isolated);
          if (failing) assertOneOrigin(page, server.origin);
          else assertClean(page, server.origin);
        } finally {
          await browser.close();
          await server.close();
        }
      });
    }
  });
}
