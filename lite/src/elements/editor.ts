/** The code editor. A chunk of its own: it loads when the first cell comes near the screen. */
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { closeBrackets, closeBracketsKeymap } from "@codemirror/autocomplete";
import { python } from "@codemirror/lang-python";
import { bracketMatching, indentOnInput, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { Annotation, EditorState, Prec, RangeSet, StateEffect, StateField } from "@codemirror/state";
import {
  Decoration,
  EditorView,
  GutterMarker,
  gutter,
  highlightActiveLine,
  highlightSpecialChars,
  keymap,
  lineNumbers,
} from "@codemirror/view";
import { classHighlighter } from "@lezer/highlight";

export interface LineMark {
  /** Counted from 1. */
  line: number;
  message: string;
}

export interface EditorOptions {
  parent: HTMLElement;
  text: string;
  /** The accessible name of the text field. */
  label: string;
  /** The id of the element that says which keys do what. */
  describedBy: string;
  /** The reader typed. */
  onChange(text: string): void;
  onRun(): void;
  onCheck(): void;
}

export interface Editor {
  /** Setting it can be undone, and is not reported to onChange. */
  text: string;
  readonly focused: boolean;
  focus(): void;
  /** Mark these lines in the gutter, in place of the ones marked before. */
  mark(marks: LineMark[]): void;
  /** Put the cursor on a line and bring it into view. */
  goTo(line: number): void;
}

class Mark extends GutterMarker {
  constructor(readonly message: string) {
    super();
  }
  override eq(other: Mark): boolean {
    return other.message === this.message;
  }
  override toDOM(): HTMLElement {
    const dot = document.createElement("span");
    dot.className = "tt-mark";
    // Without a message it only holds the width of the gutter.
    if (!this.message) return dot;
    dot.title = this.message;
    dot.setAttribute("role", "img");
    dot.setAttribute("aria-label", this.message);
    return dot;
  }
}

/** A text that was put in, not typed. */
const placed = Annotation.define<boolean>();
const setMarks = StateEffect.define<LineMark[]>();

/** Marked lines. They move with the text, and a line that is edited loses its mark. */
const marked = StateField.define<RangeSet<Mark>>({
  create: () => RangeSet.empty,
  update(marks, transaction) {
    let next = marks;
    if (transaction.docChanged) {
      const touched = new Set<number>();
      transaction.changes.iterChangedRanges((from, to) => {
        const { doc } = transaction.startState;
        for (let line = doc.lineAt(from).number; line <= doc.lineAt(to).number; line++) touched.add(doc.line(line).from);
      });
      next = next.update({ filter: (from) => !touched.has(from) }).map(transaction.changes);
    }
    for (const effect of transaction.effects) {
      if (!effect.is(setMarks)) continue;
      const { doc } = transaction.state;
      const ranges = effect.value
        .filter(({ line }) => line >= 1 && line <= doc.lines)
        .map(({ line, message }) => new Mark(message).range(doc.line(line).from));
      next = RangeSet.of(ranges, true);
    }
    return next;
  },
  provide: (field) => [
    gutter({ class: "tt-gutter", markers: (view) => view.state.field(field), initialSpacer: () => new Mark("") }),
    EditorView.decorations.from(field, (marks) => {
      const lines = [];
      for (const cursor = marks.iter(); cursor.value; cursor.next()) {
        lines.push(Decoration.line({ class: "tt-marked-line" }).range(cursor.from));
      }
      return Decoration.set(lines);
    }),
  ],
});

/** Escape lets the next Tab leave the editor, however long the reader takes; typing takes Tab back. */
const leaveByEscape = [
  Prec.highest(
    EditorView.domEventHandlers({
      keydown(event, view) {
        if (event.key === "Escape") view.setTabFocusMode(true);
        else if (event.key !== "Tab" && event.key !== "Shift") view.setTabFocusMode(false);
        return false;
      },
      blur(_event, view) {
        view.setTabFocusMode(false);
        return false;
      },
    }),
  ),
];

/** Put an editor into `parent`. */
export function createEditor(options: EditorOptions): Editor {
  const command = (action: () => void) => () => {
    action();
    return true;
  };
  const view = new EditorView({
    parent: options.parent,
    state: EditorState.create({
      doc: options.text,
      extensions: [
        Prec.highest(
          keymap.of([
            { key: "Shift-Enter", run: command(options.onRun) },
            { key: "Mod-Enter", run: command(options.onCheck) },
            // A Mac's Control key as well as its Command key.
            { key: "Ctrl-Enter", run: command(options.onCheck) },
          ]),
        ),
        leaveByEscape,
        marked,
        lineNumbers(),
        history(),
        highlightSpecialChars(),
        highlightActiveLine(),
        indentOnInput(),
        bracketMatching(),
        closeBrackets(),
        indentUnit.of("    "),
        EditorState.tabSize.of(4),
        python(),
        syntaxHighlighting(classHighlighter),
        keymap.of([...closeBracketsKeymap, ...defaultKeymap, ...historyKeymap, indentWithTab]),
        EditorView.contentAttributes.of({ "aria-label": options.label, "aria-describedby": options.describedBy, tabindex: "0" }),
        EditorView.updateListener.of((update) => {
          const typed = update.transactions.some((transaction) => transaction.docChanged && !transaction.annotation(placed));
          if (typed) options.onChange(update.state.doc.toString());
        }),
      ],
    }),
  });
  return {
    get text() {
      return view.state.doc.toString();
    },
    set text(text) {
      if (text === view.state.doc.toString()) return;
      view.dispatch({
        changes: { from: 0, to: view.state.doc.length, insert: text },
        annotations: placed.of(true),
      });
    },
    get focused() {
      return view.hasFocus;
    },
    focus: () => view.focus(),
    mark: (marks) => view.dispatch({ effects: setMarks.of(marks) }),
    goTo(line) {
      const at = view.state.doc.line(Math.min(Math.max(line, 1), view.state.doc.lines)).from;
      view.dispatch({ selection: { anchor: at }, scrollIntoView: true });
      view.focus();
    },
  };
}
