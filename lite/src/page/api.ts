/** `window.tinytorch`: what a page of the book offers to scripts, and what its own buttons use. */
import type { TinyTorchExercise } from "../elements/exercise.ts";
import type { Session } from "./session.ts";

export interface PageApi {
  /** Resolves when the elements work and show the stored texts. Python need not run for it. */
  readonly ready: Promise<void>;
  readonly workspace: {
    /** The workspace as the zip that `tito import` reads. */
    export(): Promise<Blob>;
    /** Replace the workspace by an exported one. */
    import(archive: Blob): Promise<{ files?: number }>;
  };
  /** The course engine's answer on every chapter and step. */
  progress(): Promise<Record<string, unknown>>;
  /** Milliseconds of each phase of the last start of Python. */
  readonly timings: Record<string, number>;
}

declare global {
  interface Window {
    tinytorch: PageApi;
  }
}

export const exercises = (): TinyTorchExercise[] => [...document.querySelectorAll<TinyTorchExercise>("tt-exercise")];

async function toBase64(blob: Blob): Promise<string> {
  const bytes = new Uint8Array(await blob.arrayBuffer());
  let text = "";
  // Long argument lists overflow the stack.
  for (let at = 0; at < bytes.length; at += 32_768) text += String.fromCharCode(...bytes.subarray(at, at + 32_768));
  return btoa(text);
}

function fromBase64(text: string): Blob {
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  return new Blob([bytes], { type: "application/zip" });
}

/** The page's functions on a session; `ready` is given by the caller, who defines the elements. */
export function pageApi(session: Session, ready: Promise<void>): PageApi {
  const { kernel } = session;
  return {
    ready,
    workspace: {
      async export() {
        // What stands in the editors now is what goes into the archive.
        await Promise.all(exercises().map((exercise) => exercise.text.flush()));
        await session.flush();
        const { zip_base64: zip } = await kernel.call<{ zip_base64: string }>({ call: "export" });
        return fromBase64(zip);
      },
      async import(archive) {
        const reply = await kernel.call<{ files?: number }>({ call: "import", zip_base64: await toBase64(archive) });
        session.replaced();
        await Promise.all(exercises().map((exercise) => exercise.reload()));
        return reply;
      },
    },
    progress: () => kernel.call({ call: "state" }),
    get timings() {
      return kernel.timings;
    },
  };
}
