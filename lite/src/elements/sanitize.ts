/** HTML from a cell's output: structure and color stay, anything that acts or loads from elsewhere goes. */
import DOMPurify from "dompurify";

const LOADS = new Set(["src", "srcset", "poster", "background", "data", "xlink:href", "action", "formaction"]);
/** Links are followed by the reader's own click; everything else must already be here. */
const INLINE = /^(data:image\/(png|jpeg|gif|webp);|blob:|#)/i;
const LINK = /^(https?:|#)/i;

const purifier = DOMPurify(window);
purifier.addHook("uponSanitizeAttribute", (_node, event) => {
  const value = event.attrValue.trim();
  if (LOADS.has(event.attrName) && !INLINE.test(value)) event.keepAttr = false;
  if (event.attrName === "href" && !LINK.test(value)) event.keepAttr = false;
  if (event.attrName === "style" && /url\s*\(|image-set|expression|@import|\\/i.test(value)) event.keepAttr = false;
});
purifier.addHook("afterSanitizeAttributes", (node) => {
  if (node.tagName === "A") {
    node.setAttribute("target", "_blank");
    node.setAttribute("rel", "noopener noreferrer");
  }
});

/** A fragment that is safe to insert. Classes and ids go too: output must not dress up as the page. */
export function sanitize(html: string): DocumentFragment {
  return purifier.sanitize(html, {
    RETURN_DOM_FRAGMENT: true,
    USE_PROFILES: { html: true },
    FORBID_TAGS: ["style", "form", "input", "button", "textarea", "select", "option", "dialog", "audio", "video", "link"],
    FORBID_ATTR: ["class", "id", "name", "tabindex", "autofocus", "role", "part", "slot"],
    ALLOW_DATA_ATTR: false,
    ALLOW_ARIA_ATTR: false,
  });
}
