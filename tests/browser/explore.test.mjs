// A picture to move: by keyboard, on the reader's own code, swapped in place, and a static figure without scripts.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { SITE, imported, openChapter, press, settled, type } from "./book.mjs";
import { finishedWorkspace } from "./finished.mjs";
import { assertClean, browsers, eventually, launch, newPage, serve } from "./harness.mjs";

const LIMIT = { timeout: 120_000 };
const CHAPTER = "book/chapters/03_activations.html";
const RELU = "03-activations/relu";
const shownText = (page) => page.evaluate(() => document.querySelector("tt-explore .tt-output:not([hidden])").textContent.trim());
const until = (page, text) => eventually(async () => (await shownText(page)).includes(text), text, 60_000);

for (const name of browsers) {
  describe(`a picture to move, ${name}`, { concurrency: false }, () => {
    let browser, server, page;
    before(async () => {
      server = await serve(SITE, { headers: true });
      browser = await launch(name);
      page = await openChapter(browser, server.url, CHAPTER);
      await settled(page);
    });
    after(async () => {
      await browser?.close();
      await server?.close();
    });

    test("keys move it, from the static figure on", LIMIT, async () => {
      assert.match(await shownText(page), /gelu\(-1\.5\)/);
      await page.focus("tt-explore input[type=range]");
      await page.keyboard.press("ArrowRight");
      await page.keyboard.press("ArrowRight");
      await until(page, "gelu(-1) = -0.159");
      assert.match(await page.$eval("tt-explore tt-cell", (cell) => cell.code), /^x = -1\.0 {2}# slide:/m);
      assert.equal(await page.evaluate(() => document.activeElement.type), "range", "the focus stays");
      await eventually(
        () => page.$eval("tt-explore .tt-heard", (region) => region.textContent.includes("gelu(-1) = -0.159")),
        "the words to be read out",
      );
    });

    test("while it changes, the old picture stays and nothing moves", LIMIT, async () => {
      await page.focus("tt-explore input[type=range]");
      await page.evaluate(() => {
        const place = document.querySelector("tt-explore + *");
        window.places = new Set();
        window.watching = true;
        const look = () => {
          window.places.add(Math.round(place.getBoundingClientRect().top + scrollY));
          if (window.watching) requestAnimationFrame(look);
        };
        look();
      });
      for (let times = 0; times < 4; times++) await page.keyboard.press("ArrowRight");
      await until(page, "gelu(0) = 0.000");
      const places = await page.evaluate(() => {
        window.watching = false;
        return [...window.places];
      });
      assert.ok(Math.max(...places) - Math.min(...places) < 8, `what follows was at ${places}`);
    });

    test("it draws the reader's own function", LIMIT, async () => {
      await imported(page, finishedWorkspace());
      await page.select("tt-explore select", "relu");
      await until(page, "relu(0) = 0.000");
      await type(page, RELU, "@tensor_method\n@array_operation\ndef relu(x):\n    return np.maximum(x, 1)");
      await page.focus("tt-explore input[type=range]");
      await page.keyboard.press("ArrowLeft");
      await until(page, "relu(-0.25) = 1.000");
    });

    test("the code and the controls agree", LIMIT, async () => {
      await press(page, "tt-explore", "Reset");
      assert.equal(await page.$eval("tt-explore input", (control) => control.value), "-1.5");
      assert.equal(await page.$eval("tt-explore select", (control) => control.value), "gelu");
    });

    test("nothing went wrong on the way", LIMIT, () => assertClean(page, server.origin));

    // Firefox cannot be told to run no scripts.
    test("without scripts it is a figure with words", { ...LIMIT, skip: name !== "chromium" }, async () => {
      const plain = await newPage(browser);
      await plain.setJavaScriptEnabled(false);
      await plain.goto(server.url + CHAPTER);
      const picture = await plain.$eval("tt-explore img", (image) => [image.alt, image.naturalWidth, image.naturalHeight]);
      assert.match(picture[0], /^gelu\(-1\.5\) = -0\.100; its slope is -0\.127$/);
      assert.ok(picture[1] > 300 && picture[2] > 100, `${picture}`);
      await plain.close();
    });
  });
}
