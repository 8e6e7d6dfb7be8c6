// The same step, the same text: the page's report is the command line's, for every step that exists.
// STEPS="02-tensor/add ..." checks only those.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { comparable } from "./disk.mjs";
import { eventually, launch, newPage, root, serve } from "./harness.mjs";
import { kernelSite } from "./kernel-site.mjs";

const [python] = [".venv/bin/python", ".venv/Scripts/python.exe"].map((path) => join(root, path)).filter(existsSync);
const chosen = process.env.STEPS?.split(" ") ?? [];

let site, server, browser, page;
before(async () => {
  site = await kernelSite();
  server = await serve(site.folder, { headers: true });
  browser = await launch("chromium");
  page = await newPage(browser);
  await page.goto(server.url);
  await eventually(() => page.evaluate(() => Boolean(window.run)), "the page's script");
  await page.evaluate(() => window.kernel.start());
});
after(async () => {
  await browser?.close();
  await server?.close();
  site?.remove();
});

/** What the command line says, a step at a time: [{ step, name, code, report }, ...]; the page gets its workspace. */
async function* onDisk() {
  const script = join(root, "tests/browser/parity_texts.py");
  const process = spawn(python, [script, ...chosen], { cwd: root, stdio: ["ignore", "pipe", "inherit"] });
  const ended = new Promise((resolve) => process.on("exit", resolve));
  let texts = [];
  for await (const line of createInterface({ input: process.stdout })) {
    const text = JSON.parse(line);
    if (text.workspace) {
      await page.evaluate((zip) => window.kernel.call({ call: "import", zip_base64: zip }), text.workspace);
      continue;
    }
    if (texts.length && texts[0].step !== text.step) {
      yield texts;
      texts = [];
    }
    texts.push(text);
  }
  assert.equal(await ended, 0);
  if (texts.length) yield texts;
}

/** The page's reports on texts of one step, the first of which, its solution, stays in the workspace. */
const inPage = (texts) =>
  page.evaluate(async (step, codes) => {
    const reports = [];
    for (const code of codes) reports.push((await window.kernel.call({ call: "check", step, code })).report);
    await window.kernel.call({ call: "save", step, code: codes[0] });
    return reports;
  }, texts[0].step, texts.map(({ code }) => code));

// Where a wrong answer subtracts nearly equal numbers, what is left differs by the rounding of exp and tanh, which
// no processor shares with another: there numbers may differ by a thousandth. And a line outside of the step is
// counted in the reference's file there, in the student's here, which has the comments around steps. Nothing else may.
const FRACTION = /-?\d+\.\d+(?:e[-+]?\d+)?/g;
const OUTSIDE = /(?<=tinytorch\/\w+\.py, )line \d+/g;
const withoutFractions = (report) => JSON.stringify(report).replace(FRACTION, "#").replace(OUTSIDE, "line #");
const sameFractions = (...reports) => {
  const [some, others] = reports.map((report) => (JSON.stringify(report).match(FRACTION) ?? []).map(Number));
  return some.every((number, at) => Math.abs(number - others[at]) <= 1e-3 * Math.abs(others[at]) + 1e-12);
};

test("page and command line say the same of every text", { timeout: 1_800_000 }, async (t) => {
  const kinds = {};
  for await (const texts of onDisk()) {
    await t.test(texts[0].step, { timeout: 300_000 }, async () => {
      const reports = await inPage(texts);
      const differences = [];
      texts.forEach(({ name, report }, number) => {
        const [here, there] = [comparable(reports[number]), comparable(report)];
        const kind = name.replace(/[ /].*/, "");
        kinds[kind] = (kinds[kind] ?? 0) + 1;
        // A grammar that an older Python lacks is refused in the page and cannot be read there: in other words.
        if (kind === "newer") {
          for (const { outcome, phase, message } of [here, there]) {
            if (outcome !== "error" || phase !== "parse" || !message) differences.push({ name, here, there });
          }
          return;
        }
        if (isDeepStrictEqual(here, there)) return;
        if (!isDeepStrictEqual(...[here, there].map(withoutFractions)) || !sameFractions(here, there)) {
          differences.push({ name, here, there });
        } else kinds.alike = (kinds.alike ?? 0) + 1;
      });
      assert.deepEqual(differences, []);
    });
  }
  t.diagnostic(JSON.stringify(kinds));
});
