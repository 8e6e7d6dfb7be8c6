import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.mjs";

const { fromModel, toFolder, toModel } = await load("src/jupyterlite/models.ts");
const entry = (path, text) => ({ path, text, modified: 1_700_000_000_000 });

test("a text comes back as it was", () => {
  for (const [path, text] of [["a.py", "x = 'ü'\n"], ["b/c.txt", ""], ["n.ipynb", "not a notebook"]]) {
    const model = toModel(entry(path, text));
    assert.equal(model.type, "file");
    assert.equal(fromModel(model), text);
  }
});

test("a notebook is its JSON", () => {
  const notebook = { cells: [], metadata: {}, nbformat: 4, nbformat_minor: 5 };
  const model = toModel(entry("d/n.ipynb", JSON.stringify(notebook)));
  assert.deepEqual([model.type, model.format, model.name, model.content], ["notebook", "json", "n.ipynb", notebook]);
  assert.deepEqual(JSON.parse(fromModel(model)), notebook);
});

test("an uploaded text becomes text, an uploaded picture none", () => {
  const upload = (bytes) => fromModel({ type: "file", format: "base64", content: Buffer.from(bytes).toString("base64") });
  assert.equal(upload("print('ü')\n"), "print('ü')\n");
  assert.equal(upload([0x89, 0x50, 0x4e, 0x47, 0xff]), null);
  assert.equal(upload([0x61, 0, 0x62]), null);
});

test("a folder is as old as its oldest file and as new as its newest", () => {
  const folder = toFolder("d", [entry("d/a", ""), { ...entry("d/b", ""), modified: 1_800_000_000_000 }]);
  assert.equal(folder.type, "directory");
  assert.equal(new Date(folder.created).getTime(), 1_700_000_000_000);
  assert.equal(new Date(folder.last_modified).getTime(), 1_800_000_000_000);
  assert.equal(fromModel(folder), null);
});
