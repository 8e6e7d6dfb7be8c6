/** The kernel's messages, as outputs of the page. */
import type { KernelMessage } from "./protocol.ts";
import type { Output } from "./types.ts";

interface DataBundle {
  data?: Record<string, unknown>;
  metadata?: Record<string, unknown>;
  transient?: { display_id?: string } | null;
}

/** The output a message stands for; null when it is none (a comm, a status). */
export function toOutput({ type, bundle = {} }: KernelMessage): Output | null {
  switch (type) {
    case "stream":
      return { kind: "stream", name: bundle.name === "stderr" ? "stderr" : "stdout", text: String(bundle.text) };
    case "clear_output":
      return { kind: "clear", wait: bundle.wait === true };
    case "execute_error": {
      const { ename, evalue, traceback } = bundle as { ename: string; evalue: string; traceback?: string[] };
      return { kind: "error", ename, evalue, traceback: [...(traceback ?? [])] };
    }
    case "display_data":
    case "update_display_data":
    case "execute_result": {
      const { data, metadata, transient } = bundle as DataBundle;
      const output: Output = { kind: "data", data: texts(data ?? {}), metadata: metadata ?? {} };
      if (transient?.display_id) output.id = transient.display_id;
      if (type === "update_display_data") output.update = true;
      if (type === "execute_result") output.result = true;
      return output;
    }
    default:
      return null;
  }
}

/** Jupyter lets a JSON mime type carry an object; the page keeps text. */
function texts(data: Record<string, unknown>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(data).map(([mime, value]) => [mime, typeof value === "string" ? value : JSON.stringify(value)]),
  );
}
