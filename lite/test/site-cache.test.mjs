import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { load } from "./load.mjs";

const { SiteCache } = await load("src/service-worker/site-cache.ts");

const SCOPE = "https://x.example/course/";
const hash = (text) => createHash("sha256").update(text).digest("hex").slice(0, 16);

/** Cache storage in memory, with the parts of the interface that the worker uses. */
class MemoryCache {
  entries = new Map();
  async match(key, { ignoreSearch = false } = {}) {
    const url = typeof key === "string" ? key : key.url;
    const same = (other) => other === url || (ignoreSearch && other.split("?")[0] === url.split("?")[0]);
    const found = [...this.entries].find(([other]) => same(other));
    return found?.[1].clone();
  }
  async put(key, response) {
    const body = await response.arrayBuffer();
    this.entries.set(key, new Response(body, { status: response.status, headers: response.headers }));
  }
  async delete(request) {
    return this.entries.delete(request.url);
  }
  async keys() {
    return [...this.entries.keys()].map((url) => ({ url }));
  }
}

class MemoryCaches {
  all = new Map();
  async open(name) {
    if (!this.all.has(name)) this.all.set(name, new MemoryCache());
    return this.all.get(name);
  }
  async keys() {
    return [...this.all.keys()];
  }
  async delete(name) {
    return this.all.delete(name);
  }
}

/** A site with a server that can be changed, slowed to 500s or taken away. */
function site(files, caches = new MemoryCaches()) {
  const server = { files: { ...files }, asked: [], status: 200, online: true };
  const work = [];
  const list = (pattern) =>
    Object.fromEntries(Object.entries(files).filter(([path]) => pattern.test(path)).map(([path, text]) => [path, hash(text)]));
  const manifest = { build: hash(JSON.stringify(files)), runtime: list(/^tt\//), pages: list(/\.html$/) };
  const state = { outdated: 0 };
  const cache = new SiteCache(manifest, {
    scope: SCOPE,
    caches,
    fetch: async (input) => {
      const path = decodeURI((typeof input === "string" ? input : input.url).split("?")[0].slice(SCOPE.length));
      server.asked.push(path);
      if (!server.online) throw new TypeError("Failed to fetch");
      if (server.status !== 200) return new Response("broken", { status: server.status });
      return path in server.files ? new Response(server.files[path]) : new Response("missing", { status: 404 });
    },
    keep: (promise) => work.push(promise),
    outdated: () => (state.outdated += 1),
  });
  const get = async (path, options = {}) => {
    const { navigate = false, ...init } = options;
    const request = new Request(SCOPE + path, init);
    if (navigate) Object.defineProperty(request, "mode", { value: "navigate" });
    const response = await cache.answer(request);
    const text = await response?.text();
    await Promise.all(work.splice(0));
    return response && { status: response.status, text, headers: response.headers };
  };
  return { server, cache, caches, get, state };
}

test("every answer isolates the page", async () => {
  const { get } = site({ "tt/a.js": "1", "p.html": "page" });
  for (const path of ["tt/a.js", "p.html", "nowhere.html"]) {
    const { headers } = await get(path);
    assert.equal(headers.get("Cross-Origin-Opener-Policy"), "same-origin", path);
    assert.equal(headers.get("Cross-Origin-Embedder-Policy"), "require-corp", path);
    assert.equal(headers.get("Cross-Origin-Resource-Policy"), "same-origin", path);
  }
});

test("the runtime is fetched once, whatever its query", async () => {
  const { get, server } = site({ "tt/a.js": "1" });
  assert.equal((await get("tt/a.js")).text, "1");
  server.online = false;
  assert.equal((await get("tt/a.js?v=7")).text, "1");
  assert.deepEqual(server.asked, ["tt/a.js"]);
});

test("a page comes from the network while there is one, then from the cache", async () => {
  const { get, server } = site({ "p.html": "old" });
  await get("p.html?x=1");
  server.files["p.html"] = "new";
  assert.equal((await get("p.html")).text, "new");
  server.status = 502;
  assert.equal((await get("p.html")).text, "new", "a broken server is as good as none");
  server.online = false;
  assert.equal((await get("p.html#part")).text, "new");
});

test("a page never seen says so when offline, a file fails as a file", async () => {
  const { get, server } = site({});
  server.online = false;
  const page = await get("p.html", { navigate: true });
  assert.equal(page.status, 503);
  assert.match(page.text, /not stored yet/);
  const file = await get("style.css");
  assert.equal(file.status, 504);
  assert.match(file.text, /cannot be reached/);
});

test("the folder of a page is its index", async () => {
  const { get, server, cache } = site({ "book/index.html": "home" });
  assert.deepEqual(await cache.precache("pages"), { files: 1, failed: 0 });
  server.online = false;
  assert.equal((await get("book/")).text, "home");
});

test("a file of another build is passed on, not kept, and the worker looks for its successor", async () => {
  const { get, server, state } = site({ "tt/a.js": "1" });
  server.files["tt/a.js"] = "2";
  assert.equal((await get("tt/a.js")).text, "2");
  assert.equal(state.outdated, 1);
  server.online = false;
  assert.equal((await get("tt/a.js")).status, 504);
});

test("a new build replaces the one before; two builds later nothing of it is left", async () => {
  const caches = new MemoryCaches();
  const entries = async () => [...(await caches.open(`tinytorch-runtime:${SCOPE}`)).entries.keys()].join(" ");
  await (await caches.open(`tinytorch-scratch:${SCOPE}`)).put("x", new Response("of an older layout"));
  await caches.open("tinytorch-pages:https://x.example/another/");

  const first = site({ "tt/a.js": "1", "tt/chunk-1.js": "one" }, caches);
  await first.cache.clean();
  await first.cache.precache("runtime");
  assert.deepEqual((await caches.keys()).filter((name) => name.includes("scratch")), []);
  assert.ok((await caches.keys()).includes("tinytorch-pages:https://x.example/another/"), "another site's");

  const second = site({ "tt/a.js": "2" }, caches);
  await second.cache.clean();
  assert.equal((await second.get("tt/a.js")).text, "2");
  assert.equal((await second.get("tt/chunk-1.js")).status, 404);
  second.server.online = false;
  assert.equal((await second.get("tt/chunk-1.js")).text, "one", "a page of the first build is still open");

  const third = site({ "tt/a.js": "3" }, caches);
  await third.cache.clean();
  assert.doesNotMatch(await entries(), /chunk-1/);
});

test("precaching fetches what is missing and counts what fails", async () => {
  const { cache, server } = site({ "tt/a.js": "1", "tt/b.js": "2", "p.html": "3" });
  delete server.files["tt/b.js"];
  assert.deepEqual(await cache.precache("runtime"), { files: 2, failed: 1 });
  server.asked.length = 0;
  await cache.precache("runtime");
  assert.deepEqual(server.asked, ["tt/b.js"]);
});

test("what is not the site's own passes by", () => {
  const { cache } = site({});
  assert.equal(cache.answer(new Request(`${SCOPE}x`, { method: "POST" })), null);
  assert.equal(cache.answer(new Request("https://x.example/another/x")), null);
});
