// A site of two bare pages around the kernel: what kernel.test.mjs and jupyterlite.test.mjs drive.
import { cpSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { requireFromLite, root } from "./harness.mjs";
import { build, options } from "../../lite/build.mjs";
import { write } from "../../lite/service-worker/manifest.mjs";

const esbuild = requireFromLite("esbuild");

/** Build it in a folder of its own; `remove()` deletes it, `release(note)` makes a newer build of it. */
export async function kernelSite() {
  const distribution = join(root, "build/pyodide");
  if (!existsSync(join(distribution, "pyodide.mjs"))) throw new Error("build/pyodide is missing: run `make site`");
  const folder = mkdtempSync(join(tmpdir(), "tinytorch-site-"));
  const tt = join(folder, "tt");
  await build(tt);
  await esbuild.build({
    ...options("../"),
    entryPoints: { "kernel-page": join(root, "lite/test/kernel-page.ts") },
    outdir: tt,
  });
  cpSync(distribution, join(folder, "pyodide"), { recursive: true });
  const jupyterlite = join(root, "build/jupyterlite");
  if (existsSync(jupyterlite)) cpSync(jupyterlite, join(folder, "lite"), { recursive: true });
  const page = (note) =>
    `<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><title>Kernel</title><p id="note">${note}</p>\n` +
    '<script type="module" src="tt/kernel-page.js"></script>\n';
  cpSync(join(tt, "sw.js"), join(folder, "sw.js"));
  rmSync(join(tt, "sw.js"));
  const release = (note) => {
    for (const name of ["index.html", "other.html"]) writeFileSync(join(folder, name), page(note));
    return write(folder);
  };
  release("first build");
  return { folder, release, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
