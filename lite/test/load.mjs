// Loads a TypeScript module of src/ in Node, as the browser would get it.
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { pathToFileURL } from "node:url";
import * as esbuild from "esbuild";
import { options } from "../build.mjs";

const folder = mkdtempSync(join(tmpdir(), "tinytorch-lite-"));

export async function load(path) {
  const outfile = join(folder, basename(path).replace(/\.ts$/, ".mjs"));
  await esbuild.build({ ...options("./"), minify: false, legalComments: "none", entryPoints: [path], outfile });
  return import(pathToFileURL(outfile).href);
}
