// <tt-cell> and <tt-exercise> in every state: what is shown, that nothing is lost, that everybody can use it.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { CHAPTER, SITE, cellWith, check, checkAndStop, codeOf, openChapter, press, ready, settled, shown, type } from "./book.mjs";
import { assertClean, assertOneOrigin, browsers, eventually, launch, newPage, requireFromLite, root, serve } from "./harness.mjs";

const LIMIT = { timeout: 180_000 };
const ADD = "02-tensor/add";
const EXERCISE = `tt-exercise[step="${ADD}"]`;
const RIGHT = "def add(a, b):\n    return a + b";
const WRONG = "def add(a, b):\n    return a - b";
const AXE = readFileSync(requireFromLite.resolve("axe-core/axe.min.js"), "utf8");
const SHOTS = join(root, "test-artifacts");

/** What axe finds in the first exercise, the first cell and the menu: the page's other elements are like them. */
async function violations(page) {
  await page.evaluate(AXE);
  return page.evaluate(async (exercise) => {
    const ours = [exercise, "tt-cell:not([hidden])", ".tt-work"].map((where) => document.querySelector(where));
    const { violations } = await globalThis.axe.run(ours, { resultTypes: ["violations"] });
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(" | ")}`);
  }, EXERCISE);
}

/** In light and dark, wide and on a phone: axe finds nothing, nothing sticks out, and there is a picture to look at. */
async function inspect(page, name, state) {
  mkdirSync(SHOTS, { recursive: true });
  // Firefox for what could differ there; the colors and the measures are the same.
  const full = name === "chromium";
  for (const theme of full ? ["light", "dark"] : ["light"]) {
    for (const width of full ? [1280, 360] : [1280]) {
      await page.setViewport({ width, height: 900 });
      await page.evaluate((value) => Object.assign(document.documentElement.dataset, { theme: value, mode: value }), theme);
      await page.evaluate((where) => document.querySelector(where).scrollIntoView({ block: "start" }), EXERCISE);
      // The theme looks a moment later which blocks now scroll and must be reached by keyboard.
      await new Promise((resume) => setTimeout(resume, 500));
      const where = `${state}, ${theme}, ${width} px`;
      const beyond = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(beyond <= 0, `${where}: the page is ${beyond} px too wide`);
      assert.deepEqual(await violations(page), [], where);
      await page.screenshot({ path: join(SHOTS, `${name}-${state}-${theme}-${width}.png`) });
    }
  }
  await page.setViewport({ width: 1280, height: 900 });
}

const disabled = (page, name) =>
  page.evaluate(
    (where, wanted) =>
      [...document.querySelectorAll(`${where} button`)].find((button) => button.textContent === wanted).getAttribute("aria-disabled") === "true",
    EXERCISE,
    name,
  );
const focused = (page) => page.evaluate(() => document.activeElement.textContent.trim() || document.activeElement.className);
const texts = (page, selector) => page.$$eval(`${EXERCISE} ${selector}`, (found) => found.map((one) => one.textContent));

/** Run code in the page's first cell; its output area's text. */
const runFirst = (page, code) =>
  page.evaluate(async (text) => {
    const cell = document.querySelector("tt-cell:not([hidden])");
    cell.code = text;
    await cell.run();
    await new Promise((drawn) => setTimeout(drawn, 300));
    return cell.querySelector(".tt-output").innerText;
  }, code);

for (const name of browsers) {
  describe(name, { concurrency: false }, () => {
    let browser, server, page;
    before(async () => {
      server = await serve(SITE, { headers: true });
      browser = await launch(name);
      page = await openChapter(browser, server.url);
      await settled(page);
    });
    after(async () => {
      if (page) assertClean(page, server.origin);
      await browser?.close();
      await server?.close();
    });

    test("before its first check a step offers no hint; every state looks right and is accessible", LIMIT, async () => {
      await inspect(page, name, "idle");
      assert.equal(await disabled(page, "Hint"), true);

      const unwritten = await check(page, ADD);
      assert.match(unwritten.verdict, /^Not written yet/);
      await inspect(page, name, "unwritten");

      await type(page, ADD, "def add(a, b):\n    return (a + b");
      assert.match((await check(page, ADD)).verdict, /^Python cannot read this yet on line 2/);
      assert.equal(await disabled(page, "Hint"), true, "a hint on the task does not help with a missing bracket");
      await inspect(page, name, "parse-error");

      await type(page, ADD, "def add(a, b):\n    return a + c");
      assert.match((await check(page, ADD)).verdict, /^Your code stopped with an error on line 2/);
      await inspect(page, name, "raised");

      await type(page, ADD, WRONG);
      const failed = await check(page, ADD);
      assert.deepEqual([failed.status, failed.marked], ["failed", 1]);
      assert.deepEqual((await texts(page, ".tt-values dt")).slice(0, 2), ["Expected", "Got"]);
      assert.deepEqual((await texts(page, ".tt-values mark")).slice(0, 1), ["-1.0"]);
      await inspect(page, name, "failed");
    });

    test("hints open one by one", LIMIT, async () => {
      await press(page, EXERCISE, "Hint");
      assert.equal((await texts(page, ".tt-hint")).length, 1);
      assert.match(await focused(page), /^Hint 1 of \d/);
      await press(page, EXERCISE, "Hint");
      assert.equal((await texts(page, ".tt-hint")).length, 2);
      await inspect(page, name, "hints");
    });

    test("a check that never ends is stopped, the text is kept", LIMIT, async () => {
      const endless = "def add(a, b):\n    while True:\n        pass";
      await type(page, ADD, endless);
      const stopped = await checkAndStop(page, ADD);
      assert.equal(stopped.status, "stopped");
      assert.equal(await codeOf(page, ADD), endless);
      await inspect(page, name, "stopped");
    });

    test("reset asks, and can be taken back", LIMIT, async () => {
      await type(page, ADD, WRONG);
      await press(page, EXERCISE, "Reset");
      assert.equal(await codeOf(page, ADD), WRONG, "nothing yet");
      await press(page, EXERCISE, "Replace it");
      assert.match(await codeOf(page, ADD), /NotImplementedError/);
      await press(page, EXERCISE, "Undo");
      assert.equal(await codeOf(page, ADD), WRONG);
    });

    test("the solution is a deliberate step, beside the student's text, and is on record", LIMIT, async () => {
      await press(page, EXERCISE, "Show solution");
      assert.match((await texts(page, ".tt-ask"))[0], /recorded as revealed, not as passed/);
      await page.keyboard.press("Escape");
      assert.deepEqual(await texts(page, ".tt-ask"), []);
      await press(page, EXERCISE, "Show solution");
      await press(page, EXERCISE, "Show me anyway");
      await page.waitForSelector(`${EXERCISE} .cm-mergeView`);
      await eventually(async () => (await shown(page, ADD)).status === "revealed", "the status");
      await inspect(page, name, "revealed");
      await press(page, EXERCISE, "Close");
    });

    test("a step is done with the keyboard alone, and the focus is never lost", LIMIT, async () => {
      await type(page, ADD, RIGHT);
      await page.keyboard.down("Control");
      await page.keyboard.press("Enter");
      await page.keyboard.up("Control");
      await eventually(async () => (await shown(page, ADD)).status === "passed", "the verdict");
      assert.match(await focused(page), /return a \+ b/, "still in the editor");
      await page.keyboard.press("Tab");
      assert.match(await codeOf(page, ADD), / {4}$|^ {4}/m, "Tab indents");
      await page.keyboard.press("Escape");
      await page.keyboard.press("Tab");
      assert.equal(await focused(page), "Check");
      await page.keyboard.press("Tab");
      assert.equal(await focused(page), "Run");
      await page.keyboard.press("Enter");
      await eventually(async () => /^It ran/.test((await shown(page, ADD)).verdict), "the run to end");
      assert.equal(await focused(page), "Run");
      const live = await page.$eval(`${EXERCISE} .tt-verdict`, (verdict) => verdict.getAttribute("role"));
      assert.equal(live, "status");
    });

    test("a reload brings text and verdict back before Python runs", LIMIT, async () => {
      await type(page, ADD, RIGHT);
      await check(page, ADD);
      await inspect(page, name, "passed");
      await page.reload();
      await ready(page);
      assert.equal(await codeOf(page, ADD), RIGHT);
      const { status, saved } = await shown(page, ADD);
      assert.deepEqual([status, saved], ["passed", "Saved"]);
    });

    test("a text written in another tab arrives; nothing typed here is overwritten", LIMIT, async () => {
      const other = await openChapter(browser, server.url);
      await type(other, ADD, `${RIGHT}  # other tab`);
      await eventually(async () => (await codeOf(page, ADD)).endsWith("# other tab"), "the other tab's text");
      await other.close();
    });

    test("an exercise that changed since it was begun says so", LIMIT, async () => {
      await page.evaluate(async (step) => {
        const { store } = document.querySelector("tt-exercise").text;
        const progress = JSON.parse(await store.read(".tito/workspace.json"));
        progress.steps[step].starter = "0".repeat(64);
        await store.write({ ".tito/workspace.json": JSON.stringify(progress) });
      }, ADD);
      await page.reload();
      await ready(page);
      assert.match((await texts(page, ".tt-notice"))[0], /has changed since you began/);
      await inspect(page, name, "changed-starter");
      await press(page, EXERCISE, "Keep mine");
      assert.match(await codeOf(page, ADD), /other tab/);
    });

    test("nothing that a cell puts out becomes part of the page", LIMIT, async () => {
      const hostile = "<img src=x onerror='window.taken=1'><script>window.taken=1</script><tt-exercise step='x'></tt-exercise>";
      assert.equal((await runFirst(page, `print("""${hostile}""")`)).trim(), hostile, "text stays text");
      const html = `${hostile}<b>bold</b><a href='javascript:window.taken=1'>a</a><img src='https://example.org/x.png'>
        <form action='https://example.org'><input></form><style>body{display:none}</style>
        <p style='background:url(https://example.org/y.png)' class='tt-verdict' id='main-content'>styled</p>`;
      const svg = "<svg xmlns='http://www.w3.org/2000/svg' width='10' height='10' onload='window.taken=1'><script>window.taken=1</script></svg>";
      await runFirst(page, `from IPython.display import HTML, SVG, display\ndisplay(HTML("""${html}"""), SVG("""${svg}"""))`);
      const left = await page.$eval("tt-cell:not([hidden]) .tt-output", (output) => ({
        tags: [...output.querySelectorAll("*")].map((one) => one.localName),
        attributes: [...output.querySelectorAll(".tt-html *")].flatMap((one) => one.getAttributeNames()),
      }));
      assert.ok(left.tags.includes("b"), "what is harmless stays");
      for (const tag of ["script", "style", "form", "input", "svg", "tt-exercise"]) assert.ok(!left.tags.includes(tag), tag);
      for (const attribute of ["onerror", "onload", "src", "class", "id"]) assert.ok(!left.attributes.includes(attribute), attribute);
      await runFirst(page, "1 / 0");
      await inspect(page, name, "raised-in-a-cell");
      assert.equal(await page.evaluate(() => window.taken), undefined);
      assertOneOrigin(page, server.origin);
    });

    test("the book's Live Code button starts this page's Python", LIMIT, async () => {
      const cell = await cellWith(page, "1 / 0");
      await page.reload();
      await ready(page);
      await page.evaluate(() => globalThis.initThebeSBT());
      const words = () => page.$eval(".thebe-launch-button", (button) => button.textContent);
      assert.match(await words(), /Starting|Loading/);
      await eventually(async () => /Python is on/.test(await words()), "Python", 90_000);
      assert.ok(!(await page.evaluate(() => document.body.textContent)).includes("mybinder"));
      assert.ok(cell);
    });

    test("storage that is blocked is said at once, and the check still works", LIMIT, async () => {
      const blocked = await newPage(browser);
      await blocked.evaluateOnNewDocument(() => {
        IDBFactory.prototype.open = () => {
          throw new DOMException("blocked", "SecurityError");
        };
      });
      await blocked.goto(server.url + CHAPTER);
      await ready(blocked);
      await type(blocked, ADD, RIGHT);
      await eventually(async () => (await shown(blocked, ADD)).saved === "Not saved", "the warning");
      assert.match((await texts(blocked, ".tt-not-saved"))[0], /does not let this page keep your work|Export/);
      const { status, saved } = await check(blocked, ADD);
      assert.deepEqual([status, saved], ["passed", "Not saved"]);
      assert.equal((await texts(blocked, ".tt-not-saved")).length, 1, "still said after the check");
      await inspect(blocked, name, "storage-blocked");
      await blocked.close();
    });
  });
}

describe("chromium, without and before scripts", { concurrency: false }, () => {
  let browser, server;
  before(async () => {
    server = await serve(SITE);
    browser = await launch("chromium");
  });
  after(async () => {
    await browser?.close();
    await server?.close();
  });

  test("the chapter reads well without scripts", LIMIT, async () => {
    const page = await newPage(browser);
    await page.setJavaScriptEnabled(false);
    await page.setViewport({ width: 360, height: 800 });
    await page.goto(server.url + CHAPTER);
    const seen = await page.$$eval("tt-cell:not([hidden]), tt-exercise", (elements) =>
      elements.map((element) => ({
        code: element.querySelector("pre.tt-source").innerText.length > 0 || element.querySelector("details") !== null,
        buttons: element.querySelectorAll("button").length,
        colored: element.querySelectorAll("pre span").length > 0,
      })),
    );
    assert.ok(seen.length > 10);
    assert.ok(seen.every(({ code, buttons, colored }) => code && buttons === 0 && colored));
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
    await page.close();
  });

  test("nothing moves when the elements come to life", LIMIT, async () => {
    for (const width of [1280, 360]) {
      const places = [];
      for (const script of [false, true]) {
        const page = await newPage(browser);
        await page.setViewport({ width, height: 900 });
        await page.setRequestInterception(true);
        page.on("request", (request) => (!script && /\/(tt|tex-chtml)\.js$/.test(request.url()) ? request.abort() : request.continue()));
        await page.goto(server.url + CHAPTER);
        if (script) await page.waitForSelector("tt-cell .cm-content");
        // Formulas are typeset after the page has come, with or without us.
        places.push(
          await page.$$eval("tt-cell:not([hidden]), tt-exercise", (elements) =>
            elements.map((element) => Math.round(element.getBoundingClientRect().height)),
          ),
        );
        await page.close();
      }
      assert.deepEqual(places[1], places[0], `${width} px`);
    }
  });
});
