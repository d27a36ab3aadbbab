"""A shop in aiohttp that the scheduling API calls: orders are pushed to it, and a cron asks for a report every night.

INFRAI_API_KEY=… SHOP_URL=https://shop.example.com SHOP_SECRET=… python app.py
"""

import hashlib
import hmac
import json
import os
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
from aiohttp import web

Json = dict[str, Any]

TOKEN = "X-Shop-Token"  # noqa: S105 - the name of a header
REPORT = {"name": "nightly-report", "schedule": "0 3 * * *", "timezone": "Europe/Berlin"}


@dataclass(frozen=True)
class Settings:
    """Where the API is, where we are, and the secret that proves that it is the API that calls."""

    base_url: str
    api_key: str
    shop_url: str
    secret: str


class Api:
    """The scheduling API."""

    def __init__(self, session: aiohttp.ClientSession, settings: Settings) -> None:
        self._session = session
        self._base_url = settings.base_url
        self._headers = {"Authorization": f"Bearer {settings.api_key}"}

    async def get(self, path: str) -> Json:
        """Return the data of an answer."""
        return await self._call("GET", path, None)

    async def post(self, path: str, **body: Any) -> Json:
        """Send a request and return its data."""
        return await self._call("POST", path, body)

    async def _call(self, method: str, path: str, body: Json | None) -> Json:
        url = f"{self._base_url}/{path}"
        async with self._session.request(method, url, json=body, headers=self._headers) as response:
            response.raise_for_status()
            data: Json = (await response.json())["data"]
            return data


SETTINGS: web.AppKey[Settings] = web.AppKey("settings")
API: web.AppKey[Api] = web.AppKey("api")
ORDERS: web.AppKey[dict[str, Json]] = web.AppKey("orders")
REPORTED: web.AppKey[set[str]] = web.AppKey("reported")


def create_app(settings: Settings) -> web.Application:
    """Return the shop. `register` tells the API about it."""
    app = web.Application()
    app[SETTINGS] = settings
    app[ORDERS] = {}
    app[REPORTED] = set()
    app.cleanup_ctx.append(_with_api)
    app.router.add_post("/hooks/order", take_order)
    app.router.add_post("/hooks/night", make_report)
    return app


async def _with_api(app: web.Application) -> AsyncIterator[None]:
    async with aiohttp.ClientSession() as session:
        app[API] = Api(session, app[SETTINGS])
        yield


async def register(app: web.Application) -> None:
    """Have orders pushed here, and the report asked for. Doing it again at each start changes nothing."""
    api, settings = app[API], app[SETTINGS]
    await api.post("queue/create", name="orders", type="standard")
    await api.post("queue/push_subscribe/orders", url=f"{settings.shop_url}/hooks/order", secret=settings.secret)
    crons = await api.get("cron/list")
    if all(cron["name"] != REPORT["name"] for cron in crons["items"]):
        headers = {TOKEN: settings.secret}
        await api.post("cron/create", url=f"{settings.shop_url}/hooks/night", headers=headers, **REPORT)


async def take_order(request: web.Request) -> web.Response:
    """Take an order that is pushed. The same message may come twice; its id tells."""
    body = await request.read()
    if not is_genuine(body, request.headers, request.app[SETTINGS].secret):
        raise web.HTTPUnauthorized(text="the signature does not fit")
    push = json.loads(body)
    request.app[ORDERS].setdefault(push["message_id"], push["payload"])
    return web.Response()


async def make_report(request: web.Request) -> web.Response:
    """Mail how many orders came since the last report."""
    if not hmac.compare_digest(request.headers.get(TOKEN, ""), request.app[SETTINGS].secret):
        raise web.HTTPUnauthorized(text="the token does not fit")
    reported = request.app[REPORTED]
    fresh = request.app[ORDERS].keys() - reported
    await request.app[API].post("queue/publish", queue="mails", payload={"orders": len(fresh)})
    reported.update(fresh)
    return web.Response()


def is_genuine(body: bytes, headers: Mapping[str, str], secret: str) -> bool:
    """Say whether a push is signed with the secret."""
    expected = f"sha256={hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}"
    return hmac.compare_digest(headers.get("X-Infrai-Signature", ""), expected)


async def main_app() -> web.Application:
    """Return the shop as the environment sets it up."""
    settings = Settings(
        base_url=os.environ.get("INFRAI_BASE_URL", "https://api.infrai.cc/v1/scheduling"),
        api_key=os.environ["INFRAI_API_KEY"],
        shop_url=os.environ["SHOP_URL"],
        secret=os.environ["SHOP_SECRET"],
    )
    app = create_app(settings)
    app.on_startup.append(register)
    return app


if __name__ == "__main__":
    web.run_app(main_app())
