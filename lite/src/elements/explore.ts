/**
 * `<tt-explore>`: a picture to move. Around a cell whose code declares controls in comments:
 *
 *     f = relu  # choose: relu, sigmoid
 *     x = 1.0  # slide: -5 to 5 by 0.25
 *
 * A control writes its value into the code and runs the cell; the new output takes the place of the old one when all
 * of it is there, and is read out once the reader pauses.
 */
import "../../styles/explore.css";
import type { TinyTorchCell } from "./cell.ts";
import { h } from "./dom.ts";

const DECLARED = /^(\w+)( = )(.+?)(  # (?:slide: (\S+) to (\S+) by (\S+)|choose: (.+)))$/;
/** A pause after which what is shown is read out, and after which a run that lasts shows its Stop button. */
const PAUSE = 600;

type Control = HTMLInputElement | HTMLSelectElement;

let serial = 0;

export class TinyTorchExplore extends HTMLElement {
  #cell: TinyTorchCell | null = null;
  readonly #controls = new Map<string, Control>();
  readonly #said = h("p", { class: "tt-heard", role: "status" });
  #running = false;
  #moved = false;
  #pause: ReturnType<typeof setTimeout> | undefined;

  connectedCallback(): void {
    if (this.#cell) return;
    this.#cell = this.querySelector<TinyTorchCell>("tt-cell");
    const bar = this.#cell?.querySelector(".tt-bar");
    if (!this.#cell || !bar) return;
    const group = h("div", { class: "tt-controls", role: "group", "aria-label": "Values in the code" });
    for (const line of this.#cell.code.split("\n")) {
      const [, name, , , , low, high, by, choices] = DECLARED.exec(line) ?? [];
      if (!name) continue;
      const id = `tt-control-${++serial}`;
      const control = choices
        ? h("select", { id }, ...choices.split(/,\s*/).map((choice) => h("option", {}, choice)))
        : h("input", { id, type: "range", min: low, max: high, step: by });
      control.addEventListener("input", () => this.#write(name, control.value));
      this.#controls.set(name, control);
      group.append(h("label", { for: id }, h("code", {}, name), " = ", choices ? null : h("output", { for: id })), control);
    }
    bar.after(group);
    this.append(this.#said);
    this.#read();
    // The code can also be edited by hand, or brought back with Reset.
    this.addEventListener("focusin", () => this.#read());
    this.addEventListener("click", () => queueMicrotask(() => this.#read()));
    this.addEventListener("keyup", () => this.#read());
  }

  /** Show the values that are in the code. */
  #read(): void {
    for (const line of this.#cell!.code.split("\n")) {
      const [, name = "", , value = ""] = DECLARED.exec(line) ?? [];
      const control = this.#controls.get(name);
      if (!control) continue;
      control.value = value;
      const shown = control.previousElementSibling?.querySelector("output");
      if (shown) shown.textContent = value;
    }
  }

  /** Write a value into the code and run it. */
  #write(name: string, value: string): void {
    const lines = this.#cell!.code.split("\n").map((line) => {
      const [, found, is, old = "", comment] = DECLARED.exec(line) ?? [];
      if (found !== name) return line;
      // A float stays one: 1.0 and not 1.
      const written = /^-?\d+\.\d/.test(old) && !value.includes(".") ? `${value}.0` : value;
      return `${name}${is}${written}${comment}`;
    });
    this.#cell!.code = lines.join("\n");
    this.#read();
    this.#moved = true;
    if (!this.#running) void this.#run();
  }

  /** Run until the newest values have been shown. */
  async #run(): Promise<void> {
    const cell = this.#cell!;
    this.#running = true;
    clearTimeout(this.#pause);
    this.setAttribute("driven", "");
    const slow = setTimeout(() => this.removeAttribute("driven"), PAUSE);
    while (this.#moved) {
      this.#moved = false;
      const reply = await this.#inPlace(() => cell.run());
      if (reply.status !== "ok") break;
    }
    clearTimeout(slow);
    this.#running = false;
    this.#pause = setTimeout(() => {
      this.removeAttribute("driven");
      this.#said.textContent = this.#words();
    }, PAUSE);
  }

  /** Keep the old output in sight while `run` makes the new one. */
  async #inPlace<T>(run: () => Promise<T>): Promise<T> {
    const output = this.querySelector<HTMLElement>(".tt-output")!;
    const old = output.cloneNode(true) as HTMLElement;
    output.before(old);
    output.hidden = true;
    try {
      const reply = await run();
      // Texts are drawn with the next frame, pictures when they are decoded.
      await new Promise(requestAnimationFrame);
      const pictures = [...output.querySelectorAll("img")];
      for (const picture of pictures) picture.alt = output.textContent?.trim() || picture.alt;
      await Promise.allSettled(pictures.map((picture) => picture.decode()));
      return reply;
    } finally {
      old.remove();
      output.hidden = false;
    }
  }

  /** What the output says. */
  #words(): string {
    return this.querySelector(".tt-output")?.textContent?.trim().slice(0, 300) ?? "";
  }
}
