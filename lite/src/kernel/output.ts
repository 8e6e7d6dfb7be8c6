/** Bounds what one cell may send to the page, so that no program can drown it. */
import type { KernelMessage } from "./protocol.ts";

export const LIMITS = {
  /** Lines and characters of text streams that are shown from the start. */
  lines: 2_000,
  characters: 250_000,
  /** Lines shown from the end, when there was more. */
  tail: 20,
  /** Messages of one cell, of any kind. */
  messages: 5_000,
  /** Characters of displays and results. */
  data: 32_000_000,
  /** Milliseconds between two updates of one display. */
  update: 50,
};

const HIDDEN = "tinytorch-hidden-output";

/** The budget of one execution. */
export class OutputBudget {
  #lines = 0;
  #characters = 0;
  #messages = 0;
  #data = 0;
  #hiddenLines = 0;
  #hiddenOutputs = 0;
  #tail = "";
  #noted = false;
  #lastUpdate = 0;
  #heldUpdate: KernelMessage | null = null;

  constructor(
    private readonly send: (message: KernelMessage) => void,
    private readonly limits = LIMITS,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** Text of a stream: shown while it fits, then counted, and its end kept. */
  stream(name: string, text: string): void {
    const shown = this.#messages < this.limits.messages ? this.#fitting(text) : 0;
    if (shown > 0) this.#pass({ type: "stream", bundle: { name, text: text.slice(0, shown) } });
    if (shown === text.length) return;
    const rest = text.slice(shown);
    this.#hiddenLines += countLines(rest);
    this.#tail = lastLines(this.#tail + rest, this.limits.tail);
    this.#note();
  }

  /** Any other message of the kernel. */
  message(message: KernelMessage): void {
    if (message.type === "execute_error") return this.#pass(message);
    if (message.type === "clear_output" && this.#messages < this.limits.messages) {
      this.#lines = this.#characters = this.#data = this.#hiddenLines = 0;
      this.#tail = "";
      this.#noted = false;
    }
    this.#data += sizeOf(message);
    if (this.#messages >= this.limits.messages || this.#data > this.limits.data) {
      this.#hiddenOutputs += 1;
      return this.#note();
    }
    if (message.type !== "update_display_data") return this.#pass(message);
    // Of updates that come faster than anybody can see, the last one is enough.
    if (this.#heldUpdate && !sameDisplay(this.#heldUpdate, message)) this.#release();
    if (this.now() - this.#lastUpdate < this.limits.update) this.#heldUpdate = message;
    else {
      this.#heldUpdate = null;
      this.#lastUpdate = this.now();
      this.#pass(message);
    }
  }

  /** The cell ended: say how much was hidden, and show the end of it. */
  finish(): void {
    this.#release();
    if (!this.#noted) return;
    const parts = [];
    if (this.#hiddenOutputs > 0) parts.push(`… ${format(this.#hiddenOutputs)} outputs hidden …`);
    const kept = countLines(this.#tail);
    if (this.#hiddenLines > kept) parts.push(`… ${format(this.#hiddenLines - kept)} lines hidden …`);
    if (this.#tail) parts.push(this.#tail);
    this.send(note("update_display_data", parts.join("\n")));
  }

  #fitting(text: string): number {
    const end = Math.min(text.length, this.limits.characters - this.#characters);
    let position = 0;
    while (position < end && this.#lines < this.limits.lines) {
      const newline = text.indexOf("\n", position);
      if (newline < 0 || newline >= end) {
        position = end;
        break;
      }
      position = newline + 1;
      this.#lines += 1;
    }
    this.#characters += position;
    return position;
  }

  #pass(message: KernelMessage): void {
    if (message !== this.#heldUpdate) this.#release();
    this.#messages += 1;
    this.send(message);
  }

  #release(): void {
    const held = this.#heldUpdate;
    this.#heldUpdate = null;
    if (held) this.#pass(held);
  }

  /** Said as soon as something is hidden, because a program that is killed never reaches its end. */
  #note(): void {
    if (this.#noted) return;
    this.#noted = true;
    this.#release();
    this.send(note("display_data", "… more output hidden …"));
  }
}

function note(type: string, text: string): KernelMessage {
  return { type, bundle: { data: { "text/plain": text }, metadata: {}, transient: { display_id: HIDDEN } } };
}

function displayId(message: KernelMessage): unknown {
  return (message.bundle?.transient as { display_id?: unknown } | undefined)?.display_id;
}

function sameDisplay(a: KernelMessage, b: KernelMessage): boolean {
  return displayId(a) === displayId(b);
}

function sizeOf(message: KernelMessage): number {
  let size = 0;
  for (const value of Object.values((message.bundle?.data as Record<string, unknown> | undefined) ?? {})) {
    if (typeof value === "string") size += value.length;
  }
  return size;
}

function countLines(text: string): number {
  let lines = 0;
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) lines += 1;
  return lines;
}

function lastLines(text: string, lines: number): string {
  let start = text.length;
  if (text.endsWith("\n")) start -= 1;
  for (let found = 0; found < lines; found += 1) {
    start = text.lastIndexOf("\n", start - 1);
    if (start <= 0) break;
  }
  return start > 0 ? text.slice(start + 1).slice(-20_000) : text.slice(-20_000);
}

const format = (count: number): string => count.toLocaleString("en-US");
