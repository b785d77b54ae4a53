// In place of ga.js and dc.js: sends nothing; functions that a page has queued are called.
(() => {
  const nothing = () => {};
  const tracker = new Proxy(
    {},
    { get: (_, name) => (name === "_getLinkerUrl" ? (url) => url : name === "_link" ? (url) => location.assign(url) : nothing) },
  );
  const take = (entry) => {
    if (typeof entry === "function") setTimeout(entry, 0);
    else if (Array.isArray(entry) && entry[1] === "hitCallback" && typeof entry[2] === "function") setTimeout(entry[2], 0);
    else if (Array.isArray(entry) && String(entry[0]).split(".").pop() === "_link") location.assign(entry[1]);
  };
  const waiting = Array.isArray(window._gaq) ? window._gaq : [];
  window._gat = { _getTracker: () => tracker, _createTracker: () => tracker, _getTrackerByName: () => tracker };
  window._gaq = { push: (...entries) => (entries.forEach(take), 0) };
  waiting.forEach(take);
})();
