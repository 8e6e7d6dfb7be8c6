/** The page's side of the site's service worker. */
import { siteRoot } from "../site.ts";
import type { WorkspaceStore } from "../workspace/store.ts";

const RELOADED = "tt-reloaded-for-isolation";
const LATER = 2_000;

/**
 * Register the worker. On a server that sends no isolation headers the worker supplies them from the next load on;
 * that load is brought about once, and only while `mayReload()`: nothing may get lost by it.
 */
export async function installServiceWorker(store: WorkspaceStore, mayReload: () => boolean): Promise<void> {
  if (!("serviceWorker" in navigator)) return;
  try {
    if (crossOriginIsolated) sessionStorage.removeItem(RELOADED);
    await navigator.serviceWorker.register(new URL("sw.js", siteRoot), { scope: siteRoot });
    await navigator.serviceWorker.ready;
    if (crossOriginIsolated || sessionStorage.getItem(RELOADED)) return;
    if (!navigator.serviceWorker.controller) {
      await new Promise((resolve) => navigator.serviceWorker.addEventListener("controllerchange", resolve, { once: true }));
    }
    // A reload while the browser creates the database leaves the next page's opening without an answer (Chromium).
    await store.readAll();
    if (!mayReload()) return;
    // Noted before: a page that is still not isolated afterwards must not reload again.
    sessionStorage.setItem(RELOADED, "1");
    location.reload();
  } catch {
    // Blocked, or no storage to note the reload in: the page works as it is, and Stop restarts Python.
  }
}

/** Have these parts of the site kept, when the page has nothing else to do: what is there already is not fetched again. */
export function keepForOffline(...parts: ("pages" | "runtime")[]): void {
  if (!("serviceWorker" in navigator)) return;
  void navigator.serviceWorker.ready.then(({ active }) => {
    const keep = () => parts.forEach((precache) => active?.postMessage({ precache }));
    if ("requestIdleCallback" in window) requestIdleCallback(keep);
    else setTimeout(keep, LATER);
  });
}
