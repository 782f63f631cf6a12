/* Keys: "/" search, "g" then a letter for a section, "?" the list of keys. Off when the person turned them off, and
   never while something is typed. Also the copy buttons and the closing of menus. */
(() => {
  "use strict";

  let pending = 0;

  const to = (letter) => document.querySelector(`[data-letter="${CSS.escape(letter)}"]`)?.href;
  const typing = (element) => element?.closest("input, select, textarea, [contenteditable]");
  const off = () => document.documentElement.dataset.keys === "off";

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      for (const open of document.querySelectorAll("details.drop[open]")) {
        open.open = false;
        open.querySelector("summary").focus();
      }
      return;
    }
    if (off() || event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    if (Date.now() - pending < 1500 && /^[a-z]$/.test(event.key) && to(event.key)) {
      pending = 0;
      location.assign(to(event.key));
    } else if (event.key === "g") {
      pending = Date.now();
    } else if (event.key === "?") {
      location.assign(to("?"));
    } else if (event.key === "/") {
      const search = document.querySelector('main input[type="search"]');
      if (search) {
        event.preventDefault();
        search.focus();
        search.select();
      }
    }
  });

  document.addEventListener("click", (event) => {
    for (const open of document.querySelectorAll("details.drop[open]")) {
      if (!open.contains(event.target)) open.open = false;
    }
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const source = document.getElementById(button.dataset.copy);
    navigator.clipboard?.writeText(source.dataset.whole ?? source.textContent).then(
      () => { button.textContent = "Copied"; },
      () => { button.textContent = "Select and copy by hand"; });
  });

  function copyable() {
    for (const button of document.querySelectorAll("[data-copy][hidden]")) button.hidden = !navigator.clipboard;
  }

  document.addEventListener("DOMContentLoaded", copyable);
  document.addEventListener("htmx:after:swap", copyable);
})();
