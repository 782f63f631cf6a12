/* Keeps the page current, and the header says how. "Live": an event on the stream fetches the page's fragment again.
   "Every 5 s": no stream is open, or it hears of no change, so the page is fetched over and over. "Stopped since": the
   fetching fails, too. What is read, open or typed stays as it is. */
(() => {
  "use strict";

  const QUIET = 250; // ms that changes may still gather before the page is fetched
  const POLL = 5000;
  const TOLD = 8000; // ms that a confirmation is shown
  const SILENT = 25000; // the stream beats every 10 s; after this long it is taken for dead
  const EVENTS = ["looks", "estate", "run", "backups", "hello"];

  let heard = 0; // when the stream last said anything; 0: not open
  let fetched = Date.now();
  let tried = 0; // when a fetch was last begun
  let joined = 0; // when the stream was last asked for
  let connection = null;
  let waiting = 0; // since when a fetch has had no answer; 0: none is under way
  let failed = false;
  let deaf = false; // the stream is open and hears of no change
  let timer = null;
  let words = "";

  const by = (id) => document.getElementById(id);
  const streaming = () => heard && Date.now() - heard < SILENT && !deaf;
  const stopped = () => failed || (waiting && Date.now() - waiting > 2 * POLL);

  function refresh() {
    clearTimeout(timer);
    timer = null;
    if (document.hidden || document.documentElement.dataset.still) return;
    // what is being written, the answer to what was just sent, and what is shown only once stay as they are
    if (document.querySelector("main form[data-writing] :focus, main .errors, main [data-once]")) return;
    tried = Date.now();
    waiting ||= tried;
    htmx.trigger(by("refresh"), "holdfast:refresh");
  }

  // the extension reconnects an open stream by itself; the first connection, and one that fell silent, are ours
  function join() {
    if (Date.now() - joined < POLL) return;
    joined = Date.now();
    if (heard) connection?.reader?.cancel();
    heard = 0;
    htmx.trigger(by("live"), "holdfast:connect");
  }

  function soon() {
    timer ??= setTimeout(refresh, QUIET);
  }

  function say() {
    const state = stopped() ? "stopped" : streaming() ? "live" : "polling";
    const element = by("link-state");
    if (!element) return;
    if (element.dataset.now !== state) element.dataset.now = state;
    const since = window.holdfast.time(fetched);
    for (const each of document.querySelectorAll("[data-stopped-since]")) {
      if (state === "stopped" && each.textContent !== since) each.textContent = since;
    }
    by("updates-stopped").hidden = state !== "stopped";
    const spoken = {
      live: "Live: changes appear by themselves.",
      polling: "Every 5 s: no change can be heard of, so the page is fetched every 5 s.",
      stopped: `Stopped since ${since}: the portal does not answer. What you see is the last that was fetched.`,
    }[state];
    if (words && words !== state) by("live-words").textContent = spoken;
    words = state;
  }

  function beat() {
    if (!heard || Date.now() - heard > SILENT) join();
    if (!streaming() && Date.now() - Math.max(fetched, tried) >= POLL - 200) refresh();
    say();
  }

  htmx.registerExtension("holdfast", {
    // an update must not close what the reader opened
    htmx_before_morph_attr: (element, detail) => !(detail.attrName === "open" && element.localName === "details")
      && !(detail.attrName === "data-now" && element.id === "link-state"),
  });

  // the confirmation of an act outlives the updates that follow it at once; a refusal stays until the next page
  function keepTold() {
    const told = document.querySelector("main .told");
    if (!told) return;
    by("frame").before(told);
    setTimeout(() => {
      for (const line of told.querySelectorAll("li:not(.error)")) line.remove();
      if (!told.children.length) told.remove();
    }, TOLD);
  }

  document.addEventListener("DOMContentLoaded", () => {
    keepTold();
    const stream = by("live");
    stream.addEventListener("htmx:after:sse:connection", (event) => { connection = event.detail.connection; });
    // a beat fetches too: ages stay true, and what has grown too old to believe turns unknown without any event
    stream.addEventListener("beat", (event) => { heard = Date.now(); deaf = event.detail?.data === "deaf"; soon(); });
    stream.addEventListener("lost", () => { heard = Date.now(); deaf = true; say(); });
    for (const name of EVENTS) {
      stream.addEventListener(name, (event) => {
        heard = Date.now();
        deaf = false;
        // "run" stands for all runs, "run:7" for one; "none" is a page that no event changes
        const wanted = document.querySelector("main [data-topics]")?.dataset.topics.split(" ");
        const concerns = !wanted || wanted.includes(name) || wanted.includes(`${name}:${event.detail?.data}`);
        if (name === "hello" ? Date.now() - fetched > 1000 : concerns) soon();
      });
    }
    for (const name of ["htmx:sse:error", "htmx:sse:close"]) {
      stream.addEventListener(name, () => { heard = 0; say(); });
    }
    const fetching = by("refresh");
    fetching.addEventListener("htmx:after:request", (event) => {
      const { status, raw } = event.detail.ctx.response;
      if (raw.redirected) { // the session has ended: the login page belongs into the window, not into the frame
        event.preventDefault();
        location.reload();
        return;
      }
      waiting = 0;
      failed = status >= 400;
      if (!failed) fetched = Date.now();
      say();
    });
    fetching.addEventListener("htmx:error", () => { waiting = 0; failed = true; say(); });
    setTimeout(beat, 50);
    setInterval(beat, 1000);
  });
  // a form whose answer has an address of its own: the address bar and the updates that follow go there, too
  document.addEventListener("htmx:after:request", (event) => {
    const raw = event.detail?.ctx?.response?.raw;
    if (!event.target.closest?.("form[data-address]") || !raw?.ok || raw.redirected) return;
    const { pathname, search } = new URL(raw.url);
    history.replaceState(null, "", pathname + search);
    by("refresh").setAttribute("hx-get", pathname + search);
  });
  document.addEventListener("visibilitychange", () => { if (!document.hidden) soon(); });
})();
