/**
 * What sphinx-thebe's own script calls, in place of the library it would load from a CDN: `on` and `bootstrap`.
 * A classic script without imports; the page's module does the work.
 */
type Handler = (event: unknown, data: { status: string; message: string }) => void;

(() => {
  const handlers: Handler[] = [];
  document.addEventListener("tt-live-status", (event) => {
    const data = (event as CustomEvent<{ status: string; message: string }>).detail;
    for (const handler of handlers) handler(event, data);
  });
  Object.assign(window, {
    thebelab: {
      on: (name: string, handler: Handler) => void (name === "status" && handlers.push(handler)),
      bootstrap: () => document.dispatchEvent(new Event("tt-live")),
    },
  });
})();
