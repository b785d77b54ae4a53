// In place of gtag.js and gtm.js: sends nothing, and lets a page that waits for an event to be sent go on.
(() => {
  const layer = (window.dataLayer = window.dataLayer || []);
  const call = (callback, ...args) => {
    if (typeof callback === "function") setTimeout(() => callback(...args), 0);
  };
  const take = (entry) => {
    if (!entry || typeof entry !== "object") {
      call(entry);
      return;
    }
    call(entry.eventCallback);
    const [command, , last, asked] = Array.from(entry.length >= 0 ? entry : []);
    if (command === "event" && last && typeof last === "object") call(last.event_callback);
    if (command === "get") call(asked);
  };
  const push = layer.push;
  layer.push = (...entries) => {
    const length = push.apply(layer, entries);
    entries.forEach(take);
    return length;
  };
  layer.slice().forEach(take);
})();
