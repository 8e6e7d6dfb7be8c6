/** What a live cell and an exercise share: source and editor, buttons, output, status. */
import type { ExecuteReply, StatusEvent } from "../kernel/kernel.ts";
import { KernelStopped } from "../kernel/kernel.ts";
import { pageSession, type Session } from "../page/session.ts";
import { button, enable, h } from "./dom.ts";
import type { Editor, LineMark } from "./editor.ts";
import { OutputArea, renderError } from "./output.ts";
import type { Status } from "./types.ts";

/** How far below the screen an element gets its editor ready. */
const NEAR = "800px 0px";
/** A pointer that only passes over is no intent. */
const DWELL = 150;

let serial = 0;
const nearby = new IntersectionObserver(
  (entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      nearby.unobserve(entry.target);
      void (entry.target as LiveElement).mountEditor();
    }
  },
  { rootMargin: NEAR },
);

export abstract class LiveElement extends HTMLElement {
  protected readonly serial = ++serial;
  protected readonly session: Session = pageSession();
  protected editor: Editor | null = null;
  protected output!: OutputArea;
  /** The verdict in words; announced when it changes. */
  protected verdict!: HTMLElement;
  protected runButton!: HTMLButtonElement;
  protected stopButton!: HTMLButtonElement;
  #text = "";
  #codeHost: HTMLElement | null = null;
  #mounting: Promise<void> | null = null;
  #built = false;

  /** The accessible name of the text field. */
  protected abstract readonly label: string;
  /** Add what only this kind of element has; the shared parts exist. */
  protected abstract build(bar: HTMLElement): void;
  protected abstract edited(text: string): void;
  abstract run(): Promise<unknown>;
  abstract check(): Promise<unknown>;
  abstract reset(): void | Promise<void>;

  connectedCallback(): void {
    if (this.#built) return;
    this.#built = true;
    const source = this.querySelector<HTMLElement>(".tt-source");
    this.#text = source?.textContent ?? "";
    this.status = "idle";
    if (source && !source.hidden) {
      this.#codeHost = h("div", { class: "tt-code" });
      source.replaceWith(this.#codeHost);
      this.#codeHost.append(source);
      nearby.observe(this);
    }
    this.runButton = button("Run", () => void this.run(), { icon: "run", keys: "Shift+Enter" });
    // The name by which sphinx-thebe presses the button of a setup cell.
    this.runButton.classList.add("thebelab-run-button");
    this.stopButton = button("Stop", () => void this.stop(), { icon: "stop", className: "tt-stop" });
    this.stopButton.hidden = true;
    this.verdict = h("p", { class: "tt-verdict", role: "status" });
    const bar = h("div", { class: "tt-bar" });
    const output = this.querySelector<HTMLElement>(".tt-output") ?? h("div", { class: "tt-output" });
    this.output = new OutputArea(output);
    this.append(bar);
    this.build(bar);
    if (!output.isConnected) this.append(output);
    this.#watchIntent();
  }

  get status(): Status {
    return (this.getAttribute("status") as Status | null) ?? "idle";
  }
  protected set status(status: Status) {
    this.setAttribute("status", status);
    if (!this.stopButton) return;
    const busy = status === "running" || status === "booting";
    this.busyChanged(busy);
    const focused = document.activeElement;
    this.stopButton.hidden = !busy;
    this.runButton.hidden = busy;
    // The button that was pressed is gone: the focus goes to the one in its place.
    if (busy && focused === this.runButton) this.stopButton.focus();
    if (!busy && focused === this.stopButton) this.runButton.focus();
  }

  /** Work begins or ends. */
  protected busyChanged(_busy: boolean): void {}

  get code(): string {
    return this.editor?.text ?? this.#text;
  }
  set code(text: string) {
    if (text === this.code) return;
    this.show(text);
    this.edited(text);
  }

  /** Show a text without counting it as an edit. */
  protected show(text: string): void {
    this.#text = text;
    if (this.editor) this.editor.text = text;
    else {
      const code = this.#codeHost?.querySelector(".tt-source code");
      if (code && code.textContent !== text) code.textContent = text;
    }
  }

  async stop(): Promise<void> {
    enable(this.stopButton, false);
    this.say("Stopping.");
    try {
      await this.session.kernel.stop();
    } finally {
      enable(this.stopButton, true);
    }
  }

  /** Put the editor in the place of the static code. */
  mountEditor(): Promise<void> {
    return (this.#mounting ??= this.#mount());
  }

  async #mount(): Promise<void> {
    const host = this.#codeHost;
    if (!host) return;
    let create;
    try {
      ({ createEditor: create } = await import("./editor.ts"));
    } catch {
      this.#mounting = null;
      this.say("The editor could not be loaded. Reload the page; the code still runs as it is.");
      return;
    }
    const keys = h("p", { class: "tt-keys", id: `tt-keys-${this.serial}` }, this.keysHint());
    const hadFocus = host.contains(document.activeElement);
    const parent = h("div", { class: "tt-editor" });
    this.editor = create({
      parent,
      text: this.#text,
      label: this.label,
      describedBy: keys.id,
      onChange: (text) => this.edited(text),
      onRun: () => void this.run(),
      onCheck: () => void this.check(),
    });
    // One step, so that nothing moves in between.
    host.replaceChildren(parent, keys);
    if (hadFocus) this.editor.focus();
  }

  protected keysHint(): string {
    return "Shift+Enter runs this code. Escape, then Tab, leaves the editor.";
  }

  protected say(...words: (Node | string)[]): void {
    this.verdict.replaceChildren(...words);
  }

  protected mark(marks: LineMark[]): void {
    this.editor?.mark(marks);
  }

  /** Show that Python starts or works, and keep the phase current until `work` is done. */
  protected async whileWorking<T>(verb: string, work: () => Promise<T>): Promise<T> {
    const { kernel } = this.session;
    const show = (status: string, phase?: string) => {
      const booting = status === "off" || status === "booting" || status === "restarting";
      this.status = booting ? "booting" : "running";
      this.say(`${booting ? (phase ?? "Starting Python") : verb}…`);
    };
    const follow = (event: Event) => {
      const { status, phase } = (event as StatusEvent).detail;
      if (status !== "dead") show(status, phase);
    };
    show(kernel.status);
    kernel.addEventListener("status", follow);
    try {
      return await work();
    } finally {
      kernel.removeEventListener("status", follow);
    }
  }

  /** Run code into the output area. Resolves when it has ended, however it ended. */
  protected async execute(run: () => Promise<ExecuteReply>): Promise<ExecuteReply> {
    this.output.clear();
    this.mark([]);
    try {
      const reply = await this.whileWorking("Running", run);
      if (reply.status === "error" && reply.line) {
        this.mark([{ line: reply.line, message: `${reply.ename ?? "Error"}: ${reply.evalue ?? ""}` }]);
      }
      return reply;
    } catch (error) {
      if (error instanceof KernelStopped) return { status: "stopped" };
      this.problem(error);
      return { status: "error", ename: "Problem" };
    }
  }

  /** Something of the page, not of the reader's code, went wrong. */
  protected problem(error: unknown): void {
    const hint = error instanceof Error && "hint" in error && typeof error.hint === "string" ? [error.hint] : [];
    const message = error instanceof Error ? error.message : String(error);
    this.output.element.append(renderError("This did not work", message, hint));
  }

  #watchIntent(): void {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const intent = () => this.session.intent();
    this.addEventListener("focusin", intent, { once: true });
    this.addEventListener("pointerenter", () => (timer = setTimeout(intent, DWELL)));
    this.addEventListener("pointerleave", () => clearTimeout(timer));
  }
}
