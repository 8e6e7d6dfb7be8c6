/** A step's text in the workspace: loaded without Python, saved while it is typed. */
import type { WorkspaceChange, WorkspaceStore } from "../workspace/store.ts";
import { PROGRESS, readProgress, type StepRecord } from "../workspace/progress.ts";
import { extract } from "./regions.ts";

export type SaveState = "untouched" | "saving" | "saved" | "failed";

/** How long a keystroke waits until the text is stored; the next one does not make it wait longer. */
const DELAY = 200;

/** Events: "state" (read `state`), "foreign" (CustomEvent<string>: the stored text became another one). */
export class StepText extends EventTarget {
  state: SaveState = "untouched";
  #current: string;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #edited = false;
  readonly draft: string;
  readonly #module: string;

  constructor(
    readonly store: WorkspaceStore,
    readonly step: string,
    module: string,
    readonly starter: string,
  ) {
    super();
    this.#current = starter;
    this.draft = `.tito/drafts/${step}.py`;
    this.#module = `tinytorch/${module}.py`;
    store.addEventListener("change", (event) => void this.#changed((event as WorkspaceChange).detail));
    const leave = () => {
      if (document.visibilityState === "hidden") void this.flush();
    };
    document.addEventListener("visibilitychange", leave);
    window.addEventListener("pagehide", () => void this.flush());
  }

  /** The stored text of the step, or null when nothing of it is stored. */
  async stored(): Promise<string | null> {
    const draft = await this.store.read(this.draft);
    if (draft !== undefined) return draft;
    const module = await this.store.read(this.#module);
    return module === undefined ? null : extract(module, this.step);
  }

  /** The text to show: what is stored, else the starter. */
  async load(): Promise<string> {
    const stored = await this.stored();
    if (this.#edited) return this.#current;
    this.#current = stored ?? this.starter;
    this.#say(stored === null || stored === this.starter ? "untouched" : "saved");
    return this.#current;
  }

  /** Every edit comes through here. */
  edit(text: string): void {
    this.#current = text;
    this.#edited = true;
    this.#say("saving");
    this.#timer ??= setTimeout(() => void this.flush(), DELAY);
  }

  /** Store what is not stored yet. */
  async flush(): Promise<void> {
    this.#cancel();
    if (this.state !== "saving" && this.state !== "failed") return;
    const text = this.#current;
    try {
      await this.store.write({ [this.draft]: text });
      if (text === this.#current) this.#say("saved");
    } catch {
      this.#say("failed");
    }
  }

  /** The engine has put this text into the module: typing since then is what is still to be stored. */
  adopted(text: string): void {
    if (text !== this.#current) return;
    this.#cancel();
    this.#edited = false;
    // The engine has it in Python's files; whether the browser keeps those is another matter.
    this.#say(this.store.problem === null ? "saved" : "failed");
  }

  /** Take the stored text in place of the one shown here. */
  async reload(): Promise<string> {
    this.#cancel();
    this.#edited = false;
    return this.load();
  }

  #cancel(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  async record(): Promise<StepRecord> {
    const text = await this.store.read(PROGRESS);
    return readProgress(new Map(text === undefined ? [] : [[PROGRESS, text]])).steps[this.step] ?? {};
  }

  async #changed({ paths, origin }: WorkspaceChange["detail"]): Promise<void> {
    if (paths.includes(PROGRESS)) this.dispatchEvent(new Event("record"));
    if (!paths.includes(this.draft) && !paths.includes(this.#module)) return;
    const stored = (await this.stored()) ?? this.starter;
    if (stored === this.#current) {
      if (this.state !== "untouched") this.#say("saved");
      return;
    }
    if (origin === "here" && this.#edited) {
      // A check stored the text it was given; what was typed meanwhile is newer.
      this.#say("saving");
      await this.flush();
    } else this.dispatchEvent(new CustomEvent("foreign", { detail: stored }));
  }

  #say(state: SaveState): void {
    this.state = state;
    this.dispatchEvent(new Event("state"));
  }
}
