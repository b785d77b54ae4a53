// The banner with JavaScript: a choice is sent without leaving the page, then the page loads anew with what was typed
// into it. No policy logic: what the choices are and mean stands in the markup and with the server.
(() => {
  "use strict";
  const banner = document.querySelector("section.consentry[data-reserved]");
  if (!banner) return;
  const reserved = banner.dataset.reserved;
  const form = banner.querySelector("form.consentry-form");
  const KEPT = "consentry-typed";
  const NEVER = ["password", "file", "hidden", "submit", "button", "image", "reset"];

  // Fields of the page (not ours), each with its place among those of the same form, id and name.
  const fields = () => {
    const forms = [...document.forms].filter((one) => !banner.contains(one));
    const seen = {};
    const found = [];
    for (const field of document.querySelectorAll("input, textarea, select")) {
      if (banner.contains(field) || NEVER.includes(field.type) || /cc-|one-time|password/.test(field.autocomplete)) continue;
      const key = [forms.indexOf(field.form), field.id, field.name, field.type].join("|");
      seen[key] = (seen[key] || 0) + 1;
      found.push([key + "|" + seen[key], field]);
    }
    return found;
  };

  const read = (field) => {
    if (field.type === "checkbox" || field.type === "radio") return field.checked;
    return field.multiple && field.options ? [...field.options].map((option) => option.selected) : field.value;
  };

  const write = (field, value) => {
    if (read(field) === value) return;
    if (typeof value === "boolean") field.checked = value;
    else if (Array.isArray(value)) [...field.options].forEach((option, n) => { option.selected = Boolean(value[n]); });
    else field.value = value;
    field.dispatchEvent(new Event("input", { bubbles: true }));
    field.dispatchEvent(new Event("change", { bubbles: true }));
  };

  const reload = () => {
    try {
      const typed = {};
      for (const [key, field] of fields()) typed[key] = read(field);
      sessionStorage.setItem(KEPT, JSON.stringify({ at: location.href, x: scrollX, y: scrollY, typed }));
    } catch { /* no storage: the page loads anew all the same */ }
    location.reload();
  };

  const restore = () => {
    try {
      const kept = JSON.parse(sessionStorage.getItem(KEPT));
      sessionStorage.removeItem(KEPT);
      if (!kept || kept.at !== location.href) return;
      for (const [key, field] of fields()) if (key in kept.typed) write(field, kept.typed[key]);
      scrollTo(kept.x, kept.y);
    } catch { /* nothing was kept */ }
  };
  if (document.readyState === "complete") restore();
  else addEventListener("load", restore, { once: true });

  // A page out of the back-forward cache may show what no longer holds.
  addEventListener("pageshow", async (event) => {
    if (!event.persisted) return;
    try {
      const answer = await fetch(reserved + "state", { credentials: "same-origin", cache: "no-store" });
      if ((await answer.json()).state !== banner.dataset.state) reload();
    } catch { /* no server: nothing new can have been allowed */ }
  });

  // The page of all choices leads back here.
  for (const link of banner.querySelectorAll(`a[href="${reserved}"]`))
    link.href = reserved + "?back=" + encodeURIComponent(location.pathname + location.search);

  if (!form) return;
  const answer = banner.querySelector("iframe.consentry-answer");
  if (answer) answer.hidden = true;
  if (!navigator.cookieEnabled) {
    banner.querySelector(".consentry-no-cookies").hidden = false;
    form.hidden = true;
    return;
  }

  const details = form.querySelector("details");
  if (details) details.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !details.open) return;
    details.open = false;
    details.querySelector("summary").focus();
  });

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const status = banner.querySelector(".consentry-status");
    const buttons = form.querySelectorAll("button");
    const sent = new FormData(form);
    const choice = event.submitter ? event.submitter.value : "save";
    const body = { surface: sent.get("surface"), language: sent.get("lang") };
    if (choice === "save") {
      body.granted = sent.getAll("category");
      body.vendors = { granted: sent.getAll("vendor") };
    } else body.choice = choice;
    let problem = banner.dataset.failed;
    for (const button of buttons) button.disabled = true;
    try {
      const reply = await fetch(form.action, {
        method: "POST",
        credentials: "same-origin",
        headers: { "Content-Type": "application/json", Accept: "application/json" },
        body: JSON.stringify(body),
      });
      const said = await reply.json().catch(() => ({}));
      if (reply.ok) return reload();
      problem = (said.error && said.error.message) || problem;
    } catch { /* no server: the problem is the one in the markup */ }
    for (const button of buttons) button.disabled = false;
    status.textContent = problem;
    if (event.submitter) event.submitter.focus();
  });
})();
