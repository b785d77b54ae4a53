// First in the page: keeps denied cookies from being written by scripts and denied hosts from being asked by them.
// Look-ups in the table it is given, nothing more: the table is made from the core's decisions (cmp/wire/guard.py).
((table) => {
  "use strict";
  if (!table) return;
  const W = window, D = document, R = Reflect, URL = W.URL, { hostname: host } = location;
  const describe = Object.getOwnPropertyDescriptor, own = table.o || [host.replace(/^www\./, "")];

  const map = (t, rules) => {
    const m = new Map(Object.entries(rules));
    [t.d, t.a].forEach((names, verdict) => names.split(" ").forEach((k) => k && m.set(k, verdict)));
    return m;
  };
  // One for each policy that is asked. What one knows, another need not know; of those that do, each can deny.
  const tables = table.t.map((t) => ({ ...t, hosts: map(t, t.r), names: map(t.c, t.c.x) }));
  const joint = (verdicts, otherwise) => {
    const known = verdicts.filter((v) => v !== undefined);
    return known.length ? known.every(Boolean) : otherwise;
  };

  const glob = (pattern, text) => {
    const parts = pattern.split("*"), head = parts.shift(), tail = parts.pop();
    if (tail === undefined) return head === text;
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
  const denied = (text) => {
    let url;
    try { url = new URL(text, D.baseURI); } catch { return false; }
    const name = url.hostname.replace(/\.$/, "");
    if (!name || !/^(http|ws)s?:$/.test(url.protocol)) return false;
    const ours = own.some((s) => under(name, s));
    return !joint(tables.map((t) => {
      let verdict, at = name;
      while ((!ours || table.n) && at && verdict === undefined) {
        const found = t.hosts.get(at), dot = at.indexOf(".");
        verdict = Array.isArray(found) ? first(found, url) : found;
        at = dot < 0 ? "" : at.slice(dot + 1);
      }
      return verdict ?? first(t.e, url);
    }), ours || tables.every((t) => t.u));
  };

  // Names have a verdict, or [host suffix, verdict] each; patterns are [glob, host suffix, verdict].
  const cookieDenied = (name) => !joint(tables.map(({ c, names }) => {
    let found = names.get(name);
    if (Array.isArray(found)) found = (found.find((e) => under(host, e[0])) || [])[1];
    return found ?? (c.p.find((e) => under(host, e[1]) && glob(e[0], name)) || [])[2];
  }), tables.every((t) => t.c.u));
  const nameOf = (text) => {
    const pair = text.split(";")[0].replace(/^[\s=]+/, ""), at = pair.indexOf("=");
    return at < 0 ? "" : pair.slice(0, at).trim();
  };

  // Each patch on its own: where a page or browser does not let one be made, the others still hold.
  const patch = (type, key, make) => {
    try {
      const object = type.prototype || type, d = describe(object, key), { set, value } = d;
      const wrap = (f) => ({ apply: (_, self, args) => make(self, args, (a) => R.apply(f, self, a)) });
      if (set) d.set = new Proxy(set, wrap(set)); else d.value = new Proxy(value, wrap(value));
      Object.defineProperty(object, key, d);
    } catch { /* not there, or frozen */ }
  };

  // A denied cookie is written as already expired: whatever the page meant, it is not there afterwards.
  const write = (describe(Document.prototype, "cookie") || {}).set;
  patch(Document, "cookie", (self, args, go) => {
    let text = "" + args[0];
    if (cookieDenied(nameOf(text))) {
      if (/[\0-\x08\x0a-\x1f\x7f]/.test(text)) return;
      text += ";max-age=0";
    }
    go([text]);
  });
  patch(W.CookieStore || {}, "set", (self, args, go) => {
    const o = Object(args[0]) === args[0] ? args[0] : { name: "" + args[0] };
    if (!cookieDenied("" + o.name)) return go(args);
    return self.delete({ name: "" + o.name, domain: o.domain || null, path: o.path || "/" });
  });
  try {
    D.cookie.split(";").map(nameOf).filter((name) => name && cookieDenied(name)).forEach((name) => {
      const domains = [""], paths = ["/"];
      let at = host, path = "";
      for (; at.includes("."); at = at.slice(at.indexOf(".") + 1)) domains.push(";domain=" + at);
      location.pathname.split("/").slice(1, 5).forEach((s) => paths.push(path += "/" + s, path + "/"));
      domains.forEach((d) => paths.forEach((p) => ["", ";secure;partitioned"].forEach((more) =>
        R.apply(write, D, [name + "=;max-age=0;path=" + p + d + more]))));
    });
  } catch { /* a sandboxed page has none */ }

  // Elements, by name: attributes that make the browser ask for something.
  const src = "src", srcset = "src srcset", media = "src poster", href = "href xlink:href";
  const loads = {
    script: "src " + href, img: srcset, source: srcset, iframe: src, frame: src, embed: src, input: src, track: src,
    audio: src, video: media, object: "data", link: "href imagesrcset", a: "ping", area: "ping", image: href, use: href,
    feimage: href,
  };
  const setAttribute = Element.prototype.setAttribute;
  const stop = (element, name, value, go, args) => {
    name = ("" + name).toLowerCase();
    const asks = element instanceof Element && (loads[element.localName.toLowerCase()] || "").split(" ").includes(name);
    const urls = /set|ping/.test(name) ? ("" + value).split(/[\s,]+/) : [value];
    if (!asks || !urls.some((url) => url && denied(url))) return go(args);
    R.apply(setAttribute, element, ["data-consent-blocked", value]);
    setTimeout(() => element.dispatchEvent(new Event("error")));
  };
  ("Script.src Image.src Image.srcset IFrame.src Frame.src Embed.src Input.src Track.src Media.src Video.poster " +
   "Source.src Source.srcset Object.data Link.href Link.imageSrcset Anchor.ping Area.ping").split(" ").forEach((e) => {
    const [type, name] = e.split(".");
    patch(W["HTML" + type + "Element"] || {}, name, (self, args, go) => stop(self, name, args[0], go, args));
  });
  patch(Element, "setAttribute", (self, args, go) => stop(self, args[0], args[1], go, args));
  patch(Element, "setAttributeNS", (self, args, go) => stop(self, args[1], args[2], go, args));

  // Calls. A page that is told "network error" copes; one that gets an exception may not.
  const NOWHERE = "blob:null/0", is = (args, n = 0) => args.length > n && denied(args[n] = "" + args[n]);
  patch(W, "fetch", (self, args, go) => {
    const [input] = args;
    return denied(input instanceof Request ? input.url : "" + input) ? Promise.reject(new TypeError("Failed to fetch")) : go(args);
  });
  patch(XMLHttpRequest, "open", (self, args, go) => {
    if (is(args, 1)) args[1] = NOWHERE;
    return go(args);
  });
  patch(Navigator, "sendBeacon", (self, args, go) => is(args) || go(args));
  // Port 1 is one that no browser connects to (Fetch standard, port blocking).
  [["WebSocket", "wss://localhost:1/"], ["EventSource", NOWHERE], ["Audio", "data:,"]].forEach(([name, nowhere]) => {
    try {
      const type = W[name];
      W[name] = new Proxy(type, { construct: (t, args, target) => {
        if (is(args)) args[0] = nowhere;
        return R.construct(t, args, target);
      } });
      // Not so for Audio: it shares the prototype of HTMLAudioElement.
      if (type.prototype.constructor === type) type.prototype.constructor = W[name];
    } catch { /* not there, or frozen */ }
  });
})(/* TABLE */ null);
