// `make bench-browser`: what a reader waits for, in real browsers: click to first output, Check to verdict.
// --rounds N (5), --no-write (leave benchmarks/RESULTS.md alone). BROWSERS names the browsers.
import { readFileSync, writeFileSync } from "node:fs";
import os from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { SITE, cellWith, keptForOffline, openChapter, press, settled, shown, type } from "./book.mjs";
import { browsers, eventually, launch, root, serve } from "./harness.mjs";

const { values: options } = parseArgs({
  options: { rounds: { type: "string", default: "5" }, "no-write": { type: "boolean", default: false } },
});
const ROUNDS = Number(options.rounds);
const STEP = "02-tensor/add";
const ANSWER = "def add(a, b):\n    return a + b";
const CELL = "from tinytorch import Tensor";
/** What we hold ourselves to, in seconds, on localhost. */
const LIMITS = { "cold output": 5, "warm output": 3.5 };
const HEADING = "# The page in real browsers";

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

/** From the click on a button to the moment at which `done` holds in the page, in seconds. */
async function timed(page, selector, button, done) {
  await page.evaluate(
    (where, source) => {
      const element = document.querySelector(where);
      const holds = new Function("element", `return ${source}`);
      window.timed = new Promise((resolve) => {
        element.addEventListener(
          "click",
          () => {
            const begin = performance.now();
            const look = () => (holds(element) ? resolve((performance.now() - begin) / 1000) : requestAnimationFrame(look));
            requestAnimationFrame(look);
          },
          { once: true, capture: true },
        );
      });
    },
    selector,
    done,
  );
  await press(page, selector, button);
  return page.evaluate(() => window.timed);
}

const firstOutput = (page, cell) => timed(page, cell, "Run", 'element.querySelector(".tt-output").innerText.includes("tensor(")');
const verdict = (page) =>
  timed(page, `tt-exercise[step="${STEP}"]`, "Check", '["passed", "failed", "error"].includes(element.getAttribute("status")) && element.querySelector(".tt-verdict").textContent.startsWith("Passed")');

/** One visit: the first output, the first check, one more check. */
async function visit(browser, server, note) {
  const page = await openChapter(browser, server.url);
  await settled(page);
  // The reader has looked at the page by now; to touch an editor would start Python.
  await new Promise((resume) => setTimeout(resume, 1_000));
  note("output", await firstOutput(page, await cellWith(page, CELL)));
  note("start of Python", (await page.evaluate(() => window.tinytorch.timings.total)) / 1000);
  await type(page, STEP, ANSWER);
  await eventually(async () => (await shown(page, STEP)).saved === "Saved", "the answer to be stored");
  note("first check", await verdict(page));
  note("check", await verdict(page));
  await keptForOffline(page);
  await page.close();
}

/** A fresh profile, a visit with nothing stored, a visit with everything stored. */
async function round(name, note) {
  const server = await serve(SITE);
  const browser = await launch(name);
  try {
    note.version = await browser.version();
    await visit(browser, server, (what, seconds) => note(`cold ${what}`, seconds));
    await visit(browser, server, (what, seconds) => note(`warm ${what}`, seconds));
  } finally {
    await browser.close();
    await server.close();
  }
}

const ROWS = {
  "cold output": "click on Run to its first output, first visit",
  "warm output": "click on Run to its first output, later visits",
  "cold start of Python": "of that, until Python takes code, first visit",
  "warm start of Python": "of that, until Python takes code, later visits",
  "cold first check": "Check to verdict, first of a session, first visit",
  "warm first check": "Check to verdict, first of a session, later visits",
  "warm check": "Check to verdict, after that",
};

function table(measured) {
  const lines = [
    `| seconds, median of ${ROUNDS} (worst) | ${Object.keys(measured).join(" | ")} | limit |`,
    `|---|${"---:|".repeat(Object.keys(measured).length + 1)}`,
  ];
  for (const [key, title] of Object.entries(ROWS)) {
    const cells = Object.values(measured).map((times) => `${median(times[key]).toFixed(2)} (${Math.max(...times[key]).toFixed(2)})`);
    lines.push(`| ${title} | ${cells.join(" | ")} | ${LIMITS[key] ?? ""} |`);
  }
  return lines.join("\n");
}

/** Put the table in the place of the one before; the other sections stay. */
function record(text) {
  const path = join(root, "benchmarks/RESULTS.md");
  const sections = readFileSync(path, "utf-8").split(/\n(?=# )/);
  const others = sections.filter((section) => !section.startsWith(HEADING)).map((section) => section.trimEnd());
  writeFileSync(path, [...others, `${HEADING}\n\nWritten by \`make bench-browser\`.\n\n${text}`].join("\n\n") + "\n");
}

const measured = {};
const versions = [];
const load = os.loadavg()[0];
for (const name of browsers) {
  const times = (measured[name] = {});
  const note = (what, seconds) => (times[what] ??= []).push(seconds);
  for (let count = 1; count <= ROUNDS; count += 1) {
    console.log(`${name}, round ${count} of ${ROUNDS}`);
    await round(name, note);
  }
  versions.push(note.version);
}
const [cpu] = os.cpus();
const facts =
  `${cpu.model.trim()}, ${os.cpus().length} cores, ${Math.round(os.totalmem() / 2 ** 30)} GB, ${os.type()}, ` +
  `${versions.join(", ")}, headless; a plain server on localhost. Load before the run: ${load.toFixed(1)}.`;
const text = `${facts}\n\n${table(measured)}`;
console.log(`\n${text}`);
if (!options["no-write"]) record(text);
