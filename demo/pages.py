"""The pages of Brightloop Feedback: what a customer-feedback company's site looks like, tags and all.

May go in here: HTML, CSS and SVG as text, built from few values. May not: cookies, headers and routes (`origin.py`).

The markup carries what a tag manager and five years of marketing leave behind, because that is what must be kept in
check: pixels in noscript, inline snippets, srcset, preloads, pings. Addresses carry no scheme, so that the pages work
over HTTP and HTTPS alike. `data-demo-does` says what an inline script leads to (`effects.py`).
"""

from collections.abc import Sequence
from html import escape

from demo.names import AD_PIXEL, AD_TAG, AUDIENCE, CHAT, CUSTOMER_HASH, FONTS, LIBRARY, SOCIAL, STATS, UNLISTED, VIDEO

_TAG_SNIPPET = f"""<script data-demo-does="GET script //{AD_TAG}/tag.js?id=AS-7">
(function (d, s) {{
  var tag = d.createElement(s), first = d.getElementsByTagName(s)[0];
  tag.async = true;
  tag.src = '//{AD_TAG}/tag.js?id=AS-7';
  first.parentNode.insertBefore(tag, first);
}})(document, 'script');
</script>"""

_METER = f'<script async src="//{STATS}/meter.js?tid=BL-1"></script>'


def _page(title: str, body: str, *, head: str = "") -> str:
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{title} – Brightloop Feedback</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="/static/logo.svg" type="image/svg+xml">
<link rel="stylesheet" href="/static/site.css">
<link rel="preconnect" href="//{FONTS}" crossorigin>
<link rel="stylesheet" href="//{FONTS}/css?family=Loop+Sans">
{head}{"" if not head else chr(10)}<script defer src="//{LIBRARY}/lib/ready.js"></script>
<script defer src="/static/app.js"></script>
</head>
<body>
<header>
<a href="/"><img src="/static/logo.svg" alt="Brightloop Feedback" width="160" height="40"></a>
<nav>
<a href="/survey">Survey</a>
<a href="/chat">Chat</a>
<a href="/demo-request">Request a demo</a>
<a href="/privacy">Privacy</a>
</nav>
</header>
<main>
{body}
</main>
<footer><p>Brightloop Feedback Ltd, 1 Harbour Lane, Testville. <a href="/privacy">Privacy</a></p></footer>
</body>
</html>
"""


def home() -> str:
    head = f"""<link rel="preload" as="script" href="//{STATS}/meter.js?tid=BL-1">
<link rel="preload" as="image" href="//{AD_PIXEL}/warm-up.gif">
{_METER}
{_TAG_SNIPPET}
<noscript><img src="//{STATS}/noscript.gif?tid=BL-1" alt="" width="1" height="1"></noscript>"""
    body = f"""<h1>Hear what your customers really think</h1>
<p>Brightloop asks the right question at the right moment and brings the answer to the person who can act on it.</p>
<p><a class="call" href="/demo-request" ping="//{AD_PIXEL}/click?aid=AS-7">See it with your own data</a></p>
<section>
<h2>Two minutes that explain it</h2>
<iframe src="//{VIDEO}/embed/tour-2024" title="Product tour" width="560" height="315" allow="fullscreen"></iframe>
</section>
<section>
<h2>People talk about us</h2>
<div class="social">
<iframe src="//{SOCIAL}/like.html?page=brightloop" title="Like us" width="120" height="28"></iframe>
<span class="social-follow"></span>
<script async src="//{SOCIAL}/sdk.js"></script>
</div>
</section>
<script async src="//{AUDIENCE}/match.js" data-customer="{CUSTOMER_HASH}"></script>
<aside>
<img srcset="//{AD_PIXEL}/banner-320.png?slot=home 1x, //{AD_PIXEL}/banner-640.png?slot=home 2x"
  src="/static/logo.svg" alt="Advertisement" width="320" height="50">
</aside>
<img src="//{UNLISTED}/p.gif?site=brightloop" alt="" width="1" height="1">
<noscript><img src="//{AD_PIXEL}/noscript.gif?aid=AS-7" alt="" width="1" height="1"></noscript>"""
    return _page("Customer feedback that loops back", body, head=head)


def survey(csrf: str) -> str:
    scale = "\n".join(
        f'<label><input type="radio" name="recommend" value="{n}"{" required" if n == 0 else ""}> {n}</label>'
        for n in range(11)
    )
    body = f"""<h1>How did we do?</h1>
<p>Four questions, one minute. Your answers go to Brightloop and to nobody else.</p>
<form method="post" action="/survey/answers">
<input type="hidden" name="csrf" value="{escape(csrf)}">
<fieldset><legend>How likely are you to recommend us to a friend?</legend>
{scale}
</fieldset>
<p><label>Who helped you? <input name="agent" maxlength="80"></label></p>
<p><label>What went well, what did not?<br>
<textarea name="comment" rows="4" cols="60" maxlength="2000"></textarea></label></p>
<p><label>May we come back to you?
<select name="follow-up"><option value="no">No, thank you</option><option value="yes">Yes</option></select></label></p>
<p><button>Send answers</button></p>
</form>"""
    return _page("Survey", body, head=_METER)


def survey_thanks() -> str:
    body = f"""<h1>Thank you</h1>
<p>Your answers have arrived. Somebody will read them today.</p>
<img src="//{AD_PIXEL}/conversion.gif?aid=AS-7&amp;event=survey" alt="" width="1" height="1">"""
    return _page("Thank you", body, head=_METER)


def chat(csrf: str, messages: Sequence[str]) -> str:
    lines = "\n".join(f"<li>{escape(message)}</li>" for message in messages)
    body = f"""<h1>Chat with us</h1>
<div id="chat-widget">Write to us below; we answer by mail if nobody is here.</div>
<ul id="chat-log">
{lines}
</ul>
<form method="post" action="/chat/messages">
<input type="hidden" name="csrf" value="{escape(csrf)}">
<p><label>Your message <input name="message" maxlength="500" required></label> <button>Send</button></p>
</form>
<script async src="//{CHAT}/widget.js?account=brightloop"></script>"""
    return _page("Chat", body, head=f'{_METER}\n<script defer src="/static/chat.js"></script>')


def demo_request(csrf: str) -> str:
    body = f"""<h1>Request a demo</h1>
<form method="post" action="/demo-request">
<input type="hidden" name="csrf" value="{escape(csrf)}">
<p><label>Name <input name="name" maxlength="80" required></label></p>
<p><label>Work mail address <input name="email" type="email" maxlength="200" required></label></p>
<p><label>Company <input name="company" maxlength="80"></label></p>
<p><button>Request a demo</button></p>
</form>
<script async src="//{AUDIENCE}/match.js" data-customer="{CUSTOMER_HASH}"></script>"""
    return _page("Request a demo", body, head=f"{_METER}\n{_TAG_SNIPPET}")


def demo_thanks() -> str:
    body = f"""<h1>Thank you</h1>
<p>We will write to you within a working day.</p>
<img src="//{AD_PIXEL}/conversion.gif?aid=AS-7&amp;event=demo" alt="" width="1" height="1">"""
    return _page("Thank you", body, head=_METER)


def privacy() -> str:
    body = """<h1>Privacy</h1>
<p>We need two cookies: one keeps you signed in, the other protects our forms. Everything else is up to you.</p>
<p>With your consent, other companies help us to show comfort features, to count visits, to connect with social
networks and to advertise. You can change your mind at any time.</p>"""
    return _page("Privacy", body)


SITE_CSS = """:root { color: #1d2733; background: #fff; }
body { font: 16px/1.5 "Loop Sans", system-ui, sans-serif; max-width: 46rem; margin: 0 auto; padding: 1rem; }
header { display: flex; justify-content: space-between; align-items: center; }
nav a { margin-left: 1rem; }
.call { display: inline-block; padding: .6rem 1rem; background: #0b5; color: #fff; text-decoration: none; }
fieldset label { display: inline-block; margin-right: .5rem; }
footer { border-top: 1px solid #ccc; margin-top: 2rem; font-size: .875rem; }
"""

LOGO_SVG = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 160 40" width="160" height="40">
<circle cx="20" cy="20" r="14" fill="none" stroke="#0b5" stroke-width="5"/>
<text x="44" y="26" font-family="sans-serif" font-size="18" fill="#1d2733">Brightloop</text>
</svg>
"""
