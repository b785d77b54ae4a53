// Right behind the guard's element: whether the guard ran. It takes its own element away. A page whose guard did not
// arrive is not left open: the guard is asked for again, then the page may reach its own site alone, or is stopped
// where the policy says that nothing passes on errors.
// For any browser, and for XHTML: no "less than" and no ampersand in it.
(function keeper(again, address, nonce, csp, failed, reload) {
  var own = document.currentScript, guard = own.previousSibling, root = document.documentElement;
  own.remove();
  if (!guard || guard.localName !== "script" || guard.getAttribute("src") !== address) return;
  guard.remove();
  var start = "\x3cscript" + nonce, end = "\x3c/script>", made = function (name, more) {
    var element = document.createElement(name);
    for (var key in more) element[key] = more[key];
    return element;
  };
  if (again) try {
    var said = JSON.stringify([address, nonce, csp, failed, reload]).replace(/\x3c/g, "\\x3c");
    document.write(start + ' src="' + address + '">' + end + start + ">(" + keeper + ").apply(0,[" + (again - 1) + "].concat(" + said + "))" + end);
    return;
  } catch (e) { /* XHTML is not written so */ }
  if (csp) {
    (document.head || root).appendChild(made("meta", { httpEquiv: "Content-Security-Policy", content: csp }));
    // No CSP holds these.
    ["RTCPeerConnection", "webkitRTCPeerConnection"].forEach(function (name) { delete window[name]; });
    return;
  }
  var text = made("p", { textContent: failed + " " });
  text.appendChild(made("a", { href: location.href, textContent: reload }));
  try {
    // What is still to come of the page becomes text that nobody sees.
    document.write("\x3cbody>\x3cplaintext hidden>");
    document.body.insertBefore(text, document.body.firstChild);
  } catch (e) {
    window.stop();
    root.textContent = "";
    root.appendChild(made("body")).appendChild(text);
  }
})(/* ARGUMENTS */);
