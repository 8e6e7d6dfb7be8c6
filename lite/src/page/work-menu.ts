/** The menu of the reader's work in the page's header: Python's state, what is saved, export and import. */
import { button, h, icon } from "../elements/dom.ts";
import type { KernelStatus, StatusEvent } from "../kernel/kernel.ts";
import type { PageApi } from "./api.ts";
import type { Session } from "./session.ts";

const STATES: Record<KernelStatus, string> = {
  off: "Not started: it starts when you run something.",
  booting: "Starting…",
  idle: "Ready.",
  busy: "Running.",
  restarting: "Starting again…",
  dead: "Stopped. Restart it to go on.",
};

const names = (steps: string[]) => (steps.length > 3 ? `${steps.slice(0, 3).join(", ")} and ${steps.length - 3} more` : steps.join(", "));

export class WorkMenu {
  readonly element: HTMLElement;
  readonly #toggle: HTMLButtonElement;
  readonly #python = h("dd");
  readonly #package = h("dd");
  readonly #work = h("dd");
  readonly #said = h("p", { class: "tt-menu-said", role: "status" });
  readonly #panel: HTMLElement;
  readonly #file = h("input", { type: "file", accept: ".zip,application/zip", hidden: true, "aria-label": "Archive to import" });

  constructor(
    readonly session: Session,
    readonly api: PageApi,
  ) {
    this.#toggle = h(
      "button",
      { type: "button", class: "tt-menu-toggle", "aria-expanded": "false", "aria-controls": "tt-menu", click: () => this.#open(this.#panel.hidden) },
      icon("folder"),
      h("span", { class: "tt-menu-name" }, "Your work"),
      h("span", { class: "tt-light", "aria-hidden": "true" }),
    );
    this.#panel = h(
      "div",
      { class: "tt-menu", id: "tt-menu", role: "region", "aria-label": "Your work", hidden: true },
      h("dl", {}, h("dt", {}, "Python"), this.#python, h("dt", {}, "Cells run on"), this.#package, h("dt", {}, "Your files"), this.#work),
      h(
        "div",
        { class: "tt-menu-actions" },
        button("Export", () => void this.#export(), { describe: "Download your package and progress as a zip" }),
        button("Import", () => this.#file.click(), { describe: "Replace your work by an exported zip" }),
        button("Restart Python", () => void this.#restart(), { className: "tt-quiet" }),
      ),
      this.#said,
      this.#file,
    );
    this.element = h("div", { class: "tt-work" }, this.#toggle, this.#panel);
    this.#file.addEventListener("change", () => void this.#import());
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !this.#panel.hidden) {
        this.#open(false);
        this.#toggle.focus();
      }
    });
    document.addEventListener("pointerdown", (event) => {
      if (!this.element.contains(event.target as Node)) this.#open(false);
    });
    session.kernel.addEventListener("status", (event) => {
      const { status, phase } = (event as StatusEvent).detail;
      this.#showPython(status, phase);
    });
    session.addEventListener("package", () => this.#showPackage());
    session.store.addEventListener("problem", () => void this.#showWork());
    session.store.addEventListener("change", () => void this.#showWork());
    this.#showPython(session.kernel.status);
    this.#showPackage();
    void this.#showWork();
  }

  #open(open: boolean): void {
    this.#panel.hidden = !open;
    this.#toggle.setAttribute("aria-expanded", String(open));
  }

  #showPython(status: KernelStatus, phase?: string): void {
    this.#toggle.dataset["status"] = status;
    this.#python.textContent = phase && status === "booting" ? `${phase}…` : STATES[status];
  }

  #showPackage(): void {
    const { live } = this.session;
    const missing = live?.missing ?? [];
    if (!live) this.#package.textContent = "Decided when the first one runs.";
    else if (live.problem) this.#package.textContent = `the reference, because your package does not load: ${live.problem}`;
    else if (live.package === "student") this.#package.textContent = "your own package.";
    else this.#package.textContent = `the reference${missing.length > 0 ? `, until you have ${names(missing)}` : ""}.`;
  }

  async #showWork(): Promise<void> {
    const { store } = this.session;
    const files = await store.readAll().catch(() => new Map<string, string>());
    const own = [...files.keys()].filter((path) => path.startsWith("tinytorch/") || path.startsWith(".tito/drafts/"));
    this.#work.textContent = store.problem ?? (own.length === 0 ? "Nothing yet. What you write is kept in this browser." : "Saved in this browser.");
    this.#work.classList.toggle("tt-menu-problem", store.problem !== null);
    this.#toggle.classList.toggle("tt-menu-problem", store.problem !== null);
  }

  async #do(doing: string, work: () => Promise<string>): Promise<void> {
    this.#said.textContent = doing;
    try {
      this.#said.textContent = await work();
    } catch (error) {
      const hint = error instanceof Error && "hint" in error && typeof error.hint === "string" ? ` ${error.hint}` : "";
      this.#said.textContent = `${error instanceof Error ? error.message : String(error)}${hint}`;
    }
  }

  #export(): Promise<void> {
    return this.#do("Packing…", async () => {
      const address = URL.createObjectURL(await this.api.workspace.export());
      h("a", { href: address, download: "tinytorch-workspace.zip" }).click();
      setTimeout(() => URL.revokeObjectURL(address), 60_000);
      return "Exported tinytorch-workspace.zip.";
    });
  }

  async #import(): Promise<void> {
    const file = this.#file.files?.[0];
    this.#file.value = "";
    if (!file) return;
    await this.#do(`Reading ${file.name}…`, async () => {
      await this.api.workspace.import(file);
      return `${file.name} is now your workspace.`;
    });
  }

  #restart(): Promise<void> {
    return this.#do("Restarting…", async () => {
      await this.session.kernel.restart();
      return "Python is new: run the cells above again.";
    });
  }
}

/** Put the menu where the theme has the page's buttons. */
export function addWorkMenu(session: Session, api: PageApi): void {
  const menu = new WorkMenu(session, api);
  const buttons = document.querySelector(".article-header-buttons");
  if (buttons) buttons.prepend(menu.element);
  else document.body.prepend(menu.element);
}
