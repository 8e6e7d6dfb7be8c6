/** JupyterLite's files are the site's workspace; what is not text stays in JupyterLite's own storage. */
import type { Contents } from "@jupyterlab/services";
import { BrowserStorageDrive } from "@jupyterlite/services";
import type { Entry, WorkspaceChange, WorkspaceStore } from "../workspace/store.ts";
import { fromModel, toFolder, toModel } from "./models.ts";
import { withOwnTexts } from "./notebooks.ts";

type Model = Contents.IModel;

/** The part of localForage's interface that the drive uses. */
interface Storage {
  getItem(path: string): Promise<Model | null>;
  setItem(path: string, model: Model): Promise<Model>;
  removeItem(path: string): Promise<void>;
  keys(): Promise<string[]>;
  iterate(visit: (model: Model, path: string) => void): Promise<void>;
  clear(): Promise<void>;
}

/** Contents models over the workspace store, and over `beside` for what the store does not keep. */
class WorkspaceStorage implements Storage {
  constructor(
    private readonly workspace: () => WorkspaceStore,
    private readonly beside: Storage,
  ) {}

  get store(): WorkspaceStore {
    return this.workspace();
  }

  async getItem(path: string): Promise<Model | null> {
    const entries = await this.store.entries();
    const entry = entries.find((candidate) => candidate.path === path);
    if (entry) return toModel(entry);
    const inside = entries.filter((candidate) => candidate.path.startsWith(`${path}/`));
    return inside.length > 0 ? toFolder(path, inside) : this.beside.getItem(path);
  }

  async setItem(path: string, model: Model): Promise<Model> {
    const text = fromModel(model);
    if (text === null) {
      // A folder exists in the workspace as soon as a file is in it.
      await this.beside.setItem(path, model);
      return model;
    }
    await this.store.write({ [path]: text });
    await this.beside.removeItem(path);
    return model;
  }

  async removeItem(path: string): Promise<void> {
    if ((await this.store.read(path)) !== undefined) await this.store.write({}, [path]);
    await this.beside.removeItem(path);
  }

  async keys(): Promise<string[]> {
    return [...(await this.#models()).keys()];
  }

  async iterate(visit: (model: Model, path: string) => void): Promise<void> {
    for (const [path, model] of await this.#models()) visit(model, path);
  }

  async clear(): Promise<void> {
    await this.store.replaceAll(new Map());
    await this.beside.clear();
  }

  async #models(): Promise<Map<string, Model>> {
    const models = new Map<string, Model>();
    await this.beside.iterate((model, path) => {
      models.set(path, model);
    });
    const entries = await this.store.entries();
    for (const folder of foldersOf(entries)) {
      models.set(folder, toFolder(folder, entries.filter(({ path }) => path.startsWith(`${folder}/`))));
    }
    for (const entry of entries) models.set(entry.path, toModel(entry));
    return models;
  }
}

function foldersOf(entries: Entry[]): Set<string> {
  const folders = new Set<string>();
  for (const { path } of entries) {
    for (let at = path.indexOf("/"); at > 0; at = path.indexOf("/", at + 1)) folders.add(path.slice(0, at));
  }
  return folders;
}

export class WorkspaceDrive extends BrowserStorageDrive {
  readonly #store: WorkspaceStore;

  constructor(store: WorkspaceStore, options: BrowserStorageDrive.IOptions) {
    super(options);
    this.#store = store;
    store.addEventListener("change", (event) => void this.#announce((event as WorkspaceChange).detail.paths));
  }

  protected override createDefaultStorage(): ReturnType<BrowserStorageDrive["createDefaultStorage"]> {
    const beside = super.createDefaultStorage();
    // The parent's constructor calls this, before the field exists.
    return new WorkspaceStorage(() => this.#store, beside as unknown as Storage) as unknown as typeof beside;
  }

  /** A chapter's notebook is the site's until it is saved: its steps are then in the workspace all the same. */
  override async get(path: string, options?: Contents.IFetchOptions): Promise<Model> {
    const model = await super.get(path, options);
    const ofTheSite = model.type === "notebook" && model.content && (await this.#store.read(path)) === undefined;
    return ofTheSite ? withOwnTexts(model, this.#store) : model;
  }

  /** What Python, a page of the book or another tab wrote shows in open documents and in the file list. */
  async #announce(paths: string[]): Promise<void> {
    const signal = this.fileChanged as unknown as { emit(change: Contents.IChangedArgs): void };
    for (const path of paths) {
      const model = await this.get(path, { content: false }).catch(() => null);
      if (model) signal.emit({ type: "save", oldValue: null, newValue: model });
      else signal.emit({ type: "delete", oldValue: { path }, newValue: null });
    }
  }
}
