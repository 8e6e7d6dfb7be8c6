// node tests/browser/screenshot.mjs: make the README's picture, a passed step of chapter 02 in the built site.
import { join } from "node:path";
import { SITE, check, openChapter, press, settled, type } from "./book.mjs";
import { launch, root, serve } from "./harness.mjs";

const STEP = "02-tensor/add";
const server = await serve(SITE, { headers: true });
const browser = await launch("chromium");
try {
  const page = await openChapter(browser, server.url);
  await settled(page);
  await page.setViewport({ width: 1240, height: 800 });
  await type(page, STEP, 'def add(a, b):\n    """The sum, place by place; shapes broadcast."""\n    return a + b');
  await check(page, STEP);
  await press(page, `tt-exercise[step="${STEP}"]`, "Use the reference for chapter 1");
  await check(page, STEP);
  await page.evaluate((step) => {
    document.activeElement.blur();
    for (const fold of document.querySelectorAll(`tt-exercise[step="${step}"] details`)) {
      fold.open = fold.querySelector("summary").textContent.includes("hold");
    }
    const { top } = document.querySelector(`tt-exercise[step="${step}"]`).getBoundingClientRect();
    scrollBy({ top: top - 64, behavior: "instant" });
  }, STEP);
  await page.mouse.move(0, 0);
  // The theme's bars take their places.
  await new Promise((resume) => setTimeout(resume, 1_000));
  await page.screenshot({ path: join(root, "book/_static/screenshot.png") });
} finally {
  await browser.close();
  await server.close();
}
