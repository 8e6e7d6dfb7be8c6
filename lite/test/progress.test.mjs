// What the page reads from the workspace's record, without Python.
import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.mjs";

const { PROGRESS, chaptersNamed, markOfChapter, markOfStep, missing, nextStep, readProgress } = await load("src/workspace/progress.ts");
const { askToKeep } = await load("src/workspace/persist.ts");

const chapter = (number, module, ...names) => {
  const id = `0${number}-${module}`;
  return { id, number, title: module, module, page: null, steps: names.map((name) => ({ id: `${id}/${name}`, title: name })) };
};
const COURSE = [chapter(1, "random", "seed"), chapter(2, "tensor", "add", "sum"), chapter(3, "activations", "relu")];
const read = (steps, reference = [], files = {}) =>
  readProgress(new Map([[PROGRESS, JSON.stringify({ schema: 1, steps, choices: { reference } })], ...Object.entries(files)]));
const PASSED = { outcome: "passed", complete: false };
const COMPLETE = { outcome: "passed", complete: true };

test("a step is passed, complete, broken, revealed, tried or open", () => {
  const marks = [
    [PASSED, "passed"],
    [COMPLETE, "complete"],
    [{ outcome: "passed", complete: true, revealed: true }, "complete"],
    [{ outcome: "failed", revealed: true }, "revealed"],
    [{ outcome: "failed", broken_by: "01-random/seed" }, "broken"],
    [{ outcome: "error" }, "tried"],
    [{ outcome: null }, "open"],
  ];
  for (const [entry, mark] of marks) assert.equal(markOfStep(read({ "02-tensor/add": entry }), "02-tensor/add"), mark);
  assert.equal(markOfStep(read({}), "02-tensor/add"), "open");
});

test("done and complete are told apart, and a draft alone is a beginning", () => {
  const tensor = COURSE[1];
  const both = (one, other) => markOfChapter(read({ "02-tensor/add": one, "02-tensor/sum": other }), tensor);
  assert.deepEqual([both(COMPLETE, COMPLETE), both(COMPLETE, PASSED), both(COMPLETE, {})], ["complete", "done", "begun"]);
  assert.equal(markOfChapter(read({}), tensor), "open");
  assert.equal(markOfChapter(read({}, [], { ".tito/drafts/02-tensor/sum.py": "x" }), tensor), "begun");
});

test("the reference stands in for what is missing, and the next step is elsewhere", () => {
  const none = read({});
  assert.deepEqual(missing(none, COURSE, 3), ["01-random/seed", "02-tensor/add", "02-tensor/sum"]);
  assert.equal(nextStep(none, COURSE), "01-random/seed");
  const chosen = read({ "02-tensor/add": PASSED }, [1]);
  assert.deepEqual(missing(chosen, COURSE, 3), ["02-tensor/sum"]);
  assert.equal(nextStep(chosen, COURSE), "02-tensor/sum");
  assert.equal(nextStep(read({}, [1, 2, 3]), COURSE), null);
});

test("a damaged record shows nothing as done and says so", () => {
  for (const text of ["{", "[]", "null", '{"steps": 3}']) {
    const progress = readProgress(new Map([[PROGRESS, text]]));
    assert.match(progress.problem, /damaged/, text);
    assert.deepEqual(progress.steps, {});
  }
  assert.equal(readProgress(new Map()).problem, null);
});

test("chapters are named as one says them", () => {
  assert.deepEqual([[2], [3, 2], [5, 2, 3, 2]].map(chaptersNamed), ["chapter 2", "chapters 2 and 3", "chapters 2, 3 and 5"]);
});

test("the browser is asked once to keep the work, and not where it does already", async () => {
  const memory = () => {
    const kept = new Map();
    return { getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => kept.set(key, value) };
  };
  let asked = 0;
  const storage = { persisted: async () => false, persist: async () => (asked += 1) };
  const one = memory();
  await askToKeep(storage, one);
  await askToKeep(storage, one);
  assert.equal(asked, 1);
  await askToKeep({ ...storage, persisted: async () => true }, memory());
  await askToKeep(storage, null);
  await askToKeep(null, memory());
  assert.equal(asked, 1);
});
