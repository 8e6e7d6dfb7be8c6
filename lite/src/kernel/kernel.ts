/** The Python kernel as the page sees it. */
import { workspaceStore } from "../workspace/store.ts";
import { PageKernel } from "./page-kernel.ts";
import type { Kernel } from "./types.ts";

export * from "./types.ts";

let kernel: Kernel | undefined;

/** The one kernel of this page. */
export function pageKernel(): Kernel {
  return (kernel ??= new PageKernel(workspaceStore()));
}
