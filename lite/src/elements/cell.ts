/** `<tt-cell>`: a piece of code of the page that runs in the page's Python session. */
import type { ExecuteReply } from "../kernel/kernel.ts";
import { button, h } from "./dom.ts";
import { LiveElement } from "./live-element.ts";

/** Edits of a cell live as long as the tab: they are trials, not work. */
const remembered = (index: number) => `tt-cell:${location.pathname}:${index}`;

export class TinyTorchCell extends LiveElement {
  protected readonly label = `Python code, cell ${this.serial}`;
  #original = "";
  #resetButton!: HTMLButtonElement;
  /** Where the output of a cell that hides it goes, once there is some. */
  #fold: HTMLDetailsElement | null = null;
  #storage: { getItem(key: string): string | null; setItem(key: string, value: string): void } | null = null;

  get #tags(): string[] {
    return (this.dataset["tags"] ?? "").split(" ");
  }

  protected build(bar: HTMLElement): void {
    this.#original = this.code;
    this.#resetButton = button("Reset", () => this.reset(), { describe: "Bring the code of the book back", className: "tt-quiet" });
    this.#resetButton.hidden = true;
    bar.append(this.runButton, this.stopButton, this.verdict, this.#resetButton);
    if (this.#tags.includes("thebe-init")) this.session.addSetup(this);
    const output = this.output.element;
    if (this.#tags.includes("remove-output")) output.hidden = true;
    else if (this.#tags.some((tag) => tag === "hide-output" || tag === "hide-cell") && !output.closest("details")) {
      this.#fold = h("details", { class: "tt-fold", hidden: true }, h("summary", {}, "Show the output"), output);
      this.append(this.#fold);
    }
    this.#restore();
  }

  #restore(): void {
    try {
      this.#storage = sessionStorage;
      const kept = JSON.parse(this.#storage.getItem(remembered(this.serial)) ?? "null") as [string, string] | null;
      // Only where the book still has the code that was edited.
      if (kept && kept[0] === this.#original) this.code = kept[1];
    } catch {
      this.#storage = null;
    }
  }

  protected edited(text: string): void {
    this.#resetButton.hidden = text === this.#original;
    try {
      this.#storage?.setItem(remembered(this.serial), JSON.stringify([this.#original, text]));
    } catch {
      this.#storage = null;
    }
  }

  async run(): Promise<ExecuteReply> {
    if (this.status === "running" || this.status === "booting") return { status: "stopped" };
    let stale = false;
    const reply = await this.execute(async () => {
      const reply = await this.session.run(this.code, (output) => this.output.add(output), this);
      stale = this.session.stale;
      return reply;
    });
    if (this.#fold) this.#fold.hidden = this.output.empty;
    if (reply.status === "stopped") {
      this.status = "stopped";
      this.say("Stopped.");
    } else if (reply.status === "error") {
      this.status = "error";
      const meant = this.#tags.includes("raises-exception") ? " This cell is meant to." : "";
      this.say(reply.line ? `Stopped with an error on line ${reply.line}.${meant}` : `Stopped with an error.${meant}`);
    } else {
      this.status = "idle";
      this.say(this.output.empty ? "Done. It printed nothing." : "Done.");
    }
    if (stale) this.#sayStale();
    return reply;
  }

  /** A cell has nothing to check: its check is to run. */
  check(): Promise<ExecuteReply> {
    return this.run();
  }

  reset(): void {
    this.code = this.#original;
    if (document.activeElement === this.#resetButton) this.runButton.focus();
    this.#resetButton.hidden = true;
    this.say("The code of the book is back.");
  }

  #sayStale(): void {
    this.session.stale = false;
    this.verdict.append(
      h("span", { class: "tt-stale" }, " It ran on your changed code. Objects made before the change are of the old code: run the cells above again."),
    );
  }
}
