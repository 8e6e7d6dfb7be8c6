/** After a foundation has changed: what was finished on the old code is checked again on the new. */
import { type Kernel, KernelStopped } from "../kernel/kernel.ts";
import type { Session } from "./session.ts";

/** A check that takes longer will not end. */
const LIMIT = 10_000;

export interface Rechecked {
  /** Steps that passed and no longer do. */
  broken: string[];
  /** Steps that pass. */
  passing: string[];
}

/** Each check that passes begins a new round; the one before ends. */
let round = 0;

/** Resolves when neither the page nor Python has anything to do. */
async function quiet(kernel: Kernel): Promise<void> {
  await new Promise<void>((resolve) => {
    if ("requestIdleCallback" in window) window.requestIdleCallback(() => resolve(), { timeout: 2_000 });
    else setTimeout(resolve, 200);
  });
  while (kernel.status !== "idle") {
    await new Promise((resolve) => kernel.addEventListener("status", resolve, { once: true }));
  }
}

/** Check the steps in `due` again, one at a time between the reader's own; null when something newer came. */
export async function recheck(session: Session, after: string, due: string[]): Promise<Rechecked | null> {
  const { kernel } = session;
  const mine = ++round;
  const found: Rechecked = { broken: [], passing: [] };
  for (const step of due) {
    await quiet(kernel);
    if (mine !== round) return null;
    const outcome = await checkAgain(kernel, { call: "recheck", step, after });
    if (outcome === "stopped") return null;
    if (outcome === "passed") found.passing.push(step);
    else if (outcome !== null) found.broken.push(step);
  }
  // A step that fails is no foundation: what the cells run on is decided anew.
  if (due.length > 0) session.codeChanged();
  return found;
}

async function checkAgain(kernel: Kernel, request: { call: string; step: string; after: string }): Promise<string | null> {
  let endless = false;
  const timer = setTimeout(() => {
    endless = true;
    void kernel.stop();
  }, LIMIT);
  try {
    return (await kernel.call<{ outcome: string | null }>(request)).outcome;
  } catch (error) {
    if (!(error instanceof KernelStopped)) throw error;
    if (!endless) return "stopped";
    return (await kernel.call<{ outcome: string | null }>({ ...request, gave_up: true })).outcome;
  } finally {
    clearTimeout(timer);
  }
}
