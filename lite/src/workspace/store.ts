/** The student's files, kept in the browser: the truth that the kernel's /workspace folder mirrors. */
import { siteRoot } from "../site.ts";
import { explain, FILES, type FileRecord, META, openDatabase, StorageProblem } from "./schema.ts";

export type WorkspaceChange = CustomEvent<{ paths: string[]; origin: "here" | "other-tab" }>;

/** What was written and removed after some revision. */
export interface Difference {
  revision: number;
  write: Record<string, string>;
  remove: string[];
}

export interface Entry {
  path: string;
  text: string;
  /** Milliseconds since 1970. */
  modified: number;
}

/** Events: "change" (WorkspaceChange) and "problem" (read `problem`). */
export interface WorkspaceStore extends EventTarget {
  /** False when the files live in this page's memory only. Known after the first read or write. */
  readonly available: boolean;
  /** What is wrong with the storage, in words for the reader, or null. */
  readonly problem: string | null;
  readAll(): Promise<Map<string, string>>;
  read(path: string): Promise<string | undefined>;
  /** Every file with the time it was written. */
  entries(): Promise<Entry[]>;
  /** What any tab changed after `revision` (0: everything). */
  changesSince(revision: number): Promise<Difference>;
  /** Write and remove files in one transaction. Rejects when they could not be stored; they stay readable here. */
  write(files: Record<string, string>, remove?: string[]): Promise<void>;
  /** Make these the only files, in one transaction. */
  replaceAll(files: Map<string, string>): Promise<void>;
}

const finished = (transaction: IDBTransaction): Promise<void> =>
  new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onerror = transaction.onabort = () => reject(transaction.error ?? new Error("The write was aborted."));
  });

const result = <T>(request: IDBRequest<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

/** Put the records (null: removed) under the next revision; with `only`, every other file goes. */
async function putAll(transaction: IDBTransaction, records: Map<string, string | null>, only: boolean): Promise<void> {
  const [files, meta] = [transaction.objectStore(FILES), transaction.objectStore(META)];
  const revision = ((await result<number | undefined>(meta.get("revision"))) ?? 0) + 1;
  const modified = Date.now();
  const present = only ? await result(files.getAllKeys()) : [];
  meta.put(revision, "revision");
  for (const path of present) files.put({ path: String(path), text: null, revision, modified } satisfies FileRecord);
  for (const [path, text] of records) files.put({ path, text, revision, modified } satisfies FileRecord);
}

/** Files by path in IndexedDB. Where that is refused or full, they live in memory and `problem` says so. */
export class BrowserStore extends EventTarget implements WorkspaceStore {
  available = true;
  problem: string | null = null;
  /** What could not be stored (null: removed): read before the database, tried again with the next write. */
  readonly #unsaved = new Map<string, string | null>();
  readonly #name: string;
  readonly #channel: BroadcastChannel | null;
  #database: Promise<IDBDatabase> | null = null;
  /** When a write was refused last. */
  #refused = 0;

  constructor(name: string) {
    super();
    this.#name = name;
    this.#channel = typeof BroadcastChannel === "undefined" ? null : new BroadcastChannel(name);
    this.#channel?.addEventListener("message", (event: MessageEvent<string[]>) => {
      this.#changed(event.data, "other-tab");
    });
  }

  async readAll(): Promise<Map<string, string>> {
    return new Map(Object.entries((await this.changesSince(0)).write));
  }

  async read(path: string): Promise<string | undefined> {
    const unsaved = this.#unsaved.get(path);
    if (unsaved !== undefined) return unsaved ?? undefined;
    const record = await this.#reading((files) => result<FileRecord | undefined>(files.get(path)));
    return record?.text ?? undefined;
  }

  async entries(): Promise<Entry[]> {
    const found = (await this.#reading((files) => result<FileRecord[]>(files.getAll()))) ?? [];
    const stored = found.filter(({ path }) => !this.#unsaved.has(path));
    const unsaved = [...this.#unsaved].map(([path, text]) => ({ path, text, modified: this.#refused }));
    return [...stored, ...unsaved].flatMap(({ path, text, modified }) => (text === null ? [] : [{ path, text, modified }]));
  }

  async changesSince(revision: number): Promise<Difference> {
    const found = await this.#reading((files) =>
      result<FileRecord[]>(files.index("revision").getAll(IDBKeyRange.lowerBound(revision, true))),
    );
    const difference: Difference = { revision, write: {}, remove: [] };
    const records = new Map<string, string | null>();
    for (const record of found ?? []) {
      difference.revision = Math.max(difference.revision, record.revision);
      records.set(record.path, record.text);
    }
    for (const [path, text] of this.#unsaved) records.set(path, text);
    for (const [path, text] of records) {
      if (text === null) difference.remove.push(path);
      else difference.write[path] = text;
    }
    return difference;
  }

  async write(files: Record<string, string>, remove: string[] = []): Promise<void> {
    const changes = new Map<string, string | null>(remove.map((path) => [path, null]));
    for (const [path, text] of Object.entries(files)) changes.set(path, text);
    if (changes.size > 0) await this.#put(changes, false);
  }

  async replaceAll(files: Map<string, string>): Promise<void> {
    const changes = new Map<string, string | null>([...(await this.readAll()).keys()].map((path) => [path, null]));
    for (const [path, text] of files) changes.set(path, text);
    await this.#put(changes, true);
  }

  async #put(changes: Map<string, string | null>, only: boolean): Promise<void> {
    // What an earlier write could not store is tried again with this one.
    const records = new Map([...this.#unsaved, ...changes]);
    try {
      const transaction = (await this.#open()).transaction([FILES, META], "readwrite");
      await Promise.all([finished(transaction), putAll(transaction, records, only)]);
      for (const [path, text] of records) if (this.#unsaved.get(path) === text) this.#unsaved.delete(path);
      this.#tell(null);
      this.#channel?.postMessage([...records.keys()]);
    } catch (error) {
      this.#refused = Date.now();
      for (const [path, text] of changes) this.#unsaved.set(path, text);
      const problem = explain(error);
      this.#tell(problem.message);
      throw problem;
    } finally {
      this.#changed([...changes.keys()], "here");
    }
  }

  /** Read the files; undefined when there is no database, and then `problem` says why. */
  async #reading<T>(read: (files: IDBObjectStore) => Promise<T>): Promise<T | undefined> {
    try {
      const database = await this.#open();
      return await read(database.transaction(FILES, "readonly").objectStore(FILES));
    } catch (error) {
      this.#tell(explain(error).message);
      return undefined;
    }
  }

  async #open(): Promise<IDBDatabase> {
    this.#database ??= openDatabase(this.#name, {
      blocked: (reason) => this.#tell(reason),
      lost: (reason) => {
        this.#database = Promise.reject(new StorageProblem(reason));
        this.#database.catch(() => undefined);
        this.available = false;
        this.#tell(reason);
      },
    });
    try {
      return await this.#database;
    } catch (error) {
      this.available = false;
      throw error;
    }
  }

  #tell(problem: string | null): void {
    if (problem === this.problem) return;
    this.problem = problem;
    this.dispatchEvent(new Event("problem"));
  }

  #changed(paths: string[], origin: "here" | "other-tab"): void {
    this.dispatchEvent(new CustomEvent("change", { detail: { paths, origin } }));
  }
}

/** The name of the workspace of the site at `root`: sites that share an origin do not share work. */
export function workspaceName(root: string): string {
  return `tinytorch:${new URL(root).pathname}`;
}

let store: WorkspaceStore | undefined;

/** The one store of this page. */
export function workspaceStore(): WorkspaceStore {
  return (store ??= new BrowserStore(workspaceName(siteRoot)));
}
