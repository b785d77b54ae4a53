"""`consentry html`: a page as a visitor with a certain choice gets it."""

import argparse
import sys

from cmp.commands.arguments import OK, UsageError, add_choice, add_policy, check_choice


def add_to(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "html",
        help="a page as a visitor gets it",
        description="Reads a page and writes it as a visitor with that choice gets it.",
        epilog="example: consentry html --policy policies/strict.json --page https://shop.example/ --choice refuse "
        "--headers < in.html > out.html",
    )
    add_policy(parser, required=True)
    parser.add_argument("--page", required=True, metavar="URL", help="the address of the page")
    add_choice(parser)
    parser.add_argument("--gpc", action="store_true", help="the browser sends Global Privacy Control")
    parser.add_argument("--dnt", choices=("0", "1"), help="the browser's Do Not Track")
    parser.add_argument("--language", default="", metavar="TAGS", help="the Accept-Language header")
    parser.add_argument("--headers", action="store_true", help="the header fields that are added, on stderr")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    from cmp.core.consent import supposed_visitor
    from cmp.core.signals import Signals
    from cmp.core.urls import UrlError, parse_url
    from cmp.policy.load import load_policy
    from cmp.seal.site import RESERVED_PATH
    from cmp.wire.caching import private_answer
    from cmp.wire.csp import strict_csp
    from cmp.wire.page import page_for
    from cmp.wire.page_coding import readable_page
    from cmp.wire.words import pick_language

    policy = load_policy(arguments.policy)
    check_choice(policy, arguments.choice)
    try:
        page = parse_url(arguments.page)
    except UrlError as error:
        raise UsageError(f"--page: {error}") from error
    if not page.is_network:
        raise UsageError(f"--page: {arguments.page} is no address of a site, such as https://shop.example/")
    signals = Signals(gpc=arguments.gpc, dnt={"0": False, "1": True}.get(arguments.dnt))
    visitor = supposed_visitor(policy, arguments.choice, signals)
    data = sys.stdin.buffer.read()
    read = readable_page(data)
    language = pick_language(arguments.language, policy.languages)
    done = page_for(read.text, policy, visitor, signals, page, language=language, reserved=RESERVED_PATH)
    data = read.in_its_coding(done.text)
    if arguments.headers:
        csp = strict_csp(policy, visitor, signals, page, done.named_hosts, reserved=RESERVED_PATH)
        fields = [(b"Content-Security-Policy", csp.encode("ascii"))] if csp is not None else []
        if read.to_say:
            fields.append((b"Content-Type", f"text/html; charset={read.to_say}".encode("ascii")))
        for name, value in private_answer(fields):
            print(f"{name.decode('ascii')}: {value.decode('ascii')}", file=sys.stderr)
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()
    return OK
