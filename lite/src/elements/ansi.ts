/** Terminal colors in program output, as spans with classes. */

const CONTROL = /\x1b\[([\d;]*)([A-Za-z])|\x1b[^[]?/g;

interface Style {
  bold: boolean;
  color: number | null;
}

function apply(style: Style, codes: string): void {
  const numbers = codes === "" ? [0] : codes.split(";").map(Number);
  for (let index = 0; index < numbers.length; index++) {
    const code = numbers[index] ?? 0;
    if (code === 0) Object.assign(style, { bold: false, color: null });
    else if (code === 1) style.bold = true;
    else if (code === 22) style.bold = false;
    else if (code === 39) style.color = null;
    else if (code >= 30 && code <= 37) style.color = code - 30;
    else if (code >= 90 && code <= 97) style.color = code - 90;
    else if (code === 38 || code === 48) {
      // 38;5;n and 38;2;r;g;b: outside the eight colors, read past and shown plain.
      index += numbers[index + 1] === 5 ? 2 : 4;
    }
  }
}

/** `text` without its escape sequences, colored by the classes `tt-ansi-0` to `tt-ansi-7` and `tt-ansi-bold`. */
export function renderAnsi(text: string): DocumentFragment {
  const fragment = document.createDocumentFragment();
  const style: Style = { bold: false, color: null };
  let from = 0;
  const add = (piece: string) => {
    if (piece === "") return;
    const classes = [style.bold && "tt-ansi-bold", style.color !== null && `tt-ansi-${style.color}`].filter(Boolean);
    if (classes.length === 0) {
      fragment.append(piece);
      return;
    }
    const span = document.createElement("span");
    span.className = classes.join(" ");
    span.textContent = piece;
    fragment.append(span);
  };
  for (const match of text.matchAll(CONTROL)) {
    add(text.slice(from, match.index));
    if (match[2] === "m") apply(style, match[1] ?? "");
    from = match.index + match[0].length;
  }
  add(text.slice(from));
  return fragment;
}

/** `text` without escape sequences. */
export const stripAnsi = (text: string): string => text.replace(CONTROL, "");

/** What is left on the screen where a progress bar returns to the start of its line. */
export const overwritten = (text: string): string => text.replace(/[^\n]*\r(?!\n)/g, "").replace(/\r\n/g, "\n");
