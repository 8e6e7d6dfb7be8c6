import assert from "node:assert/strict";
import { test } from "node:test";
import { loadPyodide } from "pyodide";
import { load } from "./load.mjs";

const { FILE_LIMIT, isInside, Mirror } = await load("src/kernel/mirror.ts");
const python = await loadPyodide();

function fresh() {
  const root = `/w${Math.random()}`;
  return { root, mirror: new Mirror(python.FS, root), run: (code) => python.runPython(`root = "${root}"\n${code}`) };
}

test("files of the store reach the folder, and are not reported back", () => {
  const { mirror, run } = fresh();
  mirror.sync({ "tinytorch/tensor.py": "a = 'ü'\n", "notes.txt": "" }, []);
  assert.equal(run('open(root + "/tinytorch/tensor.py", encoding="utf-8").read()'), "a = 'ü'\n");
  assert.deepEqual(mirror.collect(), { write: {}, remove: [], skipped: [] });
  mirror.sync({}, ["notes.txt"]);
  assert.equal(run('import os; os.path.exists(root + "/notes.txt")'), false);
  assert.deepEqual(mirror.collect().remove, []);
});

test("what a session writes and deletes is found", () => {
  const { mirror, run } = fresh();
  mirror.sync({ "a.py": "1", "b.py": "2" }, []);
  run('import os\nopen(root + "/a.py", "w").write("3")\nos.remove(root + "/b.py")\nos.makedirs(root + "/d/e")\nopen(root + "/d/e/c.txt", "w").write("new")');
  assert.deepEqual(mirror.collect(), { write: { "a.py": "3", "d/e/c.txt": "new" }, remove: ["b.py"], skipped: [] });
  assert.deepEqual(mirror.collect(), { write: {}, remove: [], skipped: [] });
});

test("two writes of one size within one tick of the clock are both seen", () => {
  const { mirror, run } = fresh();
  for (const value of ["1", "2", "3", "4"]) {
    run(`open(root + "/a", "w").write("${value}")`);
    assert.deepEqual(mirror.collect().write, { a: value });
  }
});

test("binary and large files stay in the session, said once", () => {
  const { mirror, run } = fresh();
  run(`open(root + "/w.npz", "wb").write(bytes(range(256)))\nopen(root + "/big.txt", "w").write("x" * ${FILE_LIMIT + 1})`);
  assert.deepEqual(mirror.collect().skipped.sort(), ["big.txt", "w.npz"]);
  assert.deepEqual(mirror.collect().skipped, []);
});

test("no path of the store leaves the folder", () => {
  for (const path of ["../x", "a/../../x", "/etc/x", "a//b", "./a", "", "a/", "a\\b", "a\0b"]) {
    assert.equal(isInside(path), false, JSON.stringify(path));
  }
  assert.equal(isInside(".tito/drafts/02-tensor/add.py"), true);
  const { mirror, run } = fresh();
  mirror.sync({ "../escaped.py": "1" }, []);
  assert.equal(run('import os; os.path.exists("/escaped.py")'), false);
});
