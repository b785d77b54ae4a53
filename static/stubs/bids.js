// In place of apstag.js: no bids, and whoever waits for them is told so at once.
(() => {
  const waiting = (window.apstag && window.apstag._Q) || [];
  const none = (callback) => {
    if (typeof callback === "function") setTimeout(() => callback([]), 0);
  };
  const apstag = (window.apstag = {
    _Q: [],
    debug: () => {},
    fetchBids: (_asked, callback) => {
      none(callback);
      return Promise.resolve([]);
    },
    init: (_config, callback) => none(callback),
    rpa: () => {},
    setDisplayBids: () => {},
    targetingKeys: () => [],
    upa: () => {},
  });
  // What is queued is ["f", arguments of fetchBids] or ["i", arguments of init].
  for (const [command, args] of waiting) {
    if (command === "f") apstag.fetchBids(...args);
    if (command === "i") apstag.init(...args);
  }
})();
