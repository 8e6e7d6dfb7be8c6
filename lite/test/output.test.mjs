import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.mjs";

const { OutputBudget, LIMITS } = await load("src/kernel/output.ts");

function budget(limits = {}) {
  const sent = [];
  let time = 0;
  const output = new OutputBudget((message) => sent.push(message), { ...LIMITS, ...limits }, () => time);
  const texts = () => sent.filter(({ type }) => type === "stream").map(({ bundle }) => bundle.text);
  return { output, sent, texts, later: (milliseconds) => (time += milliseconds) };
}

const display = (text, id) => ({ type: "display_data", bundle: { data: { "text/plain": text }, transient: { display_id: id } } });
const update = (text, id) => ({ ...display(text, id), type: "update_display_data" });
const plain = ({ bundle }) => bundle.data["text/plain"];

test("little output passes unchanged", () => {
  const { output, sent, texts } = budget();
  output.stream("stdout", "a\n");
  output.stream("stderr", "b");
  output.finish();
  assert.deepEqual(texts(), ["a\n", "b"]);
  assert.equal(sent.length, 2);
});

test("lines beyond the limit are counted, and the last ones shown", () => {
  const { output, sent, texts } = budget({ lines: 3, tail: 2 });
  for (let line = 1; line <= 10; line += 1) output.stream("stdout", `${line}\n`);
  assert.match(plain(sent.at(-1)), /more output hidden/, "said at once: a program that is killed has no end");
  output.finish();
  assert.deepEqual(texts().join(""), "1\n2\n3\n");
  assert.equal(sent.at(-1).type, "update_display_data");
  assert.equal(plain(sent.at(-1)), "… 5 lines hidden …\n9\n10\n");
});

test("one endless line is bounded too", () => {
  const { output, texts } = budget({ characters: 100 });
  for (let piece = 0; piece < 1000; piece += 1) output.stream("stdout", "x".repeat(50));
  output.finish();
  assert.equal(texts().join("").length, 100);
});

test("a hundred megabytes of prints cost few messages and little time", () => {
  const { output, sent } = budget();
  const piece = "0123456789abcde\n".repeat(1024);
  const begin = performance.now();
  for (let written = 0; written < 100_000_000; written += piece.length) output.stream("stdout", piece);
  output.finish();
  assert.ok(sent.length < 10, `${sent.length} messages`);
  assert.ok(performance.now() - begin < 2000);
  assert.match(plain(sent.at(-1)), /^… 6,2\d\d,\d{3} lines hidden …/);
});

test("displays are bounded in number and size, errors always pass", () => {
  const { output, sent } = budget({ messages: 5 });
  for (let index = 0; index < 50; index += 1) output.message(display(String(index)));
  output.message({ type: "execute_error", bundle: { ename: "ValueError" } });
  output.finish();
  assert.equal(sent.filter(({ type }) => type === "execute_error").length, 1);
  assert.match(plain(sent.at(-1)), /45 outputs hidden/);

  const large = budget({ data: 1000 });
  for (let index = 0; index < 5; index += 1) large.output.message(display("x".repeat(400)));
  assert.equal(large.sent.filter((message) => plain(message).startsWith("x")).length, 2);
});

test("of fast updates only some are sent, and always the last", () => {
  const { output, sent, later } = budget();
  output.message(display("0", "bar"));
  later(1000);
  for (let step = 1; step <= 100; step += 1) {
    later(1);
    output.message(update(String(step), "bar"));
  }
  output.finish();
  const shown = sent.map(plain);
  assert.ok(shown.length <= 5, `${shown.length} sent`);
  assert.equal(shown.at(-1), "100");
});

test("a held update goes out before what follows it", () => {
  const { output, sent, later } = budget();
  later(1000);
  output.message(update("1", "bar"));
  output.message(update("2", "bar"));
  output.stream("stdout", "done\n");
  assert.deepEqual(sent.map(({ type }) => type), ["update_display_data", "update_display_data", "stream"]);
});

test("clearing gives a program that redraws its budget back, but not for ever", () => {
  const { output, sent, texts } = budget({ lines: 2, messages: 20 });
  for (let frame = 0; frame < 100; frame += 1) {
    output.message({ type: "clear_output", bundle: { wait: true } });
    output.stream("stdout", `frame ${frame}\n`);
  }
  output.finish();
  assert.equal(texts().length, 10);
  assert.ok(sent.length < 30);
});
