// In place of matomo.js and piwik.js: sends nothing; functions that a page has queued are called.
(() => {
  const tracker = new Proxy({}, { get: (_, name) => (name === "then" ? undefined : () => "") });
  const take = (entry) => {
    if (Array.isArray(entry) && typeof entry[0] === "function") setTimeout(() => entry[0].call(tracker), 0);
  };
  const waiting = Array.isArray(window._paq) ? window._paq : [];
  window._paq = { push: (...entries) => entries.forEach(take) };
  window.Matomo = window.Piwik = { initialized: true, getTracker: () => tracker, getAsyncTracker: () => tracker };
  waiting.forEach(take);
})();
