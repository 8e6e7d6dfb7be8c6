import "fake-indexeddb/auto";
import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.mjs";

// What a page has: somewhere to hear that it is hidden.
globalThis.window = new EventTarget();
globalThis.document = Object.assign(new EventTarget(), { visibilityState: "visible" });

const { BrowserStore } = await load("src/workspace/store.ts");
const { StepText } = await load("src/elements/step-text.ts");

let count = 0;
const STEP = "02-tensor/add";
const DRAFT = ".tito/drafts/02-tensor/add.py";
const MODULE = "tinytorch/tensor.py";
const fresh = () => new BrowserStore(`step-text-${++count}`);
const open = (store) => new StepText(store, STEP, "tensor", "starter");
const pause = (ms) => new Promise((resume) => setTimeout(resume, ms));
const module = (text) => `import numpy as np\n\n# >>> ${STEP}\n${text}\n# <<< ${STEP}\n`;

test("an edit is stored within 400 ms, and the next visit shows it", async () => {
  const store = fresh();
  const text = open(store);
  assert.equal(await text.load(), "starter");
  assert.equal(text.state, "untouched");
  text.edit("mine");
  assert.equal(text.state, "saving");
  await pause(400);
  assert.equal(text.state, "saved");
  assert.equal(await open(store).load(), "mine");
});

test("typing that never pauses is stored all the same", async () => {
  const store = fresh();
  const text = open(store);
  for (let length = 1; length <= 12; length += 1) {
    text.edit("x".repeat(length));
    await pause(50);
  }
  assert.ok(((await store.read(DRAFT)) ?? "").length >= 2);
});

test("leaving the page stores what was typed a moment ago", async () => {
  const store = fresh();
  const text = open(store);
  text.edit("just typed");
  document.visibilityState = "hidden";
  document.dispatchEvent(new Event("visibilitychange"));
  document.visibilityState = "visible";
  await pause(30);
  assert.equal(await store.read(DRAFT), "just typed");
});

test("a draft comes before the module's text, that before the starter", async () => {
  const store = fresh();
  await store.write({ [MODULE]: module("in the module") });
  assert.equal(await open(store).load(), "in the module");
  await store.write({ [DRAFT]: "in the draft" });
  assert.equal(await open(store).load(), "in the draft");
});

test("what is typed while a check runs survives the check", async () => {
  const store = fresh();
  const text = open(store);
  text.edit("checked");
  await text.flush();
  text.edit("checked and more");
  // What the engine does with the text it was given: into the module, the draft away.
  await store.write({ [MODULE]: module("checked") }, [DRAFT]);
  text.adopted("checked");
  await pause(400);
  assert.equal(await open(store).load(), "checked and more");
});

test("another tab's edit is told, this tab's own is not", async () => {
  const name = `step-text-${++count}`;
  const [here, there] = [new BrowserStore(name), new BrowserStore(name)];
  const text = open(here);
  await text.load();
  const told = [];
  text.addEventListener("foreign", (event) => told.push(event.detail));
  text.edit("mine");
  await text.flush();
  await pause(30);
  assert.deepEqual(told, []);
  await there.write({ [DRAFT]: "theirs" });
  await pause(100);
  assert.deepEqual(told, ["theirs"]);
  assert.equal(await text.reload(), "theirs");
});

test("storage that refuses is said, and the text stays readable", async () => {
  const store = fresh();
  const text = open(store);
  await text.load();
  store.write = () => Promise.reject(new Error("refused"));
  text.edit("mine");
  await text.flush();
  assert.equal(text.state, "failed");
});

test("a damaged progress file costs nothing but the marks", async () => {
  const store = fresh();
  await store.write({ ".tito/workspace.json": "{broken" });
  assert.deepEqual(await open(store).record(), {});
});
