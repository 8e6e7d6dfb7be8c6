// The WebAssembly kernels in real browsers, beside NumPy in the same tab and natively: a section of RESULTS.md.
//   node benchmarks/browser/kernels.mjs [--no-write]     BROWSERS names the browsers, PYTHON the native Python.
// Short measures are the best of many; steps are processor seconds of the browser, so other load does not count.
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import os from "node:os";
import { join } from "node:path";
import { browsers, root } from "../../tests/browser/harness.mjs";
import { openHome } from "../../tests/browser/python-homes.mjs";

const RESULTS = join(root, "benchmarks/RESULTS.md");
const HEADING = "# Kernels in the tab";
const FILES = ["benchmarks/browser/measures.py", "benchmarks/models.py"];
const PYTHON = process.env.PYTHON ?? join(root, ".venv/bin/python");
const TICKS = 100; // a second, of /proc
const TITLES = { cnn: "CNN, batch 64", gpt: "GPT, batch 32 x 128", small: "small CNN, 28 x 28, batch 64" };
const SETS = {
  on: { kernels: "wasm", numpy_loops: "True", steps: 4, title: "kernels on" },
  student: { kernels: "plain", numpy_loops: "True", steps: 2, title: "plain operations, NumPy with our loops" },
  off: { kernels: "fast", numpy_loops: "False", steps: 1, title: "kernels off: the fast NumPy set, stock NumPy" },
};

/** One measure in CPython on one thread. `blas`: what OpenBLAS takes the processor for. */
function native(name, blas, ...more) {
  const env = { ...process.env, PYTHONPATH: `${join(root, "benchmarks")}:${root}`, TINYTORCH_NUM_THREADS: "1" };
  for (const key of ["OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"]) env[key] = "1";
  delete env.OPENBLAS_CORETYPE;
  delete env.OPENBLAS_L2_SIZE;
  if (blas) env.OPENBLAS_CORETYPE = blas;
  return JSON.parse(execFileSync(PYTHON, [join(root, FILES[0]), name, ...more], { env, encoding: "utf8" }));
}

/** Processor seconds that a process and all its descendants have used so far; null where there is no /proc. */
function processorSeconds(ancestor) {
  try {
    const processes = new Map();
    for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
      try {
        const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1).split(" ");
        processes.set(Number(pid), { parent: Number(fields[1]), ticks: Number(fields[11]) + Number(fields[12]) });
      } catch {
        // It ended meanwhile.
      }
    }
    let total = 0;
    for (const [pid, { ticks }] of processes) {
      let at = pid;
      while (at && at !== ancestor) at = processes.get(at)?.parent ?? 0;
      if (at === ancestor) total += ticks;
    }
    return total / TICKS;
  } catch {
    return null;
  }
}

/** Seconds of a step in the tab: the best of two measures. */
async function stepSeconds(home, program, { kernels, numpy_loops: loops, steps }) {
  const ask = (code) => home.json(`import json, measures\njson.dumps(measures.${code})`);
  const losses = await ask(`prepare("${program}", "${kernels}", ${loops})`);
  const count = program === "small" ? steps * 10 : steps;
  const found = [];
  for (let round = 0; round < 2; round += 1) {
    const [wall, cpu] = [performance.now() / 1000, processorSeconds(home.process)];
    await ask(`take(${count})`);
    const used = cpu === null ? performance.now() / 1000 - wall : processorSeconds(home.process) - cpu;
    found.push(used / count);
  }
  return { losses, seconds: Math.min(...found) };
}

async function inTab(name) {
  const home = await openHome(name, FILES);
  try {
    const ask = (code) => home.json(`import json, measures\njson.dumps(measures.${code})`);
    await ask('library().speed_up_numpy(False)');
    const result = { version: await home.version(), products: await ask("products()"), elementwise: await ask("elementwise()") };
    for (const program of Object.keys(TITLES)) {
      result[program] = {};
      for (const [set, how] of Object.entries(SETS)) {
        console.log(`${name}: ${program}, ${how.title}`);
        result[program][set] = await stepSeconds(home, program, how);
      }
    }
    return result;
  } finally {
    await home.close();
  }
}

const fixed = (value, digits = 1) => value.toFixed(digits);
const row = (cells) => `| ${cells.join(" | ")} |`;
const head = (cells) => `${row(cells)}\n|---|${"---:|".repeat(cells.length - 1)}`;

function productTable(tabs, avx2, widest) {
  const lines = [head(["GFLOP/s, n x n", ...Object.keys(tabs).flatMap((name) => [`${name}: Pyodide's @`, "ours", "of native"]), "native, AVX2", "native"])];
  for (const n of Object.keys(avx2)) {
    const cells = Object.values(tabs).flatMap(({ products }) => [
      fixed(products[n]["@"]),
      `**${fixed(products[n].kernel)}**`,
      fixed(products[n].kernel / avx2[n]["@"], 2),
    ]);
    lines.push(row([n, ...cells, fixed(avx2[n]["@"], 0), fixed(widest[n]["@"], 0)]));
  }
  return lines.join("\n");
}

function elementwiseTable(tabs, plain) {
  const lines = [head(["ms, 2^20 numbers", ...Object.keys(tabs).flatMap((name) => [`${name}: Pyodide's`, "ours", "faster"]), "native"])];
  for (const [name, { numpy }] of Object.entries(plain)) {
    const cells = Object.values(tabs).flatMap(({ elementwise }) => {
      const { numpy: before, kernel } = elementwise[name];
      return [fixed(before, 2), fixed(kernel, 2), `**${fixed(before / kernel)}x**`];
    });
    lines.push(row([name, ...cells, fixed(numpy, 2)]));
  }
  return lines.join("\n");
}

function stepTable(tabs, trained) {
  const lines = [head(["ms a training step", ...Object.keys(tabs).flatMap((name) => [`${name}: off`, "NumPy's loops", "on", "faster"]), "native NumPy", "PyTorch"])];
  for (const [program, title] of Object.entries(TITLES)) {
    const cells = Object.values(tabs).flatMap(({ [program]: { off, student, on } }) => [
      ...[off, student, on].map(({ seconds }) => fixed(seconds * 1e3, 0)),
      `**${fixed(off.seconds / on.seconds)}x**`,
    ]);
    lines.push(row([title, ...cells, ...["tinytorch", "torch"].map((who) => fixed(trained[program][who].seconds * 1e3, 0))]));
  }
  return lines.join("\n");
}

function imageTable(tabs, { small }) {
  const rate = ({ seconds }) => fixed(64 / seconds, 0);
  const lines = [head(["small CNN, trained", "images a second"])];
  for (const [name, tab] of Object.entries(tabs))
    for (const [set, { title }] of Object.entries(SETS)) lines.push(row([`${name}, ${title}`, rate(tab.small[set])]));
  lines.push(row(["native, TinyTorch", rate(small.tinytorch)]), row(["native, PyTorch", rate(small.torch)]));
  return lines.join("\n");
}

function checkLosses(tabs, trained) {
  for (const program of Object.keys(TITLES)) {
    const expected = trained[program].torch.losses;
    const all = [trained[program].tinytorch, ...Object.values(tabs).flatMap((tab) => Object.values(tab[program]))];
    for (const { losses } of all)
      if (losses.some((loss, i) => Math.abs(loss - expected[i]) > 1e-3)) throw new Error(`${program}: losses ${losses}, PyTorch's ${expected}`);
  }
}

const load = os.loadavg()[0];
const tabs = {};
for (const name of browsers) tabs[name] = await inTab(name);
const [avx2, widest] = [native("products", "Haswell"), native("products", "")];
const trained = {};
for (const program of Object.keys(TITLES)) {
  trained[program] = {};
  for (const who of ["tinytorch", "torch"]) trained[program][who] = native("trained", "", program, who);
}
checkLosses(tabs, trained);
const text = `
Written by \`node benchmarks/browser/kernels.mjs\`, the last part of \`make bench-browser\`. "Off" is the fast NumPy set
on Pyodide's own NumPy; "NumPy's loops" the plain operations, as a student writes them, on NumPy with our loops registered;
"on" the WebAssembly set. All compute the same losses as PyTorch, to three decimals.

${os.cpus()[0].model.trim()}, ${os.cpus().length} cores, ${Object.values(tabs).map((tab) => tab.version).join(", ")}, headless.
One thread each, float32. Products and elementwise: the best of many timings, of which other load lengthens the longer
ones (Pyodide's own, n = 512) more than the others. Steps: processor time of the whole browser, or of the native process. Native products with OPENBLAS_CORETYPE=Haswell (AVX2) and without. Load before the run: ${fixed(load)}.

${productTable(tabs, avx2, widest)}

${elementwiseTable(tabs, native("elementwise", ""))}

${stepTable(tabs, trained)}

${imageTable(tabs, trained)}
`;
console.log(text);
if (!process.argv.includes("--no-write")) {
  const sections = readFileSync(RESULTS, "utf8").split(/\n(?=# )/);
  const others = sections.filter((section) => !section.startsWith(HEADING)).map((section) => section.trimEnd());
  writeFileSync(RESULTS, [...others, `${HEADING}\n${text}`].join("\n\n"));
}
