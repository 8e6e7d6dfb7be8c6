// What the browser tests share: a static server, both browsers, and a log in which no other origin may appear.
import assert from "node:assert/strict";
import { createReadStream, existsSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, extname, join, normalize, resolve } from "node:path";
import { fileURLToPath } from "node:url";

export const root = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
export const requireFromLite = createRequire(join(root, "lite/package.json"));
const puppeteer = requireFromLite("puppeteer-core");

const TYPES = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".ipynb": "application/json",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".mjs": "text/javascript; charset=utf-8",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".wasm": "application/wasm",
  ".whl": "application/zip",
  ".woff2": "font/woff2",
  ".zip": "application/zip",
};
const ISOLATION = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
  "Cross-Origin-Resource-Policy": "same-origin",
};

/**
 * Serve a folder on a free port. `headers`: send the isolation headers; `subPath`: where the site is, with both
 * slashes. The answer's `requests` lists every path asked for, `folder` can be changed while it runs.
 */
export async function serve(folder, { headers = false, subPath = "/" } = {}) {
  const site = { folder, requests: [], failing: new Set() };
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url, "http://localhost");
    site.requests.push(pathname);
    const send = (status, more = {}) => response.writeHead(status, { ...(headers ? ISOLATION : {}), ...more });
    if (!pathname.startsWith(subPath)) return send(404).end("outside the site");
    const inside = decodeURIComponent(pathname.slice(subPath.length));
    if (site.failing.has(inside)) return send(503).end("told to fail");
    let path = normalize(join(site.folder, inside));
    if (path.startsWith(normalize(site.folder)) && existsSync(path) && statSync(path).isDirectory()) {
      if (!pathname.endsWith("/")) return send(301, { Location: `${pathname}/` }).end();
      path = join(path, "index.html");
    }
    if (!path.startsWith(normalize(site.folder)) || !existsSync(path)) return send(404).end("not found");
    send(200, {
      "Content-Type": TYPES[extname(path)] ?? "application/octet-stream",
      "Content-Length": statSync(path).size,
      "Cache-Control": "no-cache",
    });
    createReadStream(path).pipe(response);
  });
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  // "localhost", because a service worker needs a secure context and every browser counts it as one.
  const origin = `http://localhost:${server.address().port}`;
  return Object.assign(site, {
    origin,
    url: origin + subPath,
    /** The server goes away, as for a reader without a network. */
    close: () =>
      new Promise((closed) => {
        server.close(closed);
        server.closeAllConnections();
      }),
  });
}

/** Names of the browsers to drive: both, or those in the variable BROWSERS. */
export const browsers = (process.env.BROWSERS ?? "chromium firefox").split(" ");

/** What a browser asks of its own maker, whatever page is open. */
const BROWSERS_OWN = /(?:^|\.)(?:mozilla\.(?:com|net|org)|firefox\.com|google(?:apis)?\.com|gvt1\.com):\d+$/;
const FONTS = /^fonts\./;

/** A proxy that lets nothing through and notes who was asked for: workers' requests pass it, too. */
async function trap() {
  const asked = [];
  const note = (host) => {
    if (!BROWSERS_OWN.test(host) || FONTS.test(host)) asked.push(host);
  };
  const proxy = createServer((request, response) => {
    note(`${new URL(request.url, "http://unknown").hostname}:80`);
    response.writeHead(502).end();
  });
  proxy.on("connect", (request, socket) => {
    note(request.url);
    socket.end("HTTP/1.1 502 No other origin\r\n\r\n");
  });
  await new Promise((ready) => proxy.listen(0, "127.0.0.1", ready));
  return { asked, port: proxy.address().port, close: () => proxy.close(() => undefined) };
}

/**
 * Start a browser with a profile of its own; `close()` also removes the profile. Every request that would leave
 * the machine ends in `strangers`, whoever makes it: page, worker or service worker.
 */
export async function launch(name) {
  const profile = mkdtempSync(join(tmpdir(), `tinytorch-${name}-`));
  const { asked, port, close: closeTrap } = await trap();
  const common = { headless: true, userDataDir: profile, protocolTimeout: 240_000 };
  const browser =
    name === "firefox"
      ? await puppeteer.launch({
          ...common,
          browser: "firefox",
          protocol: "webDriverBiDi",
          executablePath: process.env.FIREFOX ?? "/usr/bin/firefox-esr",
          extraPrefsFirefox: {
            "network.proxy.type": 1,
            "network.proxy.http": "127.0.0.1",
            "network.proxy.http_port": port,
            "network.proxy.ssl": "127.0.0.1",
            "network.proxy.ssl_port": port,
          },
        })
      : await puppeteer.launch({
          ...common,
          executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
          args: [
            "--no-sandbox",
            `--proxy-server=127.0.0.1:${port}`,
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
          ],
        });
  const close = browser.close.bind(browser);
  browser.strangers = asked;
  browser.close = async () => {
    await close();
    closeTrap();
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  };
  return browser;
}

/**
 * A new page with a log: `requests`, `errors` (uncaught), `problems` (answers that are errors, requests that failed,
 * what a policy blocked, warnings and errors of the console).
 */
export async function newPage(browser) {
  const page = await browser.newPage();
  page.log = { requests: [], errors: [], problems: [] };
  page.on("request", (request) => page.log.requests.push(request.url()));
  page.on("pageerror", (error) => {
    // Firefox's number for what a reload gave up.
    if (!String(error).includes("status=2152398850")) page.log.errors.push(String(error));
  });
  page.on("response", (response) => {
    if (response.status() >= 400) page.log.problems.push(`${response.status()} ${response.url()}`);
  });
  page.on("requestfailed", (request) => {
    const reason = request.failure()?.errorText ?? "failed";
    // A reload or a closed page gives up what was on its way.
    if (!/ABORT/i.test(reason)) page.log.problems.push(`${reason} ${request.url()}`);
  });
  page.on("console", (message) => {
    if (/^(?:warn|error)/.test(message.type())) page.log.problems.push(`console: ${message.text()}`);
  });
  return page;
}

/** Nothing was asked of any origin but the site's. */
export function assertOneOrigin(page, origin) {
  const others = page.log.requests.filter((url) => !/^(?:data|blob|about):/.test(url) && !url.startsWith(`${origin}/`));
  assert.deepEqual(others, [], "requests to other origins");
  assert.deepEqual(page.browser().strangers, [], "hosts asked for, by any thread of the browser");
}

/** One origin, no error of a script, no failed or blocked request, a silent console. */
export function assertClean(page, origin) {
  assertOneOrigin(page, origin);
  assert.deepEqual(page.log.errors, [], "uncaught errors");
  assert.deepEqual(page.log.problems, [], "problems of the page");
}

/** Wait until `check()` is truthy, through reloads of the page; resolves to its value. */
export async function eventually(check, what, milliseconds = 30_000) {
  const end = Date.now() + milliseconds;
  let problem;
  for (;;) {
    try {
      const value = await check();
      if (value) return value;
      problem = undefined;
    } catch (error) {
      problem = error; // A reload in the middle of a question.
    }
    if (Date.now() > end) throw new Error(`waited ${milliseconds / 1000} s for ${what}`, { cause: problem });
    await new Promise((resume) => setTimeout(resume, 50));
  }
}
