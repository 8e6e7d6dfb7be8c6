// The markup of our own elements, as the page has it once they are alive, before two other judges: HTML_CodeSniffer and html-validate.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { SITE, check, openChapter, press, settled, type } from "./book.mjs";
import { launch, requireFromLite, serve } from "./harness.mjs";

const pa11y = requireFromLite("pa11y");
const { HtmlValidate } = requireFromLite("html-validate");

const LIMIT = { timeout: 120_000 };
const STEP = "02-tensor/add";
const EXERCISE = `tt-exercise[step="${STEP}"]`;
const OURS = [EXERCISE, "tt-cell:not([hidden])", ".tt-work"];
const block = { flow: true, attributes: { step: { required: false } } };
const validator = new HtmlValidate({
  root: true,
  extends: ["html-validate:recommended"],
  elements: ["html5", { "tt-exercise": block, "tt-cell": block }],
  rules: {
    // How the browser writes what it has parsed, and pages are one line long.
    "attr-quotes": "off",
    "attribute-boolean-style": "off",
    "attribute-empty-style": "off",
    "doctype-style": "off",
    "long-title": "off",
    "no-inline-style": "off",
    "no-trailing-whitespace": "off",
    "void-style": "off",
    // A step's id begins with its chapter's number.
    "valid-id": ["error", { relaxed: true }],
    // What opens below its button is a region that has a name.
    "prefer-native-element": ["error", { exclude: ["region"] }],
  },
});

/** What html-validate says of the elements; the editor's own markup is CodeMirror's. */
async function validated(page) {
  const parts = await page.evaluate(
    (selectors) =>
      selectors.map((selector) => {
        const copy = document.querySelector(selector).cloneNode(true);
        for (const editor of copy.querySelectorAll(".cm-editor, .cm-mergeView")) editor.remove();
        return copy.outerHTML;
      }),
    OURS,
  );
  const { results } = await validator.validateString(parts.join("\n"));
  return results.flatMap(({ messages }) => messages.map(({ ruleId, message, selector }) => `${ruleId}: ${message} (${selector})`));
}

async function sniffed(page) {
  const issues = [];
  for (const rootElement of OURS) {
    const found = await pa11y(page.url(), { browser: page.browser(), page, ignoreUrl: true, runners: ["htmlcs"], rootElement, timeout: 60_000 });
    issues.push(...found.issues.map(({ code, message, context }) => `${code}: ${message} ${context}`));
  }
  return issues;
}

describe("the elements' markup", { concurrency: false }, () => {
  let browser, server, page;
  before(async () => {
    server = await serve(SITE, { headers: true });
    browser = await launch("chromium");
    page = await openChapter(browser, server.url);
    await settled(page);
    await page.$eval(EXERCISE, (exercise) => exercise.mountEditor());
  });
  after(async () => {
    await browser?.close();
    await server?.close();
  });

  const states = {
    "before anything ran": async () => undefined,
    "after a check that fails, with a hint": async () => {
      await type(page, STEP, "def add(a, b):\n    return a - b");
      await check(page, STEP);
      await press(page, EXERCISE, "Hint");
    },
    "after a text that does not parse": async () => {
      await type(page, STEP, "def add(a, b):\n    return (a + b");
      await check(page, STEP);
    },
    "with the solution beside it": async () => {
      await press(page, EXERCISE, "Show solution");
      await press(page, EXERCISE, "Show me anyway");
      await page.waitForSelector(`${EXERCISE} .cm-mergeView`);
    },
    "after a pass": async () => {
      await type(page, STEP, "def add(a, b):\n    return a + b");
      await check(page, STEP);
    },
  };
  for (const [state, reach] of Object.entries(states)) {
    test(state, LIMIT, async () => {
      await reach();
      assert.deepEqual(await validated(page), [], "html-validate");
      assert.deepEqual(await sniffed(page), [], "pa11y");
    });
  }
});
