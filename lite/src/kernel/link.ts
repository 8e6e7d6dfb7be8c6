/** Keeps the workspace folder of one Python and the store the same. */
import type { WorkspaceStore } from "../workspace/store.ts";
import type { FileChanges } from "./protocol.ts";

/** What the reader types goes straight to the store, also while Python is busy. */
const DRAFTS = ".tito/drafts/";

/** The side of Python. */
export interface Folder {
  sync(write: Record<string, string>, remove: string[]): Promise<void>;
  collect(): Promise<FileChanges>;
}

export class WorkspaceLink {
  #revision = 0;
  readonly #drafts = new Map<string, string>();

  constructor(
    private readonly store: WorkspaceStore,
    private readonly folder: Folder,
  ) {}

  /** Before a request: what the page or another tab wrote reaches the folder. */
  async push(): Promise<void> {
    const { revision, write, remove } = await this.store.changesSince(this.#revision);
    if (Object.keys(write).length > 0 || remove.length > 0) await this.folder.sync(write, remove);
    for (const [path, text] of Object.entries(write)) if (path.startsWith(DRAFTS)) this.#drafts.set(path, text);
    this.#revision = revision;
  }

  /** After a request: what Python wrote reaches the store. Resolves to the files that are not kept. */
  async pull(changes: { write?: Record<string, string>; delete?: string[] } = {}): Promise<string[]> {
    const { write, remove, skipped } = await this.folder.collect();
    const changed = new Map<string, string | null>([...remove, ...(changes.delete ?? [])].map((path) => [path, null]));
    for (const [path, text] of Object.entries({ ...write, ...changes.write })) changed.set(path, text);
    if (changed.size === 0) return skipped;
    const newer = await this.store.changesSince(this.#revision);
    for (const path of changed.keys()) {
      // A draft typed meanwhile is later than what Python made of the one before.
      const typed = path.startsWith(DRAFTS) ? newer.write[path] : undefined;
      if (typed !== undefined && typed !== this.#drafts.get(path)) changed.delete(path);
    }
    const texts = [...changed].filter((entry): entry is [string, string] => entry[1] !== null);
    const gone = [...changed].filter(([, text]) => text === null).map(([path]) => path);
    // The store itself tells the reader when it cannot keep them.
    await this.store.write(Object.fromEntries(texts), gone).catch(() => undefined);
    return skipped;
  }
}
