// Every live cell of every page runs in the page on a finished workspace, in the order of the page.
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { SITE, imported, openChapter, settled } from "./book.mjs";
import { finishedWorkspace } from "./finished.mjs";
import { assertClean, launch, serve } from "./harness.mjs";

const LIMIT = { timeout: 300_000 };

/** The pages of the book that have live cells, as paths in the site. */
const pages = readdirSync(join(SITE, "book"), { recursive: true })
  .map((path) => `book/${path.replaceAll("\\", "/")}`)
  .filter((path) => path.endsWith(".html") && readFileSync(join(SITE, path), "utf-8").includes("<tt-cell "))
  .sort();

/** Run one cell as a reader would with Run; what it ended with. */
const run = (page, index) =>
  page.evaluate(async (at) => {
    const cell = document.querySelectorAll("tt-cell")[at];
    await cell.run();
    await new Promise(requestAnimationFrame); // Text is drawn with the next frame.
    return { status: cell.getAttribute("status"), output: cell.querySelector(".tt-output")?.innerText ?? "" };
  }, index);

describe("live cells", { concurrency: false }, () => {
  let server, zip;
  before(async () => {
    server = await serve(SITE, { headers: true });
    zip = finishedWorkspace();
  });
  after(() => server?.close());

  for (const path of pages) {
    test(path, LIMIT, async (context) => {
      const browser = await launch("chromium");
      try {
        const page = await openChapter(browser, server.url, path);
        await settled(page);
        await imported(page, zip);
        const cells = await page.evaluate(() =>
          [...document.querySelectorAll("tt-cell")].map((cell) => ({ code: cell.code, tags: cell.dataset.tags ?? "" })),
        );
        for (const [index, { code, tags }] of cells.entries()) {
          if (tags.includes("skip-execution")) continue;
          const { status, output } = await run(page, index);
          const expected = tags.includes("raises-exception") ? "error" : "idle";
          assert.equal(status, expected, `cell ${index + 1}:\n${code}\n\n${output}`);
          assert.ok(!/Exception ignored|<Figure/.test(output), `cell ${index + 1}:\n${code}\n\n${output}`);
          if (process.env.SHOW) context.diagnostic(`cell ${index + 1}: ${output}`);
        }
        assertClean(page, server.origin);
      } finally {
        await browser.close();
      }
    });
  }
});
