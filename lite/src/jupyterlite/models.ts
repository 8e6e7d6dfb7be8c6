/** Files of the workspace as Jupyter's contents models, and back. */
import type { Contents } from "@jupyterlab/services";
import type { Entry } from "../workspace/store.ts";

type Model = Contents.IModel;

const TYPES: Record<string, string> = {
  ipynb: "application/json",
  json: "application/json",
  md: "text/markdown",
  py: "text/x-python",
  toml: "text/plain",
  csv: "text/csv",
};

const nameOf = (path: string): string => path.slice(path.lastIndexOf("/") + 1);

/** A file with its content. */
export function toModel({ path, text, modified }: Entry): Model {
  const name = nameOf(path);
  const time = new Date(modified).toISOString();
  const notebook = name.endsWith(".ipynb") ? parsed(text) : undefined;
  return {
    name,
    path,
    created: time,
    last_modified: time,
    mimetype: TYPES[name.slice(name.lastIndexOf(".") + 1)] ?? "text/plain",
    writable: true,
    size: new TextEncoder().encode(text).length,
    ...(notebook === undefined
      ? { type: "file", format: "text", content: text }
      : { type: "notebook", format: "json", content: notebook }),
  };
}

/** A folder, which is there because files are in it. */
export function toFolder(path: string, inside: Entry[]): Model {
  const times = inside.map(({ modified }) => modified);
  return {
    name: nameOf(path),
    path,
    created: new Date(Math.min(...times)).toISOString(),
    last_modified: new Date(Math.max(...times)).toISOString(),
    type: "directory",
    format: "json",
    mimetype: "",
    content: null,
    writable: true,
    size: 0,
  };
}

/** The text of a model; null for a folder and for what is not text. */
export function fromModel(model: Model): string | null {
  if (model.type === "directory" || model.content === null || model.content === undefined) return null;
  const content = model.content as unknown;
  if (model.format === "json") return typeof content === "string" ? content : JSON.stringify(content, null, 1);
  if (model.format === "text") return String(content);
  try {
    const bytes = Uint8Array.from(atob(String(content)), (character) => character.charCodeAt(0));
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    return text.includes("\0") ? null : text;
  } catch {
    return null;
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined; // Not a notebook: shown as the text it is.
  }
}
