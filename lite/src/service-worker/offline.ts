/** Asks the service worker to keep the whole site, once the reader uses Python here. */

const AFTER = 3_000;

/** In the background and once: the files of the runtime that were not needed yet, then the pages. */
export function keepForOffline(): void {
  if (!("serviceWorker" in navigator)) return;
  const { connection } = navigator as { connection?: { saveData?: boolean } };
  if (connection?.saveData) return;
  setTimeout(() => {
    void navigator.serviceWorker.ready.then(({ active }) => {
      active?.postMessage({ precache: "runtime" });
      active?.postMessage({ precache: "pages" });
    });
  }, AFTER);
}
