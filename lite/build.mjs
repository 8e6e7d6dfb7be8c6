// Bundles the browser code of lite/ into build/lite. Run: npm run build [-- --out DIR]
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { createHash } from "node:crypto";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import * as esbuild from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));

/** A short hash of every source file: the page and the worker compare it, so that two builds never mix. */
export function buildId(folder = join(here, "src")) {
  const hash = createHash("sha256");
  const walk = (path) => {
    for (const entry of readdirSync(path, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
      if (entry.isDirectory()) walk(join(path, entry.name));
      else hash.update(entry.name).update(readFileSync(join(path, entry.name)));
    }
  };
  walk(folder);
  return hash.digest("hex").slice(0, 12);
}

/** Options shared by every bundle; `toRoot` is the way from the bundle's folder to the root of the site. */
export function options(toRoot) {
  return {
    absWorkingDir: here,
    bundle: true,
    format: "esm",
    target: "es2022",
    minify: true,
    legalComments: "linked",
    logLevel: "warning",
    define: { __TO_ROOT__: JSON.stringify(toRoot), __BUILD__: JSON.stringify(buildId()) },
    loader: { ".py": "text", ".svg": "text" },
  };
}

/** JupyterLab's packages exist once in JupyterLite's page: src/jupyterlite/container.ts puts them where this looks. */
const sharedByJupyterLite = {
  name: "shared by JupyterLite",
  setup(bundle) {
    const filter = /^@(?:jupyterlab|jupyterlite|lumino)\//;
    bundle.onResolve({ filter }, ({ path }) => ({ path, namespace: "shared" }));
    bundle.onLoad({ filter, namespace: "shared" }, ({ path }) => ({
      contents: `module.exports = globalThis.TINYTORCH_SHARED[${JSON.stringify(path)}];`,
    }));
  },
};

export async function build(out) {
  rmSync(out, { recursive: true, force: true });
  const entryPoints = { tt: "src/page/main.ts", thebe: "src/page/thebe.ts" };
  await Promise.all([
    // The page's own entries share code through chunks, so that the editor loads when it is needed.
    esbuild.build({ ...options("../"), entryPoints, splitting: true, chunkNames: "chunk-[hash]", outdir: out }),
    // The worker is one file: a second request would only delay the start of Python.
    esbuild.build({ ...options("../"), entryPoints: { "kernel-worker": "src/kernel/worker.ts" }, outdir: out }),
    esbuild.build({
      ...options("../"),
      entryPoints: { "jupyterlite-plugins": "src/jupyterlite/plugins.ts" },
      plugins: [sharedByJupyterLite],
      outdir: out,
    }),
    // Classic scripts: JupyterLite loads its extensions so, and Firefox came late to modules in service workers.
    esbuild.build({ ...options("../"), format: "iife", entryPoints: { jupyterlite: "src/jupyterlite/container.ts" }, outdir: out }),
    esbuild.build({ ...options("./"), format: "iife", entryPoints: { sw: "src/service-worker/sw.ts" }, outdir: out }),
  ]);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({ options: { out: { type: "string", default: join(here, "../build/lite") } } });
  await build(resolve(values.out));
}
