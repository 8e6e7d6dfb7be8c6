/** `<tt-exercise step="02-tensor/add">`: the student writes, checks and keeps one step of the course. */
import { KernelStopped } from "../kernel/kernel.ts";
import { placeOf } from "../page/course.ts";
import { recheck } from "../page/recheck.ts";
import { askToKeep } from "../workspace/persist.ts";
import type { StepRecord } from "../workspace/progress.ts";
import { button, enable, h, icon } from "./dom.ts";
import { ExerciseHelp } from "./exercise-help.ts";
import { LiveElement } from "./live-element.ts";
import type { LineMark } from "./editor.ts";
import { renderReport } from "./report.ts";
import { StepText } from "./step-text.ts";
import type { CheckReply, ExerciseData, Report, SolutionReply, Status } from "./types.ts";
import { headline, verdictOf } from "./words.ts";

const BADGES: Partial<Record<Status, string>> = { passed: "Passed", revealed: "Solution seen", failed: "Not yet", error: "Not yet" };

export class TinyTorchExercise extends LiveElement {
  data!: ExerciseData;
  text!: StepText;
  /** Resolves when the stored text is shown. */
  loaded!: Promise<void>;
  #help!: ExerciseHelp;
  #checkButton!: HTMLButtonElement;
  #badge!: HTMLElement;
  #saved!: HTMLElement;
  #notes!: HTMLElement;
  /** What is wrong with saving; it stays until it is right again. */
  #warning!: HTMLElement;
  #report!: HTMLElement;
  /** The verdict that stands while the code is only run. */
  #standing: Status = "idle";

  get step(): string {
    return this.getAttribute("step") ?? "";
  }

  protected get label(): string {
    return `Your code for Exercise ${this.dataset["number"] ?? ""}: ${this.data.title}`;
  }

  protected build(bar: HTMLElement): void {
    this.data = JSON.parse(this.querySelector('script[type="application/json"]')?.textContent ?? "{}") as ExerciseData;
    this.text = new StepText(this.session.store, this.step, this.data.module, this.data.starter);
    this.#checkButton = button("Check", () => void this.check(), { icon: "check", keys: "Control+Enter", className: "tt-primary" });
    this.#badge = h("p", { class: "tt-badge" });
    this.#saved = h("span", { class: "tt-saved" });
    this.#notes = h("div", { class: "tt-notes" });
    this.#warning = h("div", { class: "tt-notes", role: "alert" });
    this.#report = h("div", { class: "tt-result" });
    this.#help = new ExerciseHelp(this, this.data);
    this.querySelector(".tt-head")?.append(this.#badge);
    bar.append(
      this.#checkButton,
      this.runButton,
      this.stopButton,
      h("span", { class: "tt-space" }),
      this.#help.hintButton,
      button("Reset", () => this.#help.askReset(), { className: "tt-quiet" }),
      this.#help.solutionButton,
      this.#saved,
    );
    this.append(this.#warning, this.#help.element, this.verdict, this.#notes, this.#report);
    this.text.addEventListener("state", () => this.#showSaved());
    this.text.addEventListener("foreign", (event) => this.#foreign((event as CustomEvent<string>).detail));
    this.text.addEventListener("record", () => void this.text.record().then((record) => this.#showRecord(record)));
    this.loaded = this.#load();
  }

  async #load(): Promise<void> {
    this.show(await this.text.load());
    const record = await this.text.record();
    this.#showRecord(record);
    const { starter_sha: current } = this.data;
    if (record.starter && record.starter !== current && this.text.state === "saved") this.#changedStarter();
  }

  /** Show what is stored, in place of what stands here. */
  async reload(): Promise<void> {
    this.#clear();
    this.mark([]);
    this.say();
    this.show(await this.text.reload());
    this.#showRecord(await this.text.record());
  }

  #showRecord(record: StepRecord): void {
    if (this.status === "running" || this.status === "booting") return;
    if (record.outcome === "passed") this.#settle("passed");
    else if (record.broken_by) {
      this.#settle("failed");
      this.say(`This passed until ${placeOf(record.broken_by).number} was changed. Check it to see what broke.`);
    } else if (record.revealed) this.#settle("revealed");
    else if (this.status === "passed" || this.status === "revealed") this.#settle("idle");
  }

  #settle(status: Status): void {
    this.status = status;
    if (status !== "stopped") this.#standing = status;
    const words = BADGES[this.#standing];
    this.#badge.replaceChildren(...(words ? [...(this.#standing === "passed" ? [icon("check")] : []), words] : []));
  }

  protected edited(text: string): void {
    this.text.edit(text);
    this.#report.classList.add("tt-dated");
    this.session.edited({ step: this.step, code: text, adopted: (code) => this.text.adopted(code) });
  }

  protected override keysHint(): string {
    return "Control+Enter checks, Shift+Enter runs. Escape, then Tab, leaves the editor.";
  }

  /** Run the text as it is, without judging it. */
  async run(): Promise<unknown> {
    if (this.#busy) return undefined;
    this.#clear();
    const reply = await this.execute(() =>
      this.session.runAnswer(this.code, this.data.module, (output) => this.output.add(output)),
    );
    if (reply.status === "stopped") {
      this.#settle("stopped");
      this.say("Stopped.");
    } else {
      this.#settle(this.#standing);
      if (reply.status === "error") this.say(reply.line ? `Stopped with an error on line ${reply.line}.` : "Stopped with an error.");
      else this.say(this.output.empty ? "It ran, and printed nothing. Check tells whether it is right." : "It ran. Check tells whether it is right.");
    }
    return reply;
  }

  /** Judge the text. Resolves to the report, or to null when it was stopped or could not be judged. */
  async check(): Promise<Report | null> {
    if (this.#busy) return null;
    this.#clear();
    this.mark([]);
    const code = this.code;
    try {
      // Busy from the press on, so that a second press does nothing.
      const reply = await this.whileWorking("Checking", async () => {
        await this.text.flush();
        return this.session.check(this.step, code);
      });
      this.#show(reply);
      return reply.report;
    } catch (error) {
      if (error instanceof KernelStopped) {
        this.#settle("stopped");
        this.say("Stopped. Your text is kept. Does a loop never end?");
      } else {
        this.#settle("error");
        this.say("This could not be checked.");
        this.problem(error);
      }
      return null;
    }
  }

  protected override busyChanged(busy: boolean): void {
    enable(this.#checkButton, !busy);
  }

  get #busy(): boolean {
    return this.status === "running" || this.status === "booting";
  }

  #clear(): void {
    this.output.clear();
    this.#report.replaceChildren();
    this.#report.classList.remove("tt-dated");
    this.#notes.replaceChildren();
    this.#help.closePanel();
    delete this.dataset["verdict"];
  }

  #show(reply: CheckReply): void {
    const { report } = reply;
    const kind = verdictOf(report);
    const status = { passed: "passed", failed: "failed", unwritten: "failed", raised: "error", parse: "error" } as const;
    this.#settle(status[kind]);
    const next = kind === "passed" ? this.#afterPass(reply) : "";
    this.say(h("strong", {}, headline(report)), next);
    this.dataset["verdict"] = kind;
    this.#report.replaceChildren(renderReport(report, { goTo: (line) => this.editor?.goTo(line) }));
    this.mark(kind === "unwritten" ? [] : marksOf(report));
    this.#help.judged(kind);
    if (kind !== "passed") return;
    void askToKeep();
    if (reply.missing?.length) this.#offerReference(reply.missing);
    void this.#checkAgain(reply.due ?? []).catch((error: unknown) => this.problem(error));
  }

  /** What was finished on the code of before: does it pass on this? */
  async #checkAgain(due: string[]): Promise<void> {
    const found = await recheck(this.session, this.step, due);
    if (!found || found.broken.length === 0) return;
    const links = found.broken.flatMap((step, index) => {
      const { number, address } = placeOf(step);
      return [index > 0 ? ", " : "", address ? h("a", { href: address }, number) : number];
    });
    this.verdict.append(" After this change ", ...links, found.broken.length === 1 ? " no longer passes." : " no longer pass.");
  }

  #afterPass(reply: CheckReply): string {
    const stale = this.session.hasRun
      ? " Objects made before this change are of the old code: run the cells above again."
      : "";
    const done = reply.chapter_done ? " Every step of this chapter is done." : "";
    if (reply.missing?.length) return done;
    return ` The next cells run on your code.${stale}${done}`;
  }

  /** Earlier chapters are open: the student decides whether the reference stands in for them. */
  #offerReference(missing: string[]): void {
    const chapters = [...new Set(missing.map((step) => Number(step.slice(0, 2))))];
    const named = `chapter${chapters.length > 1 ? "s" : ""} ${chapters.join(", ")}`;
    const steps = missing.length === 1 ? missing[0] : `${missing.length} steps`;
    this.#choose(`This builds on ${named}, where ${steps ?? ""} ${missing.length === 1 ? "is" : "are"} open. Until then, the cells of this page run on the reference.`, [
      [
        `Use the reference for ${named}`,
        () =>
          void this.session
            .useReference(chapters, true)
            .then(() => this.say(`The reference stands in for ${named}. Your own package is used again once you have its steps.`))
            .catch((error: unknown) => this.problem(error)),
      ],
      ["Take me to the first open step", () => location.assign(placeOf(missing[0] ?? "").address ?? "")],
    ]);
  }

  /** Bring the starter back; the text of before can be taken back. */
  reset(): void {
    const before = this.code;
    this.code = this.data.starter;
    this.#clear();
    this.mark([]);
    this.#settle(this.#standing === "passed" ? "passed" : "idle");
    this.say("The starter is back.");
    if (before === this.data.starter) return;
    const undo = button("Undo", () => {
      this.code = before;
      this.say("Your text is back.");
      this.#notes.replaceChildren();
      this.focusCode();
    });
    this.#notes.replaceChildren(h("p", { class: "tt-notice" }, "Your text was replaced by the starter.", undo));
    undo.focus();
  }

  focusCode(): void {
    if (this.editor) this.editor.focus();
    else this.#checkButton.focus();
  }

  #showSaved(): void {
    const { state, store } = this.text;
    const problem = store.problem ?? "The browser does not keep your work: export it before you leave.";
    this.#saved.textContent = { untouched: "", saving: "Saving…", saved: "Saved", failed: "Not saved" }[state];
    this.#saved.dataset["state"] = state;
    if (state === "failed") {
      if (this.#warning.textContent === problem) return;
      this.#warning.replaceChildren(h("p", { class: "tt-notice tt-not-saved" }, problem));
    } else if (state === "saved") this.#warning.replaceChildren();
  }

  /** Another tab, or an import, has stored another text. */
  #foreign(stored: string): void {
    if (this.text.state !== "saving") {
      void this.text.reload().then((text) => {
        this.show(text);
        this.say("Your text was changed elsewhere; this is the new one.");
      });
      return;
    }
    this.#choose("This exercise was changed in another tab.", [
      ["Keep mine", () => this.text.edit(this.code)],
      ["Take the other", () => (this.code = stored)],
    ]);
  }

  #changedStarter(): void {
    this.#choose("This exercise has changed since you began it.", [
      ["Keep mine", () => undefined],
      ["Take the new one", () => this.reset()],
      ["Show both", () => this.#help.compare(this.data.starter, "The new starter")],
    ]);
  }

  #choose(question: string, choices: [string, () => void][]): void {
    const notice = h("p", { class: "tt-notice" }, question);
    for (const [words, act] of choices) {
      notice.append(
        button(words, () => {
          notice.remove();
          this.focusCode();
          act();
        }),
      );
    }
    this.#notes.replaceChildren(notice);
  }

  /** The solution was seen before passing: that is on record. */
  revealed(): void {
    this.#settle("revealed");
  }

  /** The reference's answer. Asking for it before passing is put on record by the engine. */
  async askSolution(): Promise<SolutionReply> {
    return this.session.kernel.call<SolutionReply>({ call: "solution", step: this.step });
  }

  reportProblem(error: unknown): void {
    this.problem(error);
  }
}

function marksOf(report: Report): LineMark[] {
  const marks = report.tests
    .filter((test) => test.outcome !== "passed" && test.line)
    .map((test) => ({ line: test.line ?? 0, message: test.message?.split("\n", 1)[0] ?? test.title }));
  if (report.line) marks.unshift({ line: report.line, message: report.message?.split("\n", 1)[0] ?? headline(report) });
  // One mark a line: the first said is the one that matters.
  return marks.filter((mark, index) => marks.findIndex(({ line }) => line === mark.line) === index);
}
