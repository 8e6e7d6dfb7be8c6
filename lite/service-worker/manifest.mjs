// Writes the list of the site's files, with their hashes, at the top of its sw.js. Run it when the site is complete:
//   node lite/service-worker/manifest.mjs build/site
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join, relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";

const FIRST = "self.TINYTORCH_FILES=";
// Our bundles and the Python distribution: kept by hash, fetched in the background once Python was used.
const RUNTIME = /^(?:tt|pyodide)\//;
// Only the stock kernel of JupyterLite would ask for these.
const UNUSED = /^pyodide\/(?:micropip|piplite|ipykernel|jedi|parso|widgetsnbextension)-/;
// JupyterLite is large: it is kept as it is visited.
const LEFT_OUT = /^(?:lite\/|sw\.js$|\.)|(?:\.gz|\.br|\.map|\.LEGAL\.txt|\.nojekyll)$/;

function* files(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* files(path);
    else yield path;
  }
}

/** {build, runtime, pages} of the site in `folder`; the same for the same bytes. */
export function manifest(folder) {
  const [runtime, pages] = [{}, {}];
  const all = [...files(folder)].map((path) => relative(folder, path).split(sep).join("/")).sort();
  for (const path of all) {
    if (LEFT_OUT.test(path) || UNUSED.test(path)) continue;
    const hash = createHash("sha256").update(readFileSync(join(folder, path))).digest("hex").slice(0, 16);
    (RUNTIME.test(path) ? runtime : pages)[path] = hash;
  }
  const build = createHash("sha256").update(JSON.stringify([runtime, pages])).digest("hex").slice(0, 16);
  return { build, runtime, pages };
}

/** Put the manifest into the site's sw.js, in place of an earlier one. */
export function write(folder) {
  const path = join(folder, "sw.js");
  const script = readFileSync(path, "utf8").split("\n");
  if (script[0].startsWith(FIRST)) script.shift();
  const list = manifest(folder);
  writeFileSync(`${path}.new`, `${FIRST}${JSON.stringify(list)};\n${script.join("\n")}`);
  renameSync(`${path}.new`, path);
  return list;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [folder] = process.argv.slice(2);
  if (!folder) throw new Error("usage: node manifest.mjs SITE");
  const { build, runtime, pages } = write(resolve(folder));
  console.log(`sw.js: build ${build}, ${Object.keys(runtime).length} runtime files, ${Object.keys(pages).length} pages`);
}
