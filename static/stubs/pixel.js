// In place of fbevents.js: takes every command and sends nothing.
(() => {
  const fbq = (window.fbq = window._fbq = window.fbq || (() => {}));
  fbq.callMethod = () => {};
  fbq.push = fbq;
  fbq.queue = [];
  fbq.loaded = true;
  fbq.version = fbq.version || "2.0";
})();
