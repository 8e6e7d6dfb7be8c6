/** Building elements: text always becomes text nodes, so nothing a student or a file says turns into markup. */

export type Child = Node | string | null | undefined | false;
type Attributes = Record<string, string | boolean | null | undefined | ((event: Event) => void)>;

/** An element. `true` sets an empty attribute, a function listens to the event of that name. */
export function h<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value === true) element.setAttribute(name, "");
    else if (typeof value === "string") element.setAttribute(name, value);
  }
  element.append(...children.filter((child): child is Node | string => Boolean(child)));
  return element;
}

const PATHS = {
  run: "M5 3.5v9l7.5-4.5z",
  check: "M3 8.5l3.2 3.2L13 4.8",
  cross: "M4 4l8 8M12 4l-8 8",
  stop: "M4.5 4.5h7v7h-7z",
  hint: "M8 2.2a4 4 0 0 0-2.3 7.3c.4.3.6.7.6 1.2v.3h3.4v-.3c0-.5.2-.9.6-1.2A4 4 0 0 0 8 2.2zM6.6 13.4h2.8",
  bolt: "M9 1.8L3.8 9H8l-1 5.2L12.2 7H8z",
  pencil: "M3 13l.6-2.8 7-7 2.2 2.2-7 7zM9.3 4.5l2.2 2.2",
  folder: "M2.2 4.2h4l1.4 1.6h6.2v7H2.2z",
} as const;

export type Icon = keyof typeof PATHS;
const FILLED = new Set<Icon>(["run", "stop"]);

/** A decorative picture: the words beside it say the same. */
export function icon(name: Icon): SVGSVGElement {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("class", FILLED.has(name) ? "tt-icon tt-icon-filled" : "tt-icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}

export interface ButtonOptions {
  icon?: Icon;
  /** As in aria-keyshortcuts. */
  keys?: string;
  className?: string;
  describe?: string;
}

/** A real button whose accessible name is its label. */
export function button(label: string, press: () => void, options: ButtonOptions = {}): HTMLButtonElement {
  const pressed = (event: Event) => {
    // aria-disabled keeps the focus where it is; a disabled button would drop it.
    if ((event.currentTarget as HTMLElement).getAttribute("aria-disabled") !== "true") press();
  };
  const title = options.keys ? options.keys.replace(/\+/g, " + ").replace("Control", "Ctrl") : options.describe;
  return h(
    "button",
    { type: "button", class: `tt-button ${options.className ?? ""}`.trim(), title, "aria-keyshortcuts": options.keys, click: pressed },
    options.icon && icon(options.icon),
    h("span", {}, label),
  );
}

/** Switch a button off without taking the focus from it, and say why. */
export function enable(target: HTMLButtonElement, enabled: boolean, why = ""): void {
  target.setAttribute("aria-disabled", String(!enabled));
  if (!enabled && why) target.title = why;
}
