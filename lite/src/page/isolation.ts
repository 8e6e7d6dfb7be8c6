/** When a page of the book may be reloaded for isolation, and what of the site it has kept for later. */
import { installServiceWorker, keepForOffline } from "../service-worker/register.ts";
import type { Session } from "./session.ts";

/** Whether a reload now would take nothing from the reader. */
function untouched(session: Session): boolean {
  return session.kernel.status === "off" && !session.hasEdits && document.activeElement === document.body;
}

/** Register the site's service worker; the book is kept at once, and Python once the reader has used it. */
export async function registerServiceWorker(session: Session): Promise<void> {
  const { kernel } = session;
  keepForOffline("pages");
  const used = () => {
    if (kernel.status !== "idle") return;
    kernel.removeEventListener("status", used);
    keepForOffline("runtime");
  };
  kernel.addEventListener("status", used);
  await installServiceWorker(session.store, () => untouched(session));
}
