// A chapter of the built book as a reader handles it: real clicks and keys, and what the page then shows.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { eventually, newPage, root } from "./harness.mjs";

/** The folder of the finished site. */
export const SITE = process.env.SITE ?? join(root, "build/site");
export const CHAPTER = "book/chapters/02_tensor.html";
if (!existsSync(join(SITE, CHAPTER))) throw new Error(`${SITE} is not built: run \`make site\``);

/** Open a page of the book and wait until its elements work. */
export async function openChapter(browser, url, path = CHAPTER) {
  const page = await newPage(browser);
  await page.evaluateOnNewDocument(() => {
    const kept = (window.keptForOffline = {});
    navigator.serviceWorker?.addEventListener("message", ({ data }) => {
      if (data?.precached) kept[data.precached] = data;
    });
  });
  await page.goto(url + path);
  await ready(page);
  return page;
}

// A question that waits inside a page may never be answered once the page reloads: the page notes, the test asks.
const isReady = (page) =>
  page.evaluate(() => {
    window.tinytorch?.ready.then(() => (window.elementsWork = true));
    return window.elementsWork === true;
  });

/** The page's elements work. */
export const ready = (page) => eventually(() => isReady(page), "the page's elements");

/** The service worker's one reload is over: what is typed then stays. */
export const settled = (page) =>
  eventually(async () => (await page.evaluate(() => crossOriginIsolated)) && isReady(page), "a page that is isolated");

/** The service worker has said that book and Python are kept for the time without a network. */
export async function keptForOffline(page) {
  const kept = await eventually(
    () => page.evaluate(() => window.keptForOffline.pages && window.keptForOffline.runtime && window.keptForOffline),
    "book and Python to be kept",
    60_000,
  );
  assert.deepEqual([kept.pages.failed, kept.runtime.failed], [0, 0]);
}

const exercise = (step) => `tt-exercise[step="${step}"]`;

/** The first cell whose code contains a text, as a selector. */
export async function cellWith(page, text) {
  const index = await page.evaluate(
    (wanted) => [...document.querySelectorAll("tt-cell")].findIndex((cell) => cell.code.includes(wanted)),
    text,
  );
  assert.ok(index >= 0, `no cell has ${text}`);
  await page.evaluate((at) => document.querySelectorAll("tt-cell")[at].setAttribute("data-test", `cell-${at}`), index);
  return `tt-cell[data-test="cell-${index}"]`;
}

/** Click a button of an element by the name that a reader sees. */
export async function press(page, selector, name) {
  const found = await page.evaluateHandle(
    (where, wanted) =>
      [...document.querySelectorAll(`${where} button`)].find(
        (button) => !button.hidden && button.textContent.trim() === wanted,
      ),
    selector,
    name,
  );
  assert.ok(found.asElement(), `${selector} has no button ${name}`);
  // In the middle of the window, where no bar of the theme lies over it; then where it comes to rest.
  await found.evaluate((button) => button.scrollIntoView({ block: "center", behavior: "instant" }));
  const hit = found.evaluate(
    (button) =>
      new Promise((resolve) => {
        button.addEventListener("click", () => resolve(true), { once: true });
        setTimeout(resolve, 10_000, false);
      }),
  );
  await found.asElement().asLocator().setTimeout(10_000).click();
  assert.ok(await hit, `the click on ${name} in ${selector} missed the button`);
}

/** Type a text into an exercise's editor in place of what is there. */
export async function type(page, step, code) {
  const field = `${exercise(step)} .cm-content`;
  await page.evaluate((where) => document.querySelector(where).scrollIntoView({ block: "center" }), exercise(step));
  await page.waitForSelector(field);
  await page.focus(field);
  await page.keyboard.down("Control");
  await page.keyboard.press("a");
  await page.keyboard.up("Control");
  // All of it at once: key by key the editor would indent and close brackets by itself.
  await page.evaluate((text) => document.execCommand("insertText", false, text), code);
  await eventually(async () => (await codeOf(page, step)) === code, `the typed text in ${step}`, 5_000);
}

export const codeOf = (page, step) => page.evaluate((where) => document.querySelector(where).code, exercise(step));

/** What an exercise shows: its status, the verdict, the first message, the line named. */
export const shown = (page, step) =>
  page.evaluate((where) => {
    const element = document.querySelector(where);
    const text = (selector) => element.querySelector(selector)?.textContent.trim() ?? "";
    return {
      status: element.getAttribute("status"),
      verdict: text(".tt-verdict"),
      message: text(".tt-report .tt-message"),
      line: text(".tt-report .tt-line"),
      marked: element.querySelectorAll(".tt-mark[aria-label]:not([aria-label=''])").length,
      saved: text(".tt-saved"),
    };
  }, exercise(step));

const waitWhile = (page, selector, states) =>
  eventually(
    () => page.evaluate((where, busy) => !busy.includes(document.querySelector(where).getAttribute("status")), selector, states),
    `${selector} to end`,
    120_000,
  );

/** Press Check and wait for the verdict. */
export async function check(page, step) {
  await press(page, exercise(step), "Check");
  await waitWhile(page, exercise(step), ["booting", "running"]);
  return shown(page, step);
}

/** Press Check, wait until it runs, press Stop. */
export async function checkAndStop(page, step) {
  await press(page, exercise(step), "Check");
  await eventually(async () => (await shown(page, step)).status === "running", "the check to run", 60_000);
  await new Promise((resume) => setTimeout(resume, 500));
  await press(page, exercise(step), "Stop");
  await waitWhile(page, exercise(step), ["booting", "running"]);
  return shown(page, step);
}

/** Press Run on a cell and wait; its text output, and its pictures as [width, height]. */
export async function runCell(page, selector) {
  await press(page, selector, "Run");
  await waitWhile(page, selector, ["booting", "running"]);
  return page.evaluate(async (where) => {
    const cell = document.querySelector(where);
    const pictures = [...cell.querySelectorAll(".tt-output img")];
    await Promise.all(pictures.map((picture) => picture.decode()));
    await new Promise(requestAnimationFrame); // Text is drawn with the next frame.
    return {
      status: cell.getAttribute("status"),
      text: cell.querySelector(".tt-output").innerText,
      pictures: pictures.map((picture) => [picture.naturalWidth, picture.naturalHeight]),
    };
  }, selector);
}

/** The report of a step's check, as JSON. */
export const report = (page, step) => page.evaluate((where) => document.querySelector(where).check(), exercise(step));

/** The workspace's zip. */
export async function exported(page) {
  const base64 = await page.evaluate(async () => {
    const bytes = new Uint8Array(await (await window.tinytorch.workspace.export()).arrayBuffer());
    return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
  });
  return Buffer.from(base64, "base64");
}

/** Import a zip into the page. */
export const imported = (page, zip) =>
  page.evaluate(async (base64) => {
    const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
    await window.tinytorch.workspace.import(new Blob([bytes], { type: "application/zip" }));
  }, zip.toString("base64"));
