// Makes a part of the page like the one the server rendered anew, without touching what is the same:
// focus, scroll, what is being typed and what is unfolded stay.

const policy = window.trustedTypes?.createPolicy("wiredesk", { createHTML: (markup) => markup });

/** A document from markup of this server, which escapes everything that it did not write itself. */
export function parsed(markup) {
  return new DOMParser().parseFromString(policy ? policy.createHTML(markup) : markup, "text/html");
}

/**
 * Makes `old` like `fresh`; both are elements of the same name. Attributes that `data-own` names
 * belong to the page's scripts; children with the same `data-key` are the same thing.
 */
export function morph(old, fresh) {
  const focused = document.activeElement;
  element(old, fresh);
  if (focused !== document.activeElement && focused?.isConnected) {
    focused.focus({ preventScroll: true });
  }
}

function element(old, fresh) {
  if (old.isEqualNode(fresh) || isBeingFilledIn(old)) return;
  const own = new Set((fresh.dataset.own ?? "").split(" "));
  for (const { name } of [...old.attributes]) {
    if (!fresh.hasAttribute(name) && !own.has(name)) old.removeAttribute(name);
  }
  for (const { name, value } of fresh.attributes) {
    if (old.getAttribute(name) !== value && !own.has(name)) old.setAttribute(name, value);
  }
  children(old, fresh);
}

function isBeingFilledIn(field) {
  return field === document.activeElement && field.matches("input, select");
}

function children(old, fresh) {
  const keyed = new Map();
  for (const child of old.children) {
    if (child.dataset?.key) keyed.set(child.dataset.key, child);
  }
  let place = old.firstChild;
  for (const wanted of [...fresh.childNodes]) {
    const key = wanted.dataset?.key;
    let match = key ? keyed.get(key) : undefined;
    if (!key && place && alike(place, wanted)) match = place;
    if (!match) {
      old.insertBefore(document.importNode(wanted, true), place);
      continue;
    }
    if (match === place) place = place.nextSibling;
    else old.insertBefore(match, place);
    if (match.nodeType === Node.ELEMENT_NODE) element(match, wanted);
    else if (match.data !== wanted.data) match.data = wanted.data;
  }
  while (place) {
    const next = place.nextSibling;
    place.remove();
    place = next;
  }
}

function alike(one, other) {
  return one.nodeName === other.nodeName && !one.dataset?.key;
}
