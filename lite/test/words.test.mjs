import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.mjs";

const { headline, verdictOf } = await load("src/elements/words.ts");
const { overwritten, stripAnsi } = await load("src/elements/ansi.ts");

const check = (outcome, kind = "unit", message = "m") => ({ id: "t", title: "T", kind, outcome, message });
const report = (outcome, phase, tests, more = {}) => ({ step: "02-x/y", outcome, phase, tests, duration_ms: 1, ...more });

test("the kinds of outcome are never mixed", () => {
  const failed = report("failed", "check", [check("passed"), check("failed")]);
  const raised = report("failed", "check", [check("passed"), check("error")], { line: 3 });
  const onImport = report("error", "import", [], { line: 2 });
  const parse = report("error", "parse", [], { line: 4, message: "This does not parse. SyntaxError: x" });
  const other = report("error", "parse", [], { message: "This step asks for a function named `add`" });
  const unwritten = report("failed", "check", [check("error", "unit", "This step is not written yet.")]);
  const kinds = [failed, raised, onImport, parse, other, unwritten].map(verdictOf);
  assert.deepEqual(kinds, ["failed", "raised", "raised", "parse", "parse", "unwritten"]);
  assert.equal(headline(failed), "Not yet. 1 of 2 checks fails.");
  assert.equal(headline(raised), "Your code stopped with an error on line 3.");
  assert.equal(headline(onImport), "Your code stopped with an error on line 2, before any check could run.");
  assert.equal(headline(parse), "Python cannot read this yet on line 4.");
  assert.doesNotMatch(headline(other), /read/);
  assert.match(headline(unwritten), /^Not written yet/);
});

test("a failed stretch check leaves a step passed, and is said", () => {
  const passed = report("passed", "check", [check("passed"), check("passed"), check("failed", "stretch")]);
  assert.equal(verdictOf(passed), "passed");
  assert.equal(headline(passed), "Passed. All 2 checks pass. 1 stretch check still open.");
});

test("a progress bar leaves its last state, a Windows line end is one line end", () => {
  assert.equal(overwritten("a\n10%\r50%\r100%\nb\r\nc"), "a\n100%\nb\nc");
  assert.equal(stripAnsi("\x1b[1;31mred\x1b[0m \x1b]0;title"), "red 0;title");
});
