"""A server without Kafka, and an editor who is logged in."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from newsroom import LoopBack, opened

from serving.access import COOKIE
from serving.app import create_app
from serving.services import Services
from serving.settings import Role


@dataclass
class Desk:
    """A server, its Kafka that is none, and a browser of an editor."""

    services: Services
    kafka: LoopBack
    http: httpx.AsyncClient
    csrf: str = ""

    async def log_in(self, name: str, role: Role = Role.EDITOR) -> None:
        """Be someone, in a session of their own."""
        session, _ = await self.services.access.open_session(name, role)
        self.http.cookies.clear()
        self.http.cookies.set(COOKIE, session.token)
        self.csrf = session.csrf

    async def give(self, **fields: str | list[str]) -> httpx.Response:
        """Submit a form as the console's script does."""
        headers = {"x-csrf-token": self.csrf, "x-live": "1"}
        return await self.http.post("/console/commands", data=fields, headers=headers)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    services, kafka = await opened(tmp_path)
    app = create_app(services.settings, services.metrics)
    app.state.services = services
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://desk") as http:
        desk = Desk(services, kafka, http)
        await desk.log_in("ada")
        yield desk
    await services.history.close()
