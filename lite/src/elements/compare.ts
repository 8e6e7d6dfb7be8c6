/** Two texts side by side, their differences marked. */
import { python } from "@codemirror/lang-python";
import { syntaxHighlighting } from "@codemirror/language";
import { MergeView } from "@codemirror/merge";
import { EditorState, type Extension } from "@codemirror/state";
import { EditorView, lineNumbers } from "@codemirror/view";
import { classHighlighter } from "@lezer/highlight";

const reading = (label: string): Extension => [
  lineNumbers(),
  python(),
  syntaxHighlighting(classHighlighter),
  EditorState.readOnly.of(true),
  EditorView.lineWrapping,
  EditorView.contentAttributes.of({ "aria-label": label, "aria-readonly": "true", tabindex: "0" }),
];

/** Show both texts in `parent`, for reading. */
export function showBoth(parent: HTMLElement, mine: string, other: string, title: string): void {
  new MergeView({
    parent,
    a: { doc: mine, extensions: reading("Your text") },
    b: { doc: other, extensions: reading(title) },
    gutter: true,
    highlightChanges: true,
  });
}
