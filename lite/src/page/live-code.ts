/** The book's Live Code button: start Python, bring every editor, run the setup cells. */
import { h } from "../elements/dom.ts";
import type { LiveElement } from "../elements/live-element.ts";
import type { StatusEvent } from "../kernel/kernel.ts";
import type { Session } from "./session.ts";

function tell(status: string, message: string): void {
  document.dispatchEvent(new CustomEvent("tt-live-status", { detail: { status, message } }));
  for (const button of document.querySelectorAll<HTMLElement>(".thebe-launch-button")) {
    button.dataset["status"] = status;
    // sphinx-thebe's script puts its own words there, which name a service that is not used.
    button.replaceChildren(message, h("span", { class: "loading-text", hidden: true }));
  }
}

/** Listen for the button. */
export function answerLiveCode(session: Session): void {
  const { kernel } = session;
  const follow = (event: Event) => {
    const { status, phase } = (event as StatusEvent).detail;
    if (status === "booting") tell("starting", `${phase ?? "Starting Python"}…`);
  };
  document.addEventListener("tt-live", () => {
    tell("starting", "Starting Python…");
    kernel.addEventListener("status", follow);
    for (const element of document.querySelectorAll<LiveElement>("tt-cell, tt-exercise")) void element.mountEditor();
    kernel
      .start()
      // sphinx-thebe's script presses Run on the setup cells when it hears "ready".
      .then(() => tell("ready", "Python is on: run any code on this page"))
      .catch((error: unknown) => tell("failed", error instanceof Error ? error.message : String(error)))
      .finally(() => kernel.removeEventListener("status", follow));
  });
}
