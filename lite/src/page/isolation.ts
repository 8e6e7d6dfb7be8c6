/** The site's service worker: offline pages, and the isolation that lets Stop interrupt Python. */
import { siteRoot } from "../site.ts";
import type { Session } from "./session.ts";

const RELOADED = "tt-reloaded-for-isolation";

/** Whether a reload now would take something from the reader. */
function untouched(session: Session): boolean {
  return session.kernel.status === "off" && !session.hasEdits && document.activeElement === document.body;
}

/**
 * Register the worker. On a server that sends no isolation headers the worker supplies them from the
 * next load on; that load is brought about once, and only while the reader has not begun to work.
 */
export async function registerServiceWorker(session: Session): Promise<void> {
  if (!("serviceWorker" in navigator)) return;
  try {
    if (crossOriginIsolated) sessionStorage.removeItem(RELOADED);
    await navigator.serviceWorker.register(new URL("sw.js", siteRoot), { scope: siteRoot });
    await navigator.serviceWorker.ready;
    if (crossOriginIsolated || sessionStorage.getItem(RELOADED)) return;
    if (!navigator.serviceWorker.controller) {
      await new Promise((resolve) => navigator.serviceWorker.addEventListener("controllerchange", resolve, { once: true }));
    }
    if (!untouched(session)) return;
    // Noted before: a page that is still not isolated afterwards must not reload again.
    sessionStorage.setItem(RELOADED, "1");
    location.reload();
  } catch {
    // Blocked, or no storage to note the reload in: the page works as it is, and Stop restarts Python.
  }
}
