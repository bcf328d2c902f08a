// Elements from values, and a patch that makes what stands equal to what is wanted without losing focus,
// scroll or what somebody is typing.

const SVG = "http://www.w3.org/2000/svg";

/** h("button.primary", {onclick, "aria-label": "…"}, "text", child, [more], null); the properties may be left out. */
export function h(name, ...rest) {
  const [tag, ...classes] = name.split(".");
  const node = document.createElement(tag || "div");
  if (classes.length) node.className = classes.join(" ");
  if (rest[0] && Object.getPrototypeOf(rest[0]) === Object.prototype) set(node, rest.shift());
  append(node, rest);
  return node;
}

export function svg(tag, attributes, ...children) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes || {})) node.setAttribute(name, value);
  append(node, children);
  return node;
}

function set(node, props) {
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) listen(node, name.slice(2), value);
    else if (name === "class") node.className += (node.className ? " " : "") + value;
    else if (name === "style") for (const [key, one] of Object.entries(value)) node.style.setProperty(key, one);
    else if (name === "value") {
      node.value = value;
      node.setAttribute("value", value);
    } else if (name === "key") node.dataset.key = value;
    else node.setAttribute(name, value === true ? "" : value);
  }
}

// One real listener a kind; patch() only exchanges the function behind it.
function listen(node, kind, call) {
  node.calls = node.calls || {};
  if (!node.calls[kind]) node.addEventListener(kind, (event) => node.calls[kind] && node.calls[kind](event));
  node.calls[kind] = call;
}

function append(node, children) {
  for (const child of children) {
    if (Array.isArray(child)) append(node, child);
    else if (child !== null && child !== undefined && child !== false) node.append(child);
  }
}

/** Make the children of `root` equal to `wanted` (an array of nodes). */
export function render(root, wanted) {
  const list = [];
  append({ append: (child) => list.push(typeof child === "string" ? document.createTextNode(child) : child) }, wanted);
  patchChildren(root, list);
}

function patchChildren(parent, wanted) {
  const old = new Map();
  for (const child of parent.childNodes) if (key(child)) old.set(key(child), child);
  let at = parent.firstChild;
  for (const node of wanted) {
    const match = key(node) ? old.get(key(node)) : at && !key(at) ? at : null;
    if (match && alike(match, node)) {
      if (match !== at) parent.insertBefore(match, at);
      else at = at.nextSibling;
      patch(match, node);
    } else parent.insertBefore(node, at);
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
}

const key = (node) => (node.dataset ? node.dataset.key : undefined);
const alike = (one, other) => one.nodeName === other.nodeName && key(one) === key(other);

function patch(old, wanted) {
  if (old.nodeType === Node.TEXT_NODE) {
    if (old.data !== wanted.data) old.data = wanted.data;
    return;
  }
  for (const { name } of [...old.attributes]) {
    // What the reader opened stays open.
    if (!wanted.hasAttribute(name) && name !== "open") old.removeAttribute(name);
  }
  for (const { name, value } of wanted.attributes) {
    if (old.getAttribute(name) !== value) {
      // The policy forbids style as an attribute, not as a property.
      if (name === "style") old.style.cssText = value;
      else old.setAttribute(name, value);
      if (name === "value" && old !== document.activeElement) old.value = value;
    }
  }
  const calls = wanted.calls || {};
  for (const kind of Object.keys(old.calls || {})) if (!calls[kind]) delete old.calls[kind];
  for (const kind of Object.keys(calls)) listen(old, kind, calls[kind]);
  patchChildren(old, [...wanted.childNodes]);
}
