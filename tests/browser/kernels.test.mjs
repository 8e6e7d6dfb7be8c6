// The WebAssembly kernels against NumPy, and the framework on them, in Node and in both browsers.
// CASES=100000 makes of the few random cases a long run; SEED chooses others.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { homes, openHome } from "./python-homes.mjs";

const CASES = Number(process.env.CASES ?? 1400);
const SEED = Number(process.env.SEED ?? 1);
const AT_ONCE = 5000;
const FILES = ["arrays", "maps", "rows", "cases", "sets"].map((name) => `tests/browser/kernel_${name}.py`);
const LIMIT = { timeout: 180_000 + CASES * 60 };

for (const name of homes) {
  describe(`kernels in ${name}`, { concurrency: false }, () => {
    let home;
    const ask = (code) => home.json(`import json, kernel_sets\njson.dumps(kernel_sets.${code})`);
    before(async () => (home = await openHome(name, [...FILES, "tests/framework/test_kernels.py"])));
    after(() => home?.close());

    test("they are chosen by themselves", LIMIT, async () => assert.equal(await ask("chosen()"), "wasm"));

    test("random cases of every kernel give what NumPy gives, before and after memory grows", LIMIT, async () => {
      for (let done = 0; done < CASES; done += AT_ONCE) {
        const count = Math.min(AT_ONCE, CASES - done);
        const failures = await home.json(`import json, kernel_cases\njson.dumps(kernel_cases.run(${SEED + done}, ${count}))`);
        assert.deepEqual(failures, []);
      }
    });

    test("the framework computes the same with them, and so do its optimizers", LIMIT, async () => {
      assert.deepEqual(await ask("agree(4)"), []);
      assert.deepEqual(await ask("optimizers_agree()"), []);
    });

    test("operations on tensors reach them", LIMIT, async () => {
      const used = await ask("uses_them()");
      const expected = ["adam_step", "gather_windows", "map_relu", "map_tanh_gradient", "matmul", "max_pool_gradient", "pool"];
      assert.deepEqual(expected.filter((kernel) => !used.includes(kernel)), []);
    });

    test("where they cannot be trusted, NumPy does it all", LIMIT, async () => {
      for (const [damage, outcome] of Object.entries(await ask("falls_back()"))) assert.deepEqual(outcome, [true, true], damage);
      assert.deepEqual(await ask("without_them()"), ["fast", [[3, 3], [3, 3]]]);
    });

    test("NumPy's own loops come back when ours are taken out", LIMIT, async () => {
      assert.deepEqual(await ask("numpy_loops_come_out()"), [true, false, true, true]);
    });
  });
}
