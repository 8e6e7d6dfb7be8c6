/** A step's text in the student's module, read without Python; `tito/regions.py` is the authority on writing it. */

interface Region {
  indent: string;
  lines: string[];
}

const marker = /^([ \t]*)# (>>>|<<<) (\d\d-[a-z0-9-]+\/[a-z0-9-]+)(?: \((above|below) the class\))?[ \t]*$/;

function regions(source: string, step: string): Map<string, Region> {
  const found = new Map<string, Region>();
  let open: { part: string; region: Region } | null = null;
  for (const line of source.split("\n")) {
    const match = marker.exec(line);
    if (match?.[3] === step) {
      const part = match[4] ?? "";
      if (match[2] === ">>>" && !open && !found.has(part)) open = { part, region: { indent: match[1] ?? "", lines: [] } };
      else if (match[2] === "<<<" && open?.part === part) {
        found.set(part, open.region);
        open = null;
      }
    } else open?.region.lines.push(line);
  }
  return found;
}

const string = /#.*|("""|''')(?:\\[^]|(?!\1)[^])*\1|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'/g;

/** Lines that begin inside a string whose spaces are part of a value. A docstring moves with the code. */
function protectedLines(lines: string[]): Set<number> {
  const text = lines.join("\n");
  const inside = new Set<number>();
  for (const match of text.matchAll(string)) {
    if (!match[1] || !match[0].includes("\n")) continue;
    const end = match.index + match[0].length;
    const before = text.slice(text.lastIndexOf("\n", match.index) + 1, match.index);
    const after = text.slice(end).split("\n", 1)[0] ?? "";
    if (/^\s*[rRuU]?$/.test(before) && /^\s*(#.*)?$/.test(after)) continue;
    const first = text.slice(0, match.index).split("\n").length;
    const count = match[0].split("\n").length - 1;
    for (let line = 0; line < count; line++) inside.add(first + line);
  }
  return inside;
}

/** The text of `step` in a module, dedented when it is in a class; null when its markers are not there. */
export function extract(source: string, step: string): string | null {
  const found = regions(source, step);
  if (!found.has("")) return null;
  const text: string[] = [];
  for (const part of ["above", "", "below"]) {
    const region = found.get(part);
    if (!region) continue;
    const { indent, lines } = region;
    const kept = indent ? protectedLines(lines) : new Set<number>();
    lines.forEach((line, index) => {
      if (!indent || kept.has(index)) text.push(line);
      else text.push(line.startsWith(indent) ? line.slice(indent.length) : line.trim() === "" ? "" : line);
    });
  }
  return text.join("\n");
}
