/** The workspace's files in the interpreter's file system: written there from the store, watched for changes. */
import type { FileChanges } from "./protocol.ts";

/** The part of Emscripten's file system that is used here. */
export interface FileSystem {
  mkdirTree(path: string): void;
  writeFile(path: string, text: string): void;
  readFile(path: string): Uint8Array;
  unlink(path: string): void;
  readdir(path: string): string[];
  stat(path: string): { mode: number; size: number; mtime: Date };
  isDir(mode: number): boolean;
  isFile(mode: number): boolean;
}

interface Known {
  size: number;
  time: number;
  text: string;
}

/** A larger file stays in the session: the workspace is a student's text, kept whole in the browser. */
export const FILE_LIMIT = 2_000_000;

const IGNORED = new Set(["__pycache__", ".pytest_cache", ".ipynb_checkpoints", ".git", ".cache"]);

/** Whether a path names a file below the root, and nothing else. */
export function isInside(path: string): boolean {
  const parts = path.split("/");
  return !path.includes("\0") && !path.includes("\\") && parts.every((part) => part !== "" && part !== "." && part !== "..");
}

export class Mirror {
  readonly #known = new Map<string, Known>();
  readonly #skipped = new Map<string, number>();
  #lastScan = 0;

  constructor(
    private readonly files: FileSystem,
    private readonly root: string,
  ) {
    files.mkdirTree(root);
  }

  /** Bring the folder to what the store says. A file that is the same already is not touched. */
  sync(write: Record<string, string>, remove: string[]): void {
    for (const path of remove) {
      if (!this.#known.delete(path)) continue;
      try {
        this.files.unlink(`${this.root}/${path}`);
      } catch {
        // The session removed it too.
      }
    }
    for (const [path, text] of Object.entries(write)) {
      if (!isInside(path) || this.#known.get(path)?.text === text) continue;
      const full = `${this.root}/${path}`;
      this.files.mkdirTree(full.slice(0, full.lastIndexOf("/")));
      this.files.writeFile(full, text);
      const { size, mtime } = this.files.stat(full);
      this.#known.set(path, { size, time: mtime.getTime(), text });
    }
  }

  /** What the session changed since the last look. */
  collect(): FileChanges {
    const changes: FileChanges = { write: {}, remove: [], skipped: [] };
    const seen = new Set<string>();
    const scan = Date.now();
    this.#walk("", seen, changes);
    for (const path of this.#known.keys()) {
      if (seen.has(path)) continue;
      this.#known.delete(path);
      changes.remove.push(path);
    }
    this.#lastScan = scan;
    return changes;
  }

  #walk(folder: string, seen: Set<string>, changes: FileChanges): void {
    for (const name of this.files.readdir(this.root + folder)) {
      if (name === "." || name === ".." || IGNORED.has(name)) continue;
      const path = `${folder}/${name}`;
      const { mode, size, mtime } = this.files.stat(this.root + path);
      if (this.files.isDir(mode)) this.#walk(path, seen, changes);
      else if (this.files.isFile(mode)) {
        const relative = path.slice(1);
        seen.add(relative);
        this.#look(relative, size, mtime.getTime(), changes);
      }
    }
  }

  #look(path: string, size: number, time: number, changes: FileChanges): void {
    const known = this.#known.get(path);
    const same = known?.size === size && known.time === time;
    // Two writes within a clock tick look alike, so a file as young as the last look is read again.
    if (same && (time < this.#lastScan - 1 || size > FILE_LIMIT)) return;
    const text = size <= FILE_LIMIT ? decode(this.files.readFile(`${this.root}/${path}`)) : null;
    if (text === null) {
      if (this.#skipped.get(path) !== size) changes.skipped.push(path);
      this.#skipped.set(path, size);
      return;
    }
    this.#known.set(path, { size, time, text });
    if (known?.text !== text) changes.write[path] = text;
  }
}

function decode(bytes: Uint8Array): string | null {
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    return text.includes("\0") ? null : text;
  } catch {
    return null;
  }
}
