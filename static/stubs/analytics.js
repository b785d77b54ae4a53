// In place of analytics.js: sends nothing; commands that a page has queued are carried out as far as they concern it.
(() => {
  const name = window.GoogleAnalyticsObject || "ga";
  const waiting = (window[name] && window[name].q) || [];
  const later = (callback, ...args) => {
    if (typeof callback === "function") setTimeout(() => callback(...args), 0);
  };
  const fields = {};
  const tracker = {
    get: (field) => fields[field],
    set: (field, value) => {
      if (field && typeof field === "object") Object.assign(fields, field);
      else fields[field] = value;
    },
    send: (...args) => {
      const callbacks = args.filter((arg) => arg && typeof arg === "object").map((arg) => arg.hitCallback);
      later(callbacks.find((one) => typeof one === "function") || fields.hitCallback);
    },
  };
  const ga = (...args) => {
    const [first, ...rest] = args;
    if (typeof first === "function") {
      later(first, tracker);
      return;
    }
    const command = String(first).split(".").pop();
    if (command === "send") tracker.send(...rest);
    if (command === "set") tracker.set(...rest);
  };
  ga.create = () => tracker;
  ga.getByName = () => tracker;
  ga.getAll = () => [tracker];
  ga.remove = () => {};
  ga.loaded = true;
  window[name] = ga;
  Array.from(waiting).forEach((args) => ga(...args));
})();
