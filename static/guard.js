// First in the page: keeps denied cookies from being written by scripts and denied hosts from being asked by them.
// Look-ups in the table it is given, nothing more: the table is made from the core's decisions (cmp/wire/guard.py).
// It runs in pages and in workers, and takes in the realms a page makes: frames without a page of the site in them.
(function guard(table) {
  "use strict";
  if (!table) return;
  const G = globalThis, { apply, construct: build, getPrototypeOf: above } = Reflect, URL = G.URL, here = G.location, { hostname: host } = here,
    describe = Object.getOwnPropertyDescriptor, own = table.o || [host.replace(/^www\./, "")],
    D = G.document, E = D && Element.prototype, FRAME = { localName: "iframe" }, element = D && D.currentScript, nonce = element ? element.nonce : "",
    inert = D && D.implementation.createHTMLDocument(""), walk = D && D.createTreeWalker.bind(D),
    markup = D && describe(E, "innerHTML"), attributes = D && describe(E, "attributes").get,
    setAttribute = D && E.setAttribute, setCookie = D && describe(Document.prototype, "cookie").set;

  // Many names are numbers, packed (cmp/wire/name_set.py says how). Nothing is unpacked before it is asked for, and where
  // the table holds none, this is not sent.
  /* PACKED */
  const mixed = (hash, bits, times) => Math.imul(hash ^ hash >>> bits, times), hashOf = (name) => {
    let hash = 0x811c9dc5;
    for (let n = 0; n < name.length; n++) hash = Math.imul(hash ^ name.charCodeAt(n), 0x01000193);
    return mixed(mixed(mixed(hash, 16, 0x85ebca6b), 13, 0xc2b2ae35), 16, 1);
  };
  const unpacked = ([shift, low, count, packed]) => {
    const bytes = atob(packed), numbers = new Set(), bit = () => bytes.charCodeAt(at >> 3) >> (at++ & 7) & 1;
    let at = 0, number = 0;
    while (count--) {
      while (bit()) number += 2 ** low;
      for (let n = 0; n < low; n++) number += bit() * 2 ** n;
      numbers.add(number);
    }
    return (name) => numbers.has(hashOf(name) >>> shift);
  };
  /* END */
  const words = (text, use) => text.split(" ").forEach((word) => word && use(word));
  const lookup = (t, rules) => {
    let map, packed;
    return (name, written) => {
      if (!map) {
        map = new Map(Object.entries(rules));
        [t.d, t.a].forEach((names, verdict) => words(names, (word) => map.set(word, verdict)));
        packed = t.h.map((form) => form ? unpacked(form) : () => 0);
      }
      const found = map.get(name);
      return found != null || written ? found : packed[0](name) ? 0 : packed[1](name) ? 1 : found;
    };
  };
  // The longest first, and of those as long as each other the ones that were given in order.
  const patterns = (c) => {
    let all;
    return () => {
      if (!all) {
        all = [...c.p];
        c.g.forEach((globs, verdict) => words(globs, (word) => all.push([word, "", verdict])));
        all.sort((a, b) => b[0].length - a[0].length);
      }
      return all;
    };
  };
  // One for each policy that is asked. What one knows, another need not know; of those that do, each can deny.
  const tables = table.t.map((t) => ({ ...t, host: lookup(t, t.r), cookie: lookup(t.c, t.c.x), globs: patterns(t.c) }));
  const joint = (verdicts, otherwise) => {
    const known = verdicts.filter((v) => v != null);
    return known.length ? known.every(Boolean) : otherwise;
  };

  const glob = (pattern, text) => {
    const parts = pattern.split("*"), head = parts.shift(), tail = parts.pop();
    if (tail == null) return head === text;
    let at = head.length, end = text.length - tail.length;
    return at <= end && text.startsWith(head) && text.endsWith(tail) && parts.every((part) => {
      const found = text.indexOf(part, at);
      at = found + part.length;
      return found >= 0 && at <= end;
    });
  };
  const under = (name, suffix) => !suffix || name === suffix || name.endsWith("." + suffix);

  // Rules are [path, what must stand in the query, verdict]; the first that fits decides.
  const asked = (url, part) => {
    const [name, ...value] = part.split("=");
    return value.length ? url.searchParams.getAll(name).some((v) => glob(value.join("="), v)) : url.searchParams.has(name);
  };
  // As the core reads a path: what needs no percent sign is written without one.
  const plain = (path) => path.replace(/%([0-9a-f]{2})/gi, (m, h) => {
    const c = String.fromCharCode(parseInt(h, 16));
    return /[\w.~-]/.test(c) ? c : m.toUpperCase();
  });
  const first = (rules, url) => (rules.find(([path, query]) =>
    (!path || glob(path, plain(url.pathname))) && query.every((part) => asked(url, part))) || [])[2];
  // Fields of a form and names of images hide properties: of those that decide, the getters are asked.
  const getter = (type, key) => G[type] && describe(G[type].prototype, key).get,
    baseOf = getter("Node", "baseURI"), urlOf = getter("Request", "url"), kindOf = getter("Element", "localName");
  const denied = (text, element) => {
    let url;
    try { url = new URL(text, D ? apply(baseOf, element || D, []) : here); } catch { return false; }
    const name = url.hostname.replace(/\.$/, "");
    if (!/^(http|ws)s?:$/.test(url.protocol)) return false;
    const ours = own.some((s) => under(name, s));
    return !joint(tables.map((t) => {
      let verdict, at = name;
      while ((!ours || table.n) && at && verdict == null) {
        const dot = at.indexOf("."), found = t.host(at, ours || dot < 0);
        verdict = Array.isArray(found) ? first(found, url) : found;
        at = dot < 0 ? "" : at.slice(dot + 1);
      }
      return verdict ?? first(t.e, url);
    }), ours || open);
  };

  // Names have a verdict, or [host suffix, verdict] each; patterns are [glob, host suffix, verdict].
  const cookieDenied = (name) => !joint(tables.map((t) => {
    let found = t.cookie(name);
    if (Array.isArray(found)) found = (found.find((e) => under(host, e[0])) || [])[1];
    return found ?? (t.globs().find((e) => under(host, e[1]) && glob(e[0], name)) || [])[2];
  }), tables.every((t) => t.c.u));
  const nameOf = (text) => {
    const pair = text.split(";")[0].replace(/^[\s=]+/, ""), at = pair.indexOf("=");
    return (at < 0 ? pair : pair.slice(0, at)).trim();
  };

  // Texts that name hosts: CSS, code, what stands in a data URL. Where the unknown is denied a CSP holds them.
  const open = tables.every((t) => t.u),
    cut = (text) => !open ? text : text.replace(/(?:(?:http|ws)s?:[\\/]*|[\\/]{2,})[^\s\x22'`()<>,;]+/gi, (url) => denied(url) ? "data:," : url);
  const css = (text) => {
    text = "" + text;
    // Tabs and line ends are no part of an address; what looks like a comment may stand in a string or an address.
    const read = text.replace(/\\(?:([0-9a-f]{1,6})(?:\r\n|\s)?|\r\n|([^]))/gi, (m, h, c) =>
      (h ? String.fromCodePoint(Math.min(parseInt(h, 16), 0x10ffff)) : c || "").trim());
    for (const t of [read.replace(/\/\*[^]*?\*\//g, ""), read]) if (cut(t) !== t) return cut(t);
    return text;
  };
  // The type of a data URL, whether it is in Base64, and what it holds.
  const dataOf = (url) => /^data:([^,]*?)(;\s*base64\s*)?,([^]*)/i.exec(url) || [];
  // In whatever coding: percent signs (twice as well), base64, UTF-16, references of HTML.
  const naming = (text) => {
    const [, , coded, body] = dataOf(text);
    let plain;
    try {
      text = (coded ? atob(unescape(body)) : unescape(text)).replace(/\0/g, "");
      plain = parsed(text.replace(/\x3c/g, " ")).textContent;
    } catch { /* as it is */ }
    return [text, unescape(text), "" + plain].some((t) => cut(t) !== t);
  };

  // Attributes that make a browser ask for something, whatever the element; links that somebody may click on do not.
  const asks = /^(src|srcset|href|code|data|poster|ping|(form)?action|imagesrcset|background|attributionsrc|to|from|by|values|content|http-?equiv|rel|srcdoc|style|filter|mask|clip-path|cursor|fill|stroke|marker-\w+)$/i;
  const frames = /frame|object|embed|link/, lists = /set|ping|values|attr/, blobs = new Map(), done = new WeakSet(),
    SELF = "(" + guard + ")(" + JSON.stringify(table).replaceAll("<", "\\u003c") + ");\n",
    SCRIPT = `<!doctype html><${"script"} nonce="${nonce}">${SELF}<\/script>`;
  // Typed values (Trusted Types) stay typed where nothing changes; else ours is typed, if the page lets us name a policy.
  let types;
  const T = G.trustedTypes, trusted = (value) => T && (T.isHTML(value) || T.isScript(value) || T.isScriptURL(value));
  // What says something else each time it is asked has said it once.
  const once = (value) => trusted(value) ? value : "" + value;
  const stripped = (url) => url.replace(/^[\0- ]+|[\t\n\r]+/g, "");
  const as = (kind, text, value, otherwise = text) => {
    if (!trusted(value)) return text;
    try {
      types ||= T.createPolicy("consentry", { createHTML: (s) => s, createScriptURL: (s) => s });
      return types["create" + kind](text);
    } catch { return otherwise; }
  };
  // What may stand in an attribute; undefined where nothing may.
  const permitted = (element, name, value) => {
    const tag = tagOf(element);
    name = name.toLowerCase().replace(/^.*:/, "");
    if (!asks.test(name) || tag.includes("-") || (name === "href" && /^a(rea)?$/.test(tag))) return value;
    if (/^(st|fi|ma|cl|cu)/.test(name)) return css(value);
    if (/^(http|con)/.test(name)) return /refresh/i.test(value + element.httpEquiv) &&
      denied((/(https?:|[\\/]{2}).*/i.exec(value + element.content) || [""])[0], element) ? undefined : value;
    if (/^(to|from|by|values)$/.test(name)) return /^(set|animate)$/.test(tag) && css(value) !== value ? undefined : value;
    if (name === "srcdoc") return SCRIPT + clean(value);
    // What a link says it is for makes it ask, or not, for what it already names.
    const text = ("" + (name === "rel" && tag === "link" ? element.href : value)).trim(), url = stripped(text);
    if (/^blob:/i.test(url) && frames.test(tag)) return framed(url);
    if (/^(data|javascript):/i.test(url)) return naming(url) ? undefined : frames.test(tag) ? boxed(url, value) : value;
    return (lists.test(name) ? text.split(/[\s,;]+/) : [text]).some((url) => url && denied(url, element.nodeType && element)) ? undefined : value;
  };
  // A page in an address has the guard first in it, once. One in a coding in which ASCII is no ASCII is not shown.
  const boxed = (url, value) => {
    const [, type, coded, text] = dataOf(url);
    try {
      if (!/^\s*text\/html/i.test(type)) return value;
      if (/16|ucs|unic/i.test(type)) return;
      const body = coded ? escape(atob(unescape(text.split("#")[0]))) : text;
      const ours = escape(/^\s*<!d/i.test(unescape(body)) ? SCRIPT : SCRIPT.slice(15));
      return body.startsWith(ours) ? value : "data:" + type + "," + ours + body;
    } catch { return value; }
  };
  // A blob is what it says itself, whichever realm made it.
  const textOf = (url) => {
    const read = new XMLHttpRequest();
    try {
      read.open("GET", url, false);
      read.send();
      return [read.responseText, read.getResponseHeader("content-type") || ""];
    } catch { return []; }
  };
  const framed = (url) => {
    const { type } = blobs.get(url) || {}, [text, said] = !type || /ml|xsl/.test(type) ? textOf(url) : [];
    if (!/ml|xsl/.test(said)) return url;
    return URL.createObjectURL(new Blob([/t.html/.test(said) ? SCRIPT + clean(cut(text)) : cut(text)], { type: said.split(";")[0] + ";charset=utf-8" }));
  };
  // Of a form, a field's name hides a property.
  const tagOf = (element) => {
    try { return apply(kindOf, element, []).toLowerCase(); } catch { return element.localName || ""; }
  };
  const blocked = (element, value) => {
    apply(setAttribute, element, ["data-consent-blocked", value]);
    setTimeout(() => element.dispatchEvent(new Event("error")));
  };
  // Elements that load nothing yet, because they are in no document that is shown.
  const scrub = (root) => {
    let changed = 0;
    for (let steps = walk(root, 1), e = root; e; e = steps.nextNode()) {
      const tag = tagOf(e), text = tag === "style" && e.textContent;
      if (tag === "template") changed |= scrub(e.content);
      if (e.shadowRoot) scrub(e.shadowRoot);
      if (text && css(text) !== text) changed = 1, e.textContent = css(text);
      if (tag) [...apply(attributes, e, [])].forEach((a) => {
        const value = permitted(e, a.name, a.value);
        if (value === a.value) return;
        changed = 1;
        if (value == null) apply(E.removeAttribute, e, [a.name]), blocked(e, a.value);
        else apply(setAttribute, e, [a.name, value]);
      });
    }
    return changed;
  };
  // Markup as a string. What names no host passes unread.
  const clean = (given, context) => {
    given &&= once(given);
    const text = "" + given;
    try {
      if (!/[\\/]\s*[\\/]|[:&]|srcdoc/i.test(text)) return given;
      // What an element takes no notice of goes by another name, and what is text only where scripts run.
      const read = text.replace(/(<\/?)(body|html|head|frame)/gi, "$1x$2").replace(/(<\/?)noscript/gi, "$1noembed");
      const box = parsed(read === text ? given : as("HTML", read, given), context);
      return scrub(box) ? as("HTML", apply(markup.get, box, []).replace(/(<\/?)x(body|html|head|frame)/gi, "$1$2").replace(/(<\/?)noembed/gi, "$1noscript"), given) : given;
    } catch { return given; }
  };
  // Markup, where it loads nothing, read as it is where it goes.
  const parsed = (given, context) => {
    const like = /^(|ht.*|hea.*|fra.*)$/.test(context && tagOf(context)) ? inert.body : context || inert.body,
      box = inert.createElementNS(like.namespaceURI, apply(kindOf, like, []));
    apply(markup.set, box, [given]);
    return box;
  };
  const restyle = (e) => {
    if (!e || e.nodeType !== 1) return;
    const text = apply(E.getAttribute, e, ["style"]);
    if (text && css(text) !== text) e.setAttribute("style", css(text));
    if (tagOf(e) === "style") scrub(e);
  };
  let held = "";

  // Whether a frame has that name, however deep.
  const named = (name, w = G) => {
    try { if (w[name]?.window || w !== w.top && w.name === name) return name; } catch { /* another origin's */ }
    for (let n = 0; name && n < w.length; n++) if (named(name, w[n])) return name;
  };

  // One realm: the page's own, a worker's, or that of a frame which no page of the site is in.
  const take = (W) => {
    const D = W.document;
    if (done.has(D || W)) return;
    done.add(D || W);
    // Each patch on its own: where a page or browser does not let one be made, the others still hold.
    const patch = (types, keys, make) => types.split(" ").forEach((type) => keys.split(" ").forEach((key) => {
      try {
        let object = type ? W[type]?.prototype : W, d;
        if (object && !(key in object)) object = W[type];
        // To look first is cheaper by far than to catch. Of a type only what is its own: the one above has its turn.
        if (!object || !(key in object)) return;
        while (!(d = describe(object, key))) if (type) return; else object = above(object);
        const part = d.set && key !== "relList" ? "set" : d.get ? "get" : "value", f = d[part];
        d[part] = new Proxy(f, { apply: (_, self, args) => make(self, args, (a) => apply(f, self, a), key) });
        Object.defineProperty(object, key, d);
      } catch { /* not there, or frozen */ }
    }));
    const construct = (keys, make) => keys.split(" ").forEach((name) => {
      try {
        const type = W[name], own = type.prototype.constructor === type;
        W[name] = new Proxy(type, { construct: (t, args, target) => (make(args), build(t, args, target)) });
        // Not so for Audio: it shares the prototype of HTMLAudioElement.
        if (own) type.prototype.constructor = W[name];
      } catch { /* not there, or frozen */ }
    });
    // A page of the site has a guard of its own; a picture or a text shown in a frame has none.
    const inner = (w) => {
      try { if (!/^http/.test(w.location.protocol) || w.document.contentType !== "text/html") take(w); } catch { /* another origin's */ }
    };
    const sweep = () => {
      for (let n = 0; n < W.length; n++) inner(W[n]);
    };
    // Frames without a page of their own are there at once, and their load event as well.
    const loaded = (e) => inner(e.target.contentWindow), clicked = (e) => {
      const link = e.composedPath().find((n) => /^a(rea)?$/.test(n.localName));
      if (link && leads(link)) e.preventDefault();
    };
    const hear = (root) => {
      root.addEventListener("load", loaded, true);
      root.addEventListener("click", clicked, true);
    };
    const watch = (root) => {
      hear(root);
      new MutationObserver((records) => {
        sweep();
        records.forEach(({ target }) => restyle(target.nodeType === 3 ? target.parentNode : target));
      }).observe(root, { subtree: true, childList: true, characterData: true, attributeFilter: ["style"] });
    };

    // A denied cookie is written as already expired: whatever the page meant, it is not there afterwards.
    patch("Document", "cookie", (self, args, go) => {
      let text = "" + args[0];
      if (cookieDenied(nameOf(text))) {
        if (/[\0-\x08\x0a-\x1f\x7f]/.test(text)) return;
        text += ";max-age=0";
      }
      go([text]);
    });
    patch("CookieStore", "set", (self, args, go) => {
      const o = Object(args[0]) === args[0] ? { ...args[0] } : { name: args[0], value: args[1] }, name = o.name = "" + o.name;
      if (!cookieDenied(nameOf(name + "=" + o.value))) return go([o]);
      return self.delete({ name, domain: o.domain || null, path: o.path || "/" });
    });

    // Attributes, however they are set.
    const put = (element, name, value, go) => {
      if (!element || !tagOf(element) || !asks.test(name.replace(/^.*:/, ""))) return go(value);
      const text = "" + value, found = permitted(element, name, text);
      if (found == null) return blocked(element, text);
      return go(found === text && trusted(value) ? value : as("HTML", found, value, value));
    };
    patch("Element", "setAttribute", (self, [k, v], go) => put(self, k = "" + k, v, (v) => go([k, v])));
    patch("Element", "setAttributeNS", (self, [n, k, v], go) => put(self, k = "" + k, v, (v) => go([n, k, v])));
    patch("Element NamedNodeMap", "setAttributeNode setAttributeNodeNS setNamedItem setNamedItemNS",
      (self, [a], go) => put(tagOf(self) ? self : self[0]?.ownerElement || FRAME, a.name, a.value, (v) => {
        if (v !== a.value) a.value = v;
        return go([a]);
      }));
    patch("Attr Node CharacterData HTMLElement", "value nodeValue textContent data innerText", (self, [v], go) => {
      if (self.ownerElement) return put(self.ownerElement, self.name, v, (v) => go([v]));
      go([(self.localName || self.parentNode?.localName) === "style" ? css(v) : v]);
    });
    // Not a template's: its "content" is no address.
    const names = (o, fits) => Object.getOwnPropertyNames(o).filter((name) => fits.test(name)).join(" ");
    words(names(W, /^HTML(?!Te).+Element$/), (t) => patch(t, names(W[t].prototype, asks), (self, [v], go, key) => put(self, key, v, (v) => go([v]))));
    patch("HTMLLinkElement", "relList", (self, args, go) => (scrub(self), go(args)));
    patch("SVGAnimatedString", "baseVal", (self, args, go) => is(args) || go(args));

    // Markup, and elements that come from elsewhere.
    const html = (n, around) => (self, args, go) => {
      args[n] = self.localName === "style" ? css(args[n]) :
        clean(args[n], around && (n < 1 || /^(beforeb|aftere)/i.test(args[0])) ? self.parentNode : self.host || self.startContainer || self);
      const made = go(args);
      sweep();
      return made;
    };
    patch("Element ShadowRoot Range Document", "innerHTML setHTMLUnsafe setHTML createContextualFragment parseHTMLUnsafe", html(0));
    patch("Element", "outerHTML", html(0, 1));
    patch("Element", "insertAdjacentHTML", html(1, 1));
    patch("Document", "execCommand", html(2));
    // Written in pieces, a tag is written when it is complete.
    // A document that is opened anew has lost who listened.
    const renew = () => {
      hear(D);
      hear(W);
      sweep();
    };
    // Where it goes is not known: as parts of a table are read, and where the script stands.
    const written = (given) => clean(clean(given, inert.createElement("template")), D.currentScript?.parentNode);
    patch("Document", "write writeln", (self, args, go, key) => {
      if (args.length === 1 && trusted(args[0]) && !held) return go([written(args[0])]);
      held += args.join("") + (key > "write" ? "\n" : "");
      // Complete, or in a comment, or nothing is markup any more.
      const complete = ["", "-->"].some((end) => {
        const box = parsed(held + end + "<" + "!--|-->"), steps = walk(box, 128);
        let last;
        while (steps.nextNode()) last = steps.currentNode.data;
        return last === "|" || box.querySelector("plaintext");
      });
      if (!complete) return;
      const whole = written(held);
      held = "";
      go([whole]);
      renew();
    });
    patch("Node Element DocumentFragment Document CharacterData DocumentType Range",
      "appendChild insertBefore replaceChild importNode adoptNode body append prepend replaceChildren before after replaceWith insertAdjacentElement insertNode surroundContents", (self, args, go) => {
      args = args.map((a) => {
        if (self.localName === "style" && typeof a === "string") return css(a);
        if (a && a.nodeType === 3 && self.localName === "style") a.data = css(a.data);
        if (a && a.querySelectorAll) {
          if ((a.ownerDocument || a) !== D) scrub(a);
          else if (open) [a, ...a.querySelectorAll("[style],style")].forEach(restyle);
        }
        return a;
      });
      const made = go(args);
      sweep();
      return made;
    });
    patch("XSLTProcessor", "transformToFragment", (self, args, go) => {
      const made = go(args);
      scrub(made);
      return made;
    });
    patch("HTMLIFrameElement", "contentWindow contentDocument", (self, args, go, key) => {
      const found = go(args);
      // A window of another origin throws at whoever looks into it.
      if (found) inner(key === "contentWindow" ? found : found.defaultView);
      return found;
    });
    patch("Element", "attachShadow shadowRoot", (self, args, go) => {
      const root = go(args);
      if (root && !done.has(root)) done.add(root), watch(root);
      return root;
    });

    // Style that no attribute and no element holds.
    patch(names(W, /^(CSS|StyleP)/), "insertRule addRule replace replaceSync appendRule setProperty cssText set append",
      (self, args, go) => go(args.map((a) => css(a) === "" + a ? a : css(a))));
    patch("Element", "animate", (self, args, go) => go(naming(JSON.stringify(args[0]?.entries ? [...args[0]] : args[0])) ? [[], args[1]] : args));

    // Calls. A page that is told "network error" copes; one that gets an exception may not.
    const failed = () => Promise.reject(new TypeError("Failed to fetch")),
      NOWHERE = "blob:null/0", is = (args, n = 0) => args.length > n && denied(args[n] = "" + args[n]);
    patch("", "fetch fetchLater", (self, args, go) => {
      let url;
      try { url = apply(urlOf, args[0], []); } catch { /* no Request */ }
      return (url ? denied(url) : is(args)) ? failed() : go(args);
    });
    patch("XMLHttpRequest", "open", (self, args, go) => {
      if (is(args, 1)) args[1] = NOWHERE;
      return go(args);
    });
    patch("Navigator", "sendBeacon", (self, args, go) => is(args) || go(args));
    patch("", "importScripts", (self, args, go) => go(args.map((url) => denied(url = once(url)) ? "data:text/javascript," : url)));
    patch("Cache", "add addAll", (self, [asked], go, key) => {
      const all = (key > "add" ? [...asked] : [asked]).map((r) => new Request(r));
      return all.some((r) => denied(r.url)) ? failed() : go(key > "add" ? [all] : all);
    });
    // That a whole page is led elsewhere is no matter of a guard.
    patch("Worklet WindowClient", "addModule navigate", (self, args, go) => self.frameType !== "top-level" && is(args) ? failed() : go(args));
    const into = (name) => named(name) || W !== W.top && name === "_self";
    const opens = (self, args, go) => {
      args = args.map((a) => a == null ? a : "" + a);
      if (denied(args[0])) {
        if (into(args[1])) return null;
      } else if (args[0]) args[0] = permitted(FRAME, "src", args[0]);
      const made = go(args);
      if (made !== self) inner(made);
      renew();
      return made;
    };
    patch("", "open", opens);
    patch("Document", "open", opens);
    // A click on a link that loads something into a frame: true where it is not to go on. What it may load has the guard in it.
    const leads = (link) => {
      const { target, href } = link, url = href.baseVal ?? href;
      if (!into((target.baseVal ?? (target || D.querySelector("base[target]")?.target)) || "_self") &&
        (link.download || !/^blob/.test(url))) return;
      const found = permitted(FRAME, "src", url);
      if (found == null) return true;
      if (found !== url) apply(setAttribute, link, ["href", found]);
    };
    patch("HTMLElement EventTarget", "click dispatchEvent", (self, args, go) => {
      const link = self?.isConnected === false && self.closest?.("a,area");
      return link && leads(link) || go(args);
    });
    // Port 1 is one that no browser connects to (Fetch standard, port blocking).
    [["WebSocket WebSocketStream", "wss://localhost:1/"], ["EventSource", NOWHERE], ["Audio", "data:,"],
      ["WebTransport", "https://localhost:1/"]].forEach(([types, nowhere]) => construct(types, (args) => {
      if (is(args)) args[0] = nowhere;
    }));
    construct("FontFace", (args) => { args[1]?.byteLength ?? (args[1] = css(args[1])); });
    // Whom a passkey or a sign-in is for is asked whether that may be.
    patch("CredentialsContainer PublicKeyCredential", "get create " + names(W.PublicKeyCredential || {}, /^sig/), (self, args, go) => {
      const o = args[0]?.publicKey || args[0], id = o?.rpId || o?.rp?.id;
      return id && denied("https://" + id) || naming(JSON.stringify(args)) ? failed() : go(args);
    });
    const servers = (args) => {
      const o = args[0];
      // Read once: what is looked at is what is used.
      if (Object(o) === o) args[0] = { ...o, iceServers: [...o.iceServers || []].map(({ urls, url, ...more }) =>
        ({ ...more, urls: (typeof urls === "object" ? [...urls] : [urls || url]).map(String) })).filter(({ urls }) =>
        !urls.some((u) => denied(u.replace(/^\w+:/, "https://")))) };
    };
    construct("RTCPeerConnection webkitRTCPeerConnection", servers);
    patch("RTCPeerConnection", "setConfiguration", (self, args, go) => (servers(args), go(args)));

    // What a page makes of text and runs elsewhere takes the guard along.
    construct("Worker SharedWorker", (args) => {
      const url = stripped("" + (args[0] = once(args[0]))), blob = blobs.get(url) || (/^blob:/i.test(url) && textOf(url)[0]), [data, , coded, text] = dataOf(url);
      if (!blob && !data) return;
      const ours = blob ? URL.createObjectURL(new Blob([SELF, blob], { type: "text/javascript" })) :
        "data:text/javascript," + encodeURIComponent(SELF + (coded ? atob : decodeURIComponent)(text));
      args[0] = as("ScriptURL", ours, args[0], args[0]);
    });
    // A page that a service worker makes up comes without the policy of the site: the site's own is asked for. So does a
    // worker's script, also where it was fetched as something else.
    patch("FetchEvent", "respondWith", (self, [answer], go) => go([Promise.resolve(answer).then((r) =>
      r && ((r.type === "default" ? /document|frame|object|embed|worker|style/ : /worker/).test(self.request.destination) || denied(r.headers.get("location") || "")) ? W.fetch(self.request) : r)]));
    // Nor is a page taken from what a worker has put in store.
    patch("InstallEvent", "addRoutes", () => Promise.resolve());
    const { createObjectURL, revokeObjectURL } = W.URL;
    if (createObjectURL) W.URL.createObjectURL = (blob) => {
      const url = createObjectURL(blob);
      blobs.set(url, blob);
      return url;
    };
    if (!D) return;
    W.URL.revokeObjectURL = (url) => (blobs.delete(url), revokeObjectURL(url));
    watch(D);
    renew();
    if (W !== W.top && W.navigation) W.navigation.addEventListener("navigate", (e) => denied(e.destination.url) && e.preventDefault());
  };
  take(G);
  // How the lines behind it see that it ran.
  if (element) element.remove();
  if (D) try {
    D.cookie.split(";").map(nameOf).filter((name) => name && cookieDenied(name)).forEach((name) => {
      const domains = ["", ...host.split(".").map((_, n, parts) => ";domain=" + parts.slice(n).join("."))], paths = ["/"];
      let path = "";
      here.pathname.split("/").slice(1, 5).forEach((s) => paths.push(path += "/" + s, path + "/"));
      domains.forEach((d) => paths.forEach((p) => ["", ";secure;partitioned"].forEach((more) =>
        apply(setCookie, D, [name + "=;max-age=0;path=" + p + d + more]))));
    });
  } catch { /* a sandboxed page has none */ }
})(/* TABLE */ null);
