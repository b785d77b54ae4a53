"""The scripts of the site and of its third parties, each with its declared effects.

May go in here: source and declaration side by side, because a browser runs the one and the demo's visitor the other,
and a test holds that both reach the same hosts. May not: how they are served.

Addresses carry no scheme: the pages work over HTTP and HTTPS alike.
"""

from demo.effects import Effect, Script
from demo.messages import DAY
from demo.names import AD_PIXEL, AD_SYNC, AUDIENCE, CHAT, CUSTOMER_HASH, SOCIAL, STATS

# Analytics: a first-party cookie with the visitor's id, which then goes out in a beacon and in a pixel.
METER = Script(
    source=f"""(function () {{
  var found = document.cookie.match(/(?:^|; )_bl_stats=([^;]+)/);
  var id = found ? found[1] : Math.random().toString(16).slice(2) + Date.now().toString(16);
  document.cookie = '_bl_stats=' + id + '; Max-Age={396 * DAY}; Path=/; SameSite=Lax';
  var query = '?tid=BL-1&cid=' + encodeURIComponent(id) + '&dp=' + encodeURIComponent(location.pathname);
  navigator.sendBeacon('//{STATS}/beacon' + query, 'load');
  new Image().src = '//{STATS}/pixel.gif' + query;
}})();
""",
    effects=(
        Effect("POST", "beacon", f"//{STATS}/beacon?tid=BL-1&cid={{_bl_stats}}&dp={{path}}", "load"),
        Effect("GET", "image", f"//{STATS}/pixel.gif?tid=BL-1&cid={{_bl_stats}}&dp={{path}}"),
    ),
    cookie="_bl_stats",
    max_age=396 * DAY,
)

# Advertising: a first-party cookie, a pixel, and a frame in which another company passes its visitor id back.
AD = Script(
    source=f"""(function () {{
  var found = document.cookie.match(/(?:^|; )_bl_ads=([^;]+)/);
  var id = found ? found[1] : Math.random().toString(16).slice(2) + Date.now().toString(16);
  document.cookie = '_bl_ads=' + id + '; Max-Age={90 * DAY}; Path=/; SameSite=Lax';
  function add(name, source) {{
    var element = document.createElement(name);
    element.style.display = 'none';
    element.alt = element.title = '';
    element.src = source;
    (document.body || document.documentElement).appendChild(element);
  }}
  add('img', '//{AD_PIXEL}/impression.gif?aid=AS-7&cid=' + encodeURIComponent(id));
  add('iframe', '//{AD_SYNC}/sync?partner=adsphere');
}})();
""",
    effects=(
        Effect("GET", "image", f"//{AD_PIXEL}/impression.gif?aid=AS-7&cid={{_bl_ads}}"),
        Effect("GET", "iframe", f"//{AD_SYNC}/sync?partner=adsphere"),
    ),
    cookie="_bl_ads",
    max_age=90 * DAY,
)

# Social: fills the page's button with a frame of the network.
BUTTONS = Script(
    source=f"""(function () {{
  var place = document.querySelector('.social-follow');
  if (!place) return;
  var frame = document.createElement('iframe');
  frame.title = 'Follow us';
  frame.width = 120; frame.height = 28;
  frame.src = '//{SOCIAL}/button.html?kind=follow';
  place.replaceChildren(frame);
}})();
""",
    effects=(Effect("GET", "iframe", f"//{SOCIAL}/button.html?kind=follow"),),
)

# Custom audience: the hashed mail address of a known customer goes to the network, which knows whose it is.
MATCH = Script(
    source=f"""(function () {{
  var hash = document.currentScript.dataset.customer;
  fetch('//{AUDIENCE}/match', {{
    method: 'POST', credentials: 'include',
    headers: {{'Content-Type': 'text/plain;charset=UTF-8'}},
    body: JSON.stringify({{list: 'brightloop-customers', em: hash}})
  }}).catch(function () {{}});
}})();
""",
    effects=(
        Effect("POST", "fetch", f"//{AUDIENCE}/match", f'{{"list":"brightloop-customers","em":"{CUSTOMER_HASH}"}}'),
    ),
)

# Chat: opens a session with the chat company and shows its greeting.
CHAT_WIDGET = Script(
    source=f"""(function () {{
  var place = document.getElementById('chat-widget');
  if (!place) return;
  place.textContent = 'Connecting you with an agent';
  fetch('//{CHAT}/session', {{credentials: 'include'}})
    .then(function (answer) {{ return answer.json(); }})
    .then(function (session) {{ place.textContent = session.greeting; }})
    .catch(function () {{ place.textContent = 'Nobody is here right now. Please write to us below.'; }});
}})();
""",
    effects=(Effect("GET", "fetch", f"//{CHAT}/session"),),
)

# A library the page's own script uses: the reason the site breaks without its host.
LIBRARY_SOURCE = Script(
    source="""window.libshare = {
  ready: function (run) {
    if (document.readyState === 'loading') document.addEventListener('DOMContentLoaded', run); else run();
  }
};
"""
)

# The site's own script: first-party collection (server-side tagging), and a fetch that outlives the page.
APP = Script(
    source=f"""(function () {{
  function cookie(name) {{
    var found = document.cookie.match(new RegExp('(?:^|; )' + name + '=([^;]+)'));
    return encodeURIComponent(found ? found[1] : 'none');
  }}
  var query = '?v=2&tid=BL-1&cid=' + cookie('bl_visitor') + '&dp=' + encodeURIComponent(location.pathname);
  navigator.sendBeacon('/collect' + query, 'page_view');
  fetch('//{STATS}/engagement?tid=BL-1&dp=' + encodeURIComponent(location.pathname), {{
    method: 'POST', mode: 'no-cors', credentials: 'include', keepalive: true, body: 'engaged'
  }}).catch(function () {{}});
  window.libshare.ready(function () {{ document.documentElement.classList.add('ready'); }});
}})();
""",
    effects=(
        Effect("POST", "beacon", "/collect?v=2&tid=BL-1&cid={bl_visitor}&dp={path}", "page_view"),
        Effect("POST", "beacon", f"//{STATS}/engagement?tid=BL-1&dp={{path}}", "engaged"),
    ),
)

# The site's own part of the chat page: what was written so far.
CHAT_LOG = Script(
    source="""(function () {
  var log = document.getElementById('chat-log');
  fetch('/chat/messages')
    .then(function (answer) { return answer.json(); })
    .then(function (found) {
      log.replaceChildren();
      found.messages.forEach(function (text) {
        var line = document.createElement('li');
        line.textContent = text;
        log.append(line);
      });
    })
    .catch(function () {});
})();
""",
    effects=(Effect("GET", "fetch", "/chat/messages"),),
)
