"""The dashboard at the socket: the files of `ui/` as they are, under a policy that lets nothing else in."""

from functools import cache
from importlib.resources import files

from aiohttp import web

from .http_errors import UnknownPath

PATH = "/_emulator/ui/"
TYPES = {
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "svg": "image/svg+xml",
}
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-cache",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Server": "sched-emulator",
}


@cache
def assets() -> dict[str, bytes]:
    """Return the files of the dashboard by name; the page itself is ``."""
    folder = files(__package__).joinpath("ui")
    found = {file.name: file.read_bytes() for file in folder.iterdir() if file.name.rpartition(".")[2] in TYPES}
    return {"" if name == "index.html" else name: content for name, content in sorted(found.items())}


def reply(path: str) -> web.StreamResponse:
    """Return a file of the dashboard, or the way to the page when a browser asks for what leads on."""
    name = path.removeprefix(PATH)
    if name not in assets():
        raise UnknownPath(f"the dashboard has no file '{name[:80]}'", PATH)
    type_ = TYPES[name.rpartition(".")[2] if name else "html"]
    return web.Response(body=assets()[name], headers={**HEADERS, "Content-Type": type_})


def lead_on() -> web.StreamResponse:
    """Send a browser to the dashboard."""
    text = f'<!doctype html><title>sched-emulator</title><a href="{PATH}">The dashboard</a>'
    headers = {**HEADERS, "Content-Type": TYPES["html"], "Location": PATH, "Vary": "Accept"}
    return web.Response(status=302, body=text.encode(), headers=headers)
