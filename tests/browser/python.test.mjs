// The framework in the page's Python, where NumPy counts in 32 bits: tensors of integers are int64 all the same.
import assert from "node:assert/strict";
import { test } from "node:test";
import { openHome } from "./python-homes.mjs";

const INTEGERS = `
import json
import numpy as np
import tinytorch
from tinytorch import Tensor

table, real = Tensor([[1, 2], [3, 4]]), Tensor([[1.0, 2.0], [3.0, 4.0]])
made = {
    "a list": table,
    "a number": Tensor(3),
    "plus a number": table + 1,
    "a number minus it": 5 - table,
    "floor division": table // 2,
    "sum": table.sum(),
    "sum over a dimension": table.sum(0),
    "sum of bools": (table > 2).sum(),
    "product": table.prod(),
    "cumulative sum": table.cumsum(0),
    "largest": table.max(),
    "places of the largest": real.argmax(1),
    "sorted places": tinytorch.argsort(real),
    "range": tinytorch.arange(5),
    "random integers": tinytorch.randint(0, 5, (3,)),
    "permutation": tinytorch.randperm(5),
    "full": tinytorch.full((2,), 3),
    "counts": tinytorch.bincount(table.reshape(-1)),
    "long": real.long(),
}
dtypes = {name: str(tensor.dtype) for name, tensor in made.items()}
json.dumps({"numpy": str(np.arange(3).dtype), "dtypes": dtypes})
`;

const CHECKED = `
import contextlib, io, json, pytest
said = io.StringIO()
with contextlib.redirect_stdout(said):
    code = pytest.main(["-q", "-p", "no:cacheprovider", "--import-mode=importlib", "-W", "ignore", "--tb=short", "/tests/test_tensor.py"])
json.dumps({"code": int(code), "said": said.getvalue()[-4000:]})
`;

test("tensors of integers are int64, and the tests of tensors hold", { timeout: 120_000 }, async () => {
  const python = await openHome("node", ["tests/framework/test_tensor.py"]);
  const { numpy, dtypes } = await python.json(INTEGERS);
  assert.equal(numpy, "int32", "this Python's own integers are what the test is about");
  assert.deepEqual(Object.entries(dtypes).filter(([, dtype]) => dtype !== "int64"), []);
  const { code, said } = await python.json(CHECKED);
  assert.equal(code, 0, said);
});
