// In place of gpt.js: every slot stays empty, and the page is told so.
(() => {
  const googletag = (window.googletag = window.googletag || {});
  const waiting = Array.isArray(googletag.cmd) ? googletag.cmd : [];
  const listeners = {};
  const slots = [];
  const run = (callback, ...args) => {
    if (typeof callback === "function") setTimeout(() => callback(...args), 0);
  };
  // Every method that is not known here gives back what it was called on, so that calls can be chained.
  const chained = (known) =>
    new Proxy(known, { get: (own, name, itself) => (name in own || name === "then" ? own[name] : () => itself) });
  const tell = (slot) => {
    for (const name of ["slotRequested", "slotResponseReceived", "slotRenderEnded"]) {
      for (const listener of listeners[name] || []) run(listener, { slot, isEmpty: true, serviceName: "publisher_ads" });
    }
  };
  const slot = (path, _size, element) => {
    const made = chained({
      getAdUnitPath: () => path || "",
      getSlotElementId: () => element || "",
      getResponseInformation: () => null,
      getTargeting: () => [],
      getTargetingKeys: () => [],
      getTargetingMap: () => ({}),
      getSizes: () => [],
      getOutOfPage: () => false,
    });
    slots.push(made);
    return made;
  };
  const service = chained({
    addEventListener: (name, listener) => {
      (listeners[name] = listeners[name] || []).push(listener);
      return service;
    },
    removeEventListener: (name, listener) => {
      const found = (listeners[name] || []).indexOf(listener);
      if (found >= 0) listeners[name].splice(found, 1);
      return found >= 0;
    },
    getSlots: () => slots.slice(),
    getTargeting: () => [],
    getTargetingKeys: () => [],
    isInitialLoadDisabled: () => true,
    refresh: (some) => (some || slots).forEach(tell),
  });
  const named = (asked) => slots.filter((one) => one === asked || one.getSlotElementId() === asked);
  Object.assign(googletag, {
    apiReady: true,
    pubadsReady: true,
    cmd: { push: (...callbacks) => (callbacks.forEach((one) => run(one)), 0) },
    companionAds: () => service,
    content: () => service,
    defineOutOfPageSlot: (path, element) => slot(path, [], element),
    defineSlot: slot,
    destroySlots: () => slots.splice(0).length > 0,
    disablePublisherConsole: () => {},
    display: (asked) => named(asked).forEach(tell),
    enableServices: () => {},
    getVersion: () => "",
    openConsole: () => {},
    pubads: () => service,
    setAdIframeTitle: () => {},
    setConfig: () => {},
    sizeMapping: () => chained({ build: () => [] }),
  });
  waiting.forEach((one) => run(one));
})();
