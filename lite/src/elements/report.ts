/** A report of the engine as a reader sees it: what is wrong first, what holds folded, stretch apart. */
import { renderAnsi, stripAnsi } from "./ansi.ts";
import { type Child, h, icon } from "./dom.ts";
import type { CheckResult, Report } from "./types.ts";
import { count, prose, verdictOf } from "./words.ts";

/** So many failed checks show all they know at once. */
const OPEN = 2;
const NUMBER = /[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?|\bnan\b|\binf\b|\bTrue\b|\bFalse\b/gi;

function shown(value: unknown): string | null {
  if (value === null || value === undefined || value === "") return null;
  return stripAnsi(typeof value === "string" ? value : JSON.stringify(value, null, 1));
}

/** The values of `got`, those that differ from `expected` marked where both have the same form. */
export function differing(got: string, expected: string | null): DocumentFragment {
  const fragment = document.createDocumentFragment();
  const theirs = [...got.matchAll(NUMBER)];
  const wanted = [...(expected ?? "").matchAll(NUMBER)];
  if (!expected || theirs.length !== wanted.length || theirs.length > 400) {
    fragment.append(got);
    return fragment;
  }
  let from = 0;
  theirs.forEach((match, index) => {
    if (Number(match[0]) === Number(wanted[index]?.[0]) || match[0] === wanted[index]?.[0]) return;
    fragment.append(got.slice(from, match.index), h("mark", {}, match[0]));
    from = match.index + match[0].length;
  });
  fragment.append(got.slice(from));
  return fragment;
}

function comparison(test: CheckResult): HTMLElement | null {
  const expected = shown(test.expected);
  const got = shown(test.got);
  const rows: [string, Node | string | null][] = [
    ["Expected", expected],
    ["Got", got === null ? null : differing(got, expected)],
  ];
  const cells = rows.flatMap(([name, value]) =>
    value === null ? [] : [h("dt", {}, name), h("dd", {}, h("pre", { tabindex: "0" }, value))],
  );
  // The theme lays out every dl that has a class.
  return cells.length > 0 ? h("div", { class: "tt-values" }, h("dl", {}, ...cells)) : null;
}

export interface ReportActions {
  /** Bring a line of the editor into view. */
  goTo(line: number): void;
}

function lineButton(line: number | null | undefined, actions: ReportActions): HTMLElement | null {
  if (!line) return null;
  return h("button", { type: "button", class: "tt-line", click: () => actions.goTo(line) }, `Line ${line}`);
}

function failedCheck(test: CheckResult, actions: ReportActions, said = false): HTMLElement {
  const message = test.message && !said ? h("p", { class: "tt-message" }, prose(stripAnsi(test.message))) : null;
  return h(
    "li",
    { class: "tt-check tt-check-failed" },
    h("p", { class: "tt-check-title" }, icon("cross"), h("span", {}, prose(test.title)), lineButton(test.line, actions)),
    message,
    comparison(test),
  );
}

/** A failed check whose details are one click away: the first ones are what to work on. */
function furtherCheck(test: CheckResult, actions: ReportActions, said: boolean): HTMLElement {
  const check = failedCheck(test, actions, said);
  const details = [...check.children].slice(1);
  if (details.length === 0) return check;
  check.querySelector(".tt-check-title .tt-line")?.remove();
  // A summary holds no paragraph.
  const title = h("span", { class: "tt-check-title" }, ...(check.firstElementChild?.childNodes ?? []));
  check.replaceChildren(h("details", {}, h("summary", {}, title), ...details));
  return check;
}

function passedCheck(test: CheckResult): HTMLElement {
  return h(
    "li",
    { class: "tt-check" },
    h("p", { class: "tt-check-title" }, icon("check"), h("span", {}, prose(test.title))),
  );
}

const isPassed = (test: CheckResult) => test.outcome === "passed";

function stretchPart(tests: CheckResult[], actions: ReportActions): Child {
  if (tests.length === 0) return null;
  const open = tests.filter((test) => !isPassed(test));
  const items = [...open.map((test) => failedCheck(test, actions)), ...tests.filter(isPassed).map(passedCheck)];
  const title = `Stretch: ${tests.length - open.length} of ${tests.length}`;
  return h(
    "details",
    { class: "tt-folded tt-stretch" },
    h("summary", {}, title, h("span", { class: "tt-aside" }, " beyond what the chapter needs")),
    h("ul", { class: "tt-checks" }, ...items),
  );
}

/** Of a step that is not begun, what it will be asked. */
function whatIsChecked(report: Report): HTMLElement {
  const titles = report.tests
    .filter((test) => test.kind !== "stretch")
    .map((test) => h("li", { class: "tt-check" }, prose(test.title)));
  return h("details", { class: "tt-folded" }, h("summary", {}, "What will be checked"), h("ul", { class: "tt-checks" }, ...titles));
}

/** The whole report under an exercise. */
export function renderReport(report: Report, actions: ReportActions): HTMLElement {
  const kind = verdictOf(report);
  if (kind === "unwritten") return h("div", { class: "tt-report" }, whatIsChecked(report));
  const needed = report.tests.filter((test) => test.kind !== "stretch");
  // The simplest checks speak first, and what they all say is said once.
  const failed = needed
    .filter((test) => !isPassed(test))
    .sort((a, b) => Number(b.kind === "confidence") - Number(a.kind === "confidence"));
  const passed = needed.filter(isPassed);
  const first = report.message
    ? h(
        "div",
        { class: kind === "failed" ? "tt-known" : "tt-cause" },
        h("p", { class: "tt-message" }, prose(stripAnsi(report.message))),
        lineButton(report.line, actions),
      )
    : null;
  return h(
    "div",
    { class: `tt-report tt-report-${kind}` },
    first,
    failed.length > 0 &&
      h(
        "ul",
        { class: "tt-checks" },
        ...failed.map((test, index) => {
          const said = failed.findIndex((other) => other.message === test.message) < index;
          return index < OPEN ? failedCheck(test, actions, said) : furtherCheck(test, actions, said);
        }),
      ),
    passed.length > 0 &&
      h(
        "details",
        { class: "tt-folded" },
        h("summary", {}, `${count(passed.length, "check")} ${passed.length === 1 ? "holds" : "hold"}`),
        h("ul", { class: "tt-checks" }, ...passed.map(passedCheck)),
      ),
    stretchPart(
      report.tests.filter((test) => test.kind === "stretch"),
      actions,
    ),
    report.output
      ? h(
          "details",
          { class: "tt-folded" },
          h("summary", {}, "Printed during the check"),
          h("pre", { class: "tt-text", tabindex: "0" }, renderAnsi(report.output)),
        )
      : null,
  );
}
