/* Counts the clock and the ages on, between what the server says. The rules are those of templatetags/holdfast.py. */
(() => {
  "use strict";

  let skew = 0; // server's clock minus this browser's, in ms
  let read = "";

  const now = () => Date.now() + skew;

  function span(seconds) {
    const whole = Math.floor(seconds);
    if (whole < 60) return `${whole} s`;
    const minutes = Math.floor(whole / 60), hours = Math.floor(whole / 3600);
    if (minutes < 60) return `${minutes} min`;
    if (hours < 48) return minutes % 60 ? `${hours} h ${minutes % 60} min` : `${hours} h`;
    return `${Math.floor(whole / 86400)} days`;
  }

  function write(element, words) {
    if (element.firstChild?.nodeValue !== words) element.textContent = words;
  }

  function ages() {
    for (const element of document.querySelectorAll("time[data-ago]")) {
      const seconds = (now() - Date.parse(element.dateTime)) / 1000;
      write(element, seconds < -1 ? `in ${span(-seconds)}` : `${span(Math.abs(seconds))} ago`);
    }
  }

  function clock() {
    const element = document.getElementById("clock");
    if (!element) return;
    if (element.dateTime !== read) {
      read = element.dateTime;
      skew = Date.parse(read) - Date.now();
    }
    const zone = element.dataset.zone;
    const at = new Date(now());
    write(element.querySelector("b"), at.toLocaleTimeString("en-GB", { timeZone: zone, hourCycle: "h23" }));
    const parts = Object.fromEntries(
      new Intl.DateTimeFormat("en-GB", { timeZone: zone, weekday: "short", day: "numeric", month: "short", year: "numeric" })
        .formatToParts(at).map((part) => [part.type, part.value]));
    write(element.querySelector(".date"), `${parts.weekday} ${parts.day} ${parts.month.slice(0, 3)} ${parts.year} `);
  }

  // the same rule as face() in inventory/views/incident.py
  function faces() {
    for (const element of document.querySelectorAll("time[data-face]")) {
      const whole = Math.max(0, Math.floor((now() - Date.parse(element.dateTime)) / 1000));
      const [hours, minutes, seconds] = [whole / 3600, (whole / 60) % 60, whole % 60].map((each) => Math.floor(each));
      const two = (number) => String(number).padStart(2, "0");
      write(element, `${hours ? `${hours}:` : ""}${two(minutes)}:${two(seconds)}`);
    }
  }

  // a moment of this browser's clock, as the header's clock would have shown it
  function time(ms) {
    const zone = document.getElementById("clock")?.dataset.zone;
    return new Date(ms + skew).toLocaleTimeString("en-GB", { timeZone: zone, hourCycle: "h23" });
  }

  const tick = () => { clock(); ages(); faces(); };

  document.addEventListener("DOMContentLoaded", () => {
    tick();
    setInterval(tick, 1000);
  });
  document.addEventListener("htmx:after:swap", tick);
  window.holdfast = { ...window.holdfast, time };
})();
