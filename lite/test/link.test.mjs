import "fake-indexeddb/auto";
import assert from "node:assert/strict";
import { test } from "node:test";
import { loadPyodide } from "pyodide";
import { load } from "./load.mjs";

const { BrowserStore } = await load("src/workspace/store.ts");
const { WorkspaceLink } = await load("src/kernel/link.ts");
const { Mirror } = await load("src/kernel/mirror.ts");
const python = await loadPyodide();

function fresh() {
  const root = `/w${Math.random()}`;
  const store = new BrowserStore(root);
  const mirror = new Mirror(python.FS, root);
  const link = new WorkspaceLink(store, {
    sync: async (write, remove) => mirror.sync(write, remove),
    collect: async () => mirror.collect(),
  });
  return { store, link, run: (code) => python.runPython(`import os\nroot = "${root}/"\n${code}`) };
}

test("what the page wrote is in the folder, what Python wrote is in the store", async () => {
  const { store, link, run } = fresh();
  await store.write({ "a.txt": "1", "b.txt": "2" });
  await link.push();
  run('text = open(root + "a.txt").read()\nopen(root + "a.txt", "w").write(text + "!")\nos.remove(root + "b.txt")');
  await link.pull();
  assert.deepEqual(Object.fromEntries(await store.readAll()), { "a.txt": "1!" });
  await store.write({}, ["a.txt"]);
  await link.push();
  assert.equal(run('os.path.exists(root + "a.txt")'), false);
});

test("a draft typed while Python ran is neither deleted nor overwritten", async () => {
  const { store, link, run } = fresh();
  const draft = ".tito/drafts/02-tensor/add.py";
  await store.write({ [draft]: "old" });
  await link.push();
  await store.write({ [draft]: "typed meanwhile" });
  run(`os.remove(root + "${draft}")`);
  await link.pull({ delete: [draft] });
  assert.equal(await store.read(draft), "typed meanwhile");
  await link.push();
  assert.equal(run(`open(root + "${draft}").read()`), "typed meanwhile");
});

test("a draft that nobody touched goes when the engine has taken it over", async () => {
  const { store, link, run } = fresh();
  const draft = ".tito/drafts/02-tensor/add.py";
  await store.write({ [draft]: "text" });
  await link.push();
  run(`os.remove(root + "${draft}")`);
  await link.pull({ write: { "tinytorch/tensor.py": "text" }, delete: [draft] });
  assert.deepEqual(Object.fromEntries(await store.readAll()), { "tinytorch/tensor.py": "text" });
});
