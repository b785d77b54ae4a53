// In place of adsbygoogle.js: takes every unit and leaves it empty.
(() => {
  const units = Array.isArray(window.adsbygoogle) ? window.adsbygoogle : [];
  window.adsbygoogle = { loaded: true, length: units.length, push: () => {} };
  for (const unit of document.querySelectorAll("ins.adsbygoogle")) unit.setAttribute("data-ad-status", "unfilled");
})();
