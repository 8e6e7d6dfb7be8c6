// Python, as the site ships it, in Node and in a worker of each browser: a place to run test programs in.
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { pathToFileURL } from "node:url";
import { assertOneOrigin, browsers, launch, newPage, root, serve } from "./harness.mjs";

export const homes = ["node", ...browsers];
export const distribution = join(root, "build/pyodide");
const PACKAGES = ["numpy", "pytest", "tinytorch"];

/** In each home: load Python with the packages, put the files where `import` finds them, run what is asked. */
const start = async (loadPyodide, indexURL, packages, files) => {
  const python = await loadPyodide({ indexURL, packages });
  python.FS.mkdirTree("/tests");
  for (const [name, text] of Object.entries(files)) python.FS.writeFile(`/tests/${name}`, text);
  python.runPython("import sys; sys.path.insert(0, '/tests')");
  return (code) => python.runPython(code);
};

const WORKER = `
import { loadPyodide } from "./pyodide/pyodide.mjs";
const start = ${start};
let run;
onmessage = async ({ data }) => {
  try {
    if (data.files) run = await start(loadPyodide, new URL("./pyodide/", location.href).href, data.packages, data.files);
    postMessage({ value: data.code ? run(data.code) : null });
  } catch (error) {
    postMessage({ error: String(error.message ?? error) });
  }
};`;
const PAGE = `<!doctype html><link rel="icon" href="data:,"><title>Python</title><script type="module">
const worker = new Worker("worker.js", { type: "module" });
window.ask = (data) => new Promise((answer) => {
  worker.onmessage = (event) => answer(event.data);
  worker.onerror = (event) => answer({ error: event.message });
  worker.postMessage(data);
});
</script>`;

/**
 * Python in a home, with these Python files beside it. `json(code)` runs statements whose last is an expression that
 * is a JSON text, and answers its value; `close()` ends it.
 */
export async function openHome(name, paths) {
  if (!existsSync(join(distribution, "pyodide.mjs"))) throw new Error("build/pyodide is missing: run `make site`");
  const files = Object.fromEntries(paths.map((path) => [basename(path), readFileSync(join(root, path), "utf8")]));
  if (name === "node") {
    const { loadPyodide } = await import(pathToFileURL(join(distribution, "pyodide.mjs")).href);
    const run = await start(loadPyodide, `${distribution}/`, PACKAGES, files);
    return { json: async (code) => JSON.parse(run(code)), close: async () => undefined };
  }
  const folder = mkdtempSync(join(tmpdir(), "tinytorch-python-"));
  symlinkSync(distribution, join(folder, "pyodide"));
  writeFileSync(join(folder, "index.html"), PAGE);
  writeFileSync(join(folder, "worker.js"), WORKER);
  const [server, browser] = await Promise.all([serve(folder, { headers: true }), launch(name)]);
  const page = await newPage(browser);
  const ask = async (data) => {
    const { value, error } = await page.evaluate((question) => window.ask(question), data);
    if (error) throw new Error(error);
    return value;
  };
  await page.goto(server.url);
  await ask({ files, packages: PACKAGES });
  return {
    json: async (code) => JSON.parse(await ask({ code })),
    version: () => browser.version(),
    process: browser.process().pid,
    close: async () => {
      assertOneOrigin(page, server.origin);
      await browser.close();
      await server.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
