import "fake-indexeddb/auto";
import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.mjs";

const { BrowserStore, workspaceName } = await load("src/workspace/store.ts");
const { migrations, SCHEMA_VERSION } = await load("src/workspace/schema.ts");

let count = 0;
const fresh = () => `test-${++count}`;
const event = (target, name) => new Promise((resolve) => target.addEventListener(name, resolve, { once: true }));
const openRaw = (name, version) =>
  new Promise((resolve, reject) => {
    const request = indexedDB.open(name, version);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

test("what is written is read, also by the next visit", async () => {
  const name = fresh();
  const store = new BrowserStore(name);
  await store.write({ "tinytorch/tensor.py": "a = 1\n", "notes.txt": "ü" });
  await store.write({ "notes.txt": "new" }, ["tinytorch/tensor.py"]);
  const again = new BrowserStore(name);
  assert.deepEqual([...(await again.readAll())], [["notes.txt", "new"]]);
  assert.equal(await again.read("tinytorch/tensor.py"), undefined);
  assert.equal(again.problem, null);
});

test("replaceAll leaves nothing else, and a later reader learns what went", async () => {
  const store = new BrowserStore(fresh());
  await store.write({ a: "1", b: "2" });
  const { revision } = await store.changesSince(0);
  await store.replaceAll(new Map([["b", "3"], ["c", "4"]]));
  assert.deepEqual(Object.fromEntries(await store.readAll()), { b: "3", c: "4" });
  const difference = await store.changesSince(revision);
  assert.deepEqual(difference.remove, ["a"]);
  assert.deepEqual(difference.write, { b: "3", c: "4" });
  assert.deepEqual((await store.changesSince(difference.revision)).write, {});
});

test("another tab hears of a change and can read it", async () => {
  const name = fresh();
  const [here, there] = [new BrowserStore(name), new BrowserStore(name)];
  const heard = event(there, "change");
  await here.write({ "a.py": "1" });
  const { detail } = await heard;
  assert.deepEqual(detail, { paths: ["a.py"], origin: "other-tab" });
  assert.equal(await there.read("a.py"), "1");
});

test("a workspace of a newer version is left alone, and said", async () => {
  const name = fresh();
  (await openRaw(name, SCHEMA_VERSION + 1)).close();
  const store = new BrowserStore(name);
  await assert.rejects(store.write({ a: "1" }), /newer version/);
  assert.equal(store.available, false);
  assert.match(store.problem, /newer version/);
  assert.equal(await store.read("a"), "1", "the text is still there to be exported");
  assert.deepEqual((await store.changesSince(0)).write, { a: "1" });
});

test("a full storage is said, the text stays readable, and the next write stores it too", async () => {
  const name = fresh();
  const store = new BrowserStore(name);
  await store.write({ a: "1" });
  const put = IDBObjectStore.prototype.put;
  IDBObjectStore.prototype.put = function () {
    throw new DOMException("no room", "QuotaExceededError");
  };
  try {
    const told = event(store, "problem");
    await assert.rejects(store.write({ a: "2" }), /full/);
    await told;
  } finally {
    IDBObjectStore.prototype.put = put;
  }
  assert.equal(await store.read("a"), "2");
  assert.equal(await new BrowserStore(name).read("a"), "1");
  await store.write({ b: "1" });
  assert.equal(store.problem, null);
  assert.deepEqual(Object.fromEntries(await new BrowserStore(name).readAll()), { a: "2", b: "1" });
});

test("a browser without storage keeps the files in memory, and says so", async () => {
  const open = indexedDB.open;
  indexedDB.open = () => {
    throw new DOMException("The operation is insecure.", "SecurityError");
  };
  try {
    const store = new BrowserStore(fresh());
    assert.equal((await store.readAll()).size, 0);
    assert.equal(store.available, false);
    await assert.rejects(store.write({ a: "1" }), /lost when you close/);
    assert.equal((await store.readAll()).get("a"), "1");
  } finally {
    indexedDB.open = open;
  }
});

test("a newer page takes the database, and this one says so", async () => {
  const name = fresh();
  const store = new BrowserStore(name);
  await store.write({ a: "1" });
  const newer = await openRaw(name, SCHEMA_VERSION + 1);
  await assert.rejects(store.write({ a: "2" }), /Reload/);
  newer.close();
});

test("every layout has a migration", () => assert.equal(migrations.length, SCHEMA_VERSION));

test("sites that share an origin do not share work", () => {
  assert.notEqual(workspaceName("https://x.example/a/"), workspaceName("https://x.example/b/"));
});

test("the files carry the time they were written, stored or not", async () => {
  const store = new BrowserStore(fresh());
  const before = Date.now();
  await store.write({ a: "1", b: "2" });
  await store.write({}, ["b"]);
  const [entry, ...others] = await store.entries();
  assert.deepEqual([entry.path, entry.text, others.length], ["a", "1", 0]);
  assert.ok(entry.modified >= before && entry.modified <= Date.now());
});
