/** Keeps the workspace folder of one Python and the store the same. */
import type { WorkspaceStore } from "../workspace/store.ts";
import type { WorkerApi } from "./protocol.ts";

export class WorkspaceLink {
  #revision = 0;

  constructor(
    private readonly store: WorkspaceStore,
    private readonly remote: Pick<WorkerApi, "sync" | "collect">,
  ) {}

  /** Before a request: what the page or another tab wrote reaches the folder. */
  async push(): Promise<void> {
    const { revision, write, remove } = await this.store.changesSince(this.#revision);
    if (Object.keys(write).length > 0 || remove.length > 0) await this.remote.sync(write, remove);
    this.#revision = revision;
  }

  /** After a request: what Python wrote reaches the store. Resolves to the files that are not kept. */
  async pull(changes: { write?: Record<string, string>; delete?: string[] } = {}): Promise<string[]> {
    const { write, remove, skipped } = await this.remote.collect();
    const files = { ...write, ...changes.write };
    const gone = new Set([...remove, ...(changes.delete ?? [])].filter((path) => !(path in files)));
    if (Object.keys(files).length > 0 || gone.size > 0) {
      // The store itself tells the reader when it cannot keep them.
      await this.store.write(files, [...gone]).catch(() => undefined);
    }
    return skipped;
  }
}
