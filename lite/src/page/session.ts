/** One page, one Python session: what must happen before a cell runs, and which objects in it are of old code. */
import type { CheckReply } from "../elements/types.ts";
import { type ExecuteReply, type Kernel, type Output, pageKernel } from "../kernel/kernel.ts";
import { type WorkspaceChange, type WorkspaceStore, workspaceStore } from "../workspace/store.ts";

/** A cell that sets the session up before any other runs. */
export interface SetupCell {
  run(): Promise<unknown>;
}

/** A source of text that the engine has not seen yet. */
export interface PendingEdit {
  step: string;
  code: string;
  /** Called with the text that the engine has taken over. */
  adopted(code: string): void;
}

export interface LivePackage {
  package: "student" | "reference";
  /** Open steps of earlier chapters, because of which the reference is used. */
  missing?: string[];
  /** Steps of the student's package that come from the reference for now. */
  filled?: string[];
  /** Whether the modules in the session are other ones than before. */
  reloaded?: boolean;
  /** Why the student's package could not be loaded. */
  problem?: string;
}

const MODULE = /^tinytorch\/.+\.py$/;

/** Events: "package" (read `live`), "restarted". */
export class Session extends EventTarget {
  /** Which package the cells of this page run on; null before the first one ran. */
  live: LivePackage | null = null;
  /** Objects made by earlier cells may be of code that has changed since. */
  stale = false;
  #prepared: Promise<void> | null = null;
  #ran = false;
  #setupDone = new Set<SetupCell>();
  readonly #setup: SetupCell[] = [];
  readonly #pending = new Map<string, PendingEdit>();

  constructor(
    readonly kernel: Kernel,
    readonly store: WorkspaceStore,
    /** The page's chapter, or null for a page that belongs to none. */
    readonly level: number | null,
  ) {
    super();
    store.addEventListener("change", (event) => {
      const { paths } = (event as WorkspaceChange).detail;
      if (paths.some((path) => MODULE.test(path))) this.codeChanged();
    });
    kernel.addEventListener("restarted", () => {
      this.#prepared = null;
      this.#setupDone.clear();
      this.#ran = false;
      this.stale = false;
      this.dispatchEvent(new Event("restarted"));
    });
  }

  /** The reader is about to use Python: start it. */
  intent(): void {
    if (this.kernel.status === "off") void this.kernel.start().catch(() => undefined);
  }

  addSetup(cell: SetupCell): void {
    this.#setup.push(cell);
  }

  /** An exercise was edited: the next cell runs on the edited text. */
  edited(edit: PendingEdit): void {
    this.#pending.set(edit.step, edit);
  }

  get hasEdits(): boolean {
    return this.#pending.size > 0;
  }

  /** The whole workspace is another one: what the engine was still to be given belongs to the old. */
  replaced(): void {
    this.#pending.clear();
    this.codeChanged();
  }

  /** Cells have run: there may be objects made by them. */
  get hasRun(): boolean {
    return this.#ran;
  }

  /** The student's modules may be other ones now: load them before the next cell. */
  codeChanged(): void {
    this.#prepared = null;
  }

  /** Go on with the reference for these chapters. The choice is on record and can be taken back. */
  async useReference(chapters: number[], on: boolean): Promise<void> {
    await this.kernel.call({ call: "use_reference", chapters, on });
    this.codeChanged();
  }

  /** Run a cell of the page. */
  async run(code: string, onOutput: (output: Output) => void, cell?: SetupCell): Promise<ExecuteReply> {
    await this.#ready(cell);
    this.#ran = true;
    return this.kernel.execute(code, onOutput);
  }

  /** Run the answer of a step where the names of its module are known. */
  async runAnswer(code: string, module: string, onOutput: (output: Output) => void): Promise<ExecuteReply> {
    await this.#ready();
    const names = `
def _tt_names():
    try:
        import importlib
        names = vars(importlib.import_module("tinytorch.${module}"))
    except Exception:
        return
    for name, value in names.items():
        if not name.startswith("__"):
            globals().setdefault(name, value)
_tt_names()
del _tt_names`;
    await this.kernel.execute(names, () => undefined, { silent: true });
    this.#ran = true;
    return this.kernel.execute(code, onOutput);
  }

  /** Check a step. The engine stores the text in the student's module first. */
  async check(step: string, code: string): Promise<CheckReply> {
    const pending = this.#pending.get(step);
    const reply = await this.kernel.call<CheckReply>({ call: "check", step, code });
    pending?.adopted(code);
    if (pending?.code === code) this.#pending.delete(step);
    return reply;
  }

  /** Hand every text that the engine has not seen to it. */
  async flush(): Promise<void> {
    for (const edit of [...this.#pending.values()]) {
      await this.kernel.call({ call: "save", step: edit.step, code: edit.code });
      edit.adopted(edit.code);
      if (this.#pending.get(edit.step) === edit) this.#pending.delete(edit.step);
    }
  }

  async #ready(asking?: SetupCell): Promise<void> {
    await this.kernel.start();
    await this.flush();
    // Every caller that comes while it is prepared waits for the same preparation.
    this.#prepared ??= this.#prepare();
    const preparing = this.#prepared;
    try {
      await preparing;
    } catch (error) {
      if (this.#prepared === preparing) this.#prepared = null;
      throw error;
    }
    if (asking) this.#setupDone.add(asking);
    for (const cell of this.#setup) {
      if (cell === asking) break;
      if (this.#setupDone.has(cell)) continue;
      this.#setupDone.add(cell);
      await cell.run();
    }
  }

  async #prepare(): Promise<void> {
    this.live = await this.kernel.call<LivePackage>({ call: "prepare_live", chapter: this.level });
    if (this.live.reloaded && this.#ran) this.stale = true;
    this.dispatchEvent(new Event("package"));
  }
}

let session: Session | undefined;

/** The session of this page. */
export function pageSession(): Session {
  const level = document.querySelector<HTMLElement>("tt-cell[data-level], tt-exercise[data-level]")?.dataset["level"];
  return (session ??= new Session(pageKernel(), workspaceStore(), level ? Number(level) : null));
}
