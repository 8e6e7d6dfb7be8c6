/** The output area of a cell: streams merged, rich results, errors; bounded, and never markup of the page. */
import type { Output } from "../kernel/kernel.ts";
import { overwritten, renderAnsi, stripAnsi } from "./ansi.ts";
import { h } from "./dom.ts";

/** The worker bounds what it sends; these bound what one cell may put on the page, whoever sends. */
const MAX_STREAM = 100_000;
const MAX_BLOCKS = 200;

type Data = Extract<Output, { kind: "data" }>;

/** A picture kept out of the document: an image can neither run scripts nor reach the page. */
function picture(source: string, data: Record<string, string>): HTMLImageElement {
  const words = data["text/plain"];
  const alt = words && !words.startsWith("<") ? `Picture made by this cell: ${words}` : "Picture made by this cell";
  return h("img", { class: "tt-picture", src: source, alt });
}

function svgPicture(svg: string, data: Record<string, string>): HTMLImageElement {
  const address = URL.createObjectURL(new Blob([svg], { type: "image/svg+xml" }));
  const image = picture(address, data);
  const release = () => URL.revokeObjectURL(address);
  image.addEventListener("load", release, { once: true });
  image.addEventListener("error", release, { once: true });
  return image;
}

function richHtml(html: string): HTMLElement {
  const block = h("div", { class: "tt-html", tabindex: "0" });
  // Loaded with the first HTML output: most pages never show one.
  void import("./sanitize.ts").then(({ sanitize }) => block.append(sanitize(html)));
  return block;
}

/** Show the richest form of a mime bundle. */
export function renderData({ data }: Pick<Data, "data">): HTMLElement {
  for (const kind of ["png", "jpeg", "gif"]) {
    const encoded = data[`image/${kind}`];
    if (encoded) return picture(`data:image/${kind};base64,${encoded.replace(/\s/g, "")}`, data);
  }
  const svg = data["image/svg+xml"];
  if (svg) return svgPicture(svg, data);
  const html = data["text/html"];
  if (html) return richHtml(html);
  const text = data["text/markdown"] ?? data["text/latex"] ?? data["text/plain"] ?? Object.keys(data).join(", ");
  const block = h("pre", { class: "tt-text", tabindex: "0" });
  block.append(renderAnsi(text.slice(0, MAX_STREAM)));
  return block;
}

/** An error as Python prints it, headed by what happened. */
export function renderError(ename: string, evalue: string, traceback: string[]): HTMLElement {
  const trace = h("pre", { class: "tt-text tt-traceback", tabindex: "0" });
  const text = traceback.join("\n").trim();
  trace.append(renderAnsi(text.length > MAX_STREAM ? text.slice(-MAX_STREAM) : text));
  return h(
    "div",
    { class: "tt-raised" },
    h("p", { class: "tt-raised-what" }, h("strong", {}, ename), evalue ? `: ${stripAnsi(evalue)}` : ""),
    text ? trace : null,
  );
}

/** One stream's text, redrawn at most once a frame. */
class StreamBlock {
  readonly element: HTMLPreElement;
  #text = "";
  #dropped = 0;
  #scheduled = false;

  constructor(readonly name: "stdout" | "stderr") {
    this.element = h("pre", { class: `tt-text tt-${name}`, tabindex: "0" });
  }

  append(text: string): void {
    this.#text = overwritten(this.#text + text);
    if (this.#text.length > MAX_STREAM) {
      const cut = this.#text.length - MAX_STREAM;
      this.#dropped += cut;
      this.#text = this.#text.slice(cut);
    }
    if (this.#scheduled) return;
    this.#scheduled = true;
    requestAnimationFrame(() => this.draw());
  }

  draw(): void {
    this.#scheduled = false;
    this.element.replaceChildren(renderAnsi(this.#text));
    if (this.#dropped > 0) {
      this.element.prepend(h("em", { class: "tt-note" }, `${this.#dropped.toLocaleString("en")} earlier characters are not shown.\n`));
    }
  }
}

/** What one cell has put out. */
export class OutputArea {
  #stream: StreamBlock | null = null;
  #byId = new Map<string, HTMLElement>();
  #clearNext = false;
  #full = false;

  constructor(readonly element: HTMLElement) {}

  get empty(): boolean {
    return this.element.childElementCount === 0;
  }

  clear(): void {
    this.element.replaceChildren();
    this.#stream = null;
    this.#byId.clear();
    this.#clearNext = false;
    this.#full = false;
  }

  add(output: Output): void {
    if (output.kind === "clear") {
      if (output.wait) this.#clearNext = true;
      else this.clear();
      return;
    }
    if (this.#clearNext) this.clear();
    if (output.kind === "stream") {
      if (this.#stream?.name !== output.name) {
        const block = new StreamBlock(output.name);
        if (!this.#append(block.element)) return;
        this.#stream = block;
      }
      this.#stream.append(output.text);
      return;
    }
    if (output.kind === "error") {
      this.#append(renderError(output.ename, output.evalue, output.traceback));
      return;
    }
    const shown = output.id === undefined ? undefined : this.#byId.get(output.id);
    const block = renderData(output);
    if (output.update) {
      shown?.replaceWith(block);
      if (!shown) return;
    } else if (!this.#append(block)) return;
    if (output.id !== undefined) this.#byId.set(output.id, block);
  }

  #append(block: HTMLElement): boolean {
    this.#stream = null;
    if (this.element.childElementCount < MAX_BLOCKS) {
      this.element.append(block);
      return true;
    }
    if (!this.#full) this.element.append(h("p", { class: "tt-note" }, `Only the first ${MAX_BLOCKS} outputs are shown.`));
    this.#full = true;
    return false;
  }
}
