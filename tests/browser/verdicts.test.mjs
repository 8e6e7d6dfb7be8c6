// Every known mistake gets its message in the page, and every other right answer passes there: as on disk, where the
// author's gate sees to it. The browser's Python differs in its integers and hears of no overflow.
import assert from "node:assert/strict";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { SITE, imported, openChapter, settled } from "./book.mjs";
import { finishedWorkspace } from "./finished.mjs";
import { launch, root, serve } from "./harness.mjs";

const LIMIT = { timeout: 300_000 };
const DOCUMENTED = /^"""([\s\S]*?)"""\n+([\s\S]*)$/;

const chapters = readdirSync(join(root, "exercises"))
  .filter((name) => /^\d\d_/.test(name) && existsSync(join(SITE, `book/chapters/${name}.html`)))
  .sort();

/** The answers of a kind as {name, message, code}. */
function answers(chapter, kind) {
  const folder = join(root, "exercises", chapter, kind);
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.endsWith(".py"))
    .map((name) => {
      const [, message, code] = DOCUMENTED.exec(readFileSync(join(folder, name), "utf-8"));
      return { name: `${kind}/${name}`, message: message.trim(), code: code.trimEnd() };
    });
}

/** The step an answer belongs to: the longest id that its file name begins with. */
const stepOf = (steps, { name }) =>
  steps
    .filter((step) => name.split("/")[1].startsWith(`${step.split("/")[1].replaceAll("-", "_")}_`))
    .sort((a, b) => b.length - a.length)[0];

describe("verdicts in the page", { concurrency: false }, () => {
  let server, browser, zip;
  before(async () => {
    server = await serve(SITE, { headers: true });
    browser = await launch("chromium");
    zip = finishedWorkspace();
  });
  after(async () => {
    await browser?.close();
    await server?.close();
  });

  for (const chapter of chapters) {
    test(chapter, LIMIT, async () => {
      const page = await openChapter(browser, server.url, `book/chapters/${chapter}.html`);
      await settled(page);
      await imported(page, zip);
      const right = await page.$$eval("tt-exercise", (exercises) =>
        exercises.map((exercise) => [exercise.getAttribute("step"), exercise.code]),
      );
      const steps = right.map(([step]) => step);
      const wrong = [];
      const check = (step, code) =>
        page.evaluate(
          async (which, text) => {
            const exercise = document.querySelector(`tt-exercise[step="${which}"]`);
            exercise.code = text;
            return exercise.check();
          },
          step,
          code,
        );
      const all = [...answers(chapter, "mistakes"), ...answers(chapter, "alternatives")];
      for (const [step, solution] of right) {
        for (const answer of all.filter((one) => stepOf(steps, one) === step)) {
          const { outcome, message, tests } = await check(step, answer.code);
          const known = outcome !== "passed" && message === answer.message;
          if (answer.name.startsWith("mistakes") ? known : outcome === "passed") continue;
          const failed = tests.filter((one) => one.outcome !== "passed").map((one) => `${one.title} ${one.message}`);
          wrong.push([answer.name, outcome, message, ...failed.slice(0, 2)].join("\n    "));
        }
        // The next steps stand on this one.
        assert.equal((await check(step, solution)).outcome, "passed", step);
      }
      await page.close();
      assert.deepEqual(wrong, [], "answers with another verdict than on disk");
    });
  }
});
