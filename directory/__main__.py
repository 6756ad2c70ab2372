"""The directory alone: `python -m directory serve | import | export | verify | duplicates | demo`."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from aiohttp import web

from directory import demonstration, store
from directory.api import Handler, HsdsApi
from directory.asking import Directory
from directory.database import WrongDatabase, open_database
from directory.duplicates import look_if_due
from directory.files.options import EXPORTED, IMPORTED, Column, Letters, Rehearse, Report
from directory.files.telling import tell_export, tell_import
from directory.model import Method, Verification, WrongRecord
from directory.service import due_for_verification, verify_service
from directory.words import DirectoryWords

app = typer.Typer(help="Waymark's directory of services, alone.", no_args_is_help=True, add_completion=False)

#: What can wait leaves the processor to whoever writes.
IN_NO_HURRY = 10
DATABASE = "sqlite:///var/directory.db"
Where = Annotated[str, typer.Option("--database", envvar="WAYMARK_DATABASE_URL", help="sqlite:///… or postgresql://…")]


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


@web.middleware
async def with_headers(request: web.Request, handler: Handler) -> web.StreamResponse:
    """A feed is data: no browser should take it for anything else."""
    try:
        response = await handler(request)
    except web.HTTPException as error:
        response = web.json_response({"error": (error.reason or "error").lower()}, status=error.status)
        if isinstance(error, web.HTTPMethodNotAllowed):
            response.headers["Allow"] = ", ".join(sorted(error.allowed_methods))
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = "default-src 'none'; frame-ancestors 'none'"
    return response


def build_web(api: HsdsApi) -> web.Application:
    """The API as a web application of its own."""
    application = web.Application(middlewares=[with_headers], client_max_size=64 * 1024)
    for method, path, name, handler in api.routes():
        if method == "GET":
            application.router.add_get(path, handler, name=name)  # and HEAD
        else:
            application.router.add_route(method, path, handler, name=name)
    return application


@app.command()
def serve(
    database: Where = DATABASE,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8090,
    public_url: Annotated[str, typer.Option(help="How others reach it.")] = "",
    demo: Annotated[bool, typer.Option("--demo", help="Put the invented services in first.")] = False,
) -> None:
    """Serve the HSDS API."""
    try:
        listening = socket.create_server((host, port))
    except OSError as error:
        typer.echo(f"Nobody can listen on {host}:{port}: {error.strerror or error}. Say another --port.", err=True)
        raise typer.Exit(1) from None
    url = public_url or f"http://{host}:{listening.getsockname()[1]}"

    async def made() -> web.Application:
        opened = await open_database(database)
        directory = Directory(opened, SystemClock(), DirectoryWords.load())
        await directory.prepare()
        if demo:
            await opened.write(lambda tx: demonstration.seed(tx, at=directory.clock.now()))
        application = build_web(HsdsApi(opened, public_url=url))

        async def close(_: web.Application) -> None:
            await opened.close()

        application.on_cleanup.append(close)
        typer.echo(f"The directory is at {url}/hsds/")
        sys.stdout.flush()
        return application

    web.run_app(made(), sock=listening, print=None, access_log=None)


@app.command("import")
def import_command(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help=IMPORTED)],
    database: Where = DATABASE,
    rehearse: Rehearse = False,
    column: Column = None,
    letters: Letters = None,
    report: Report = None,
    by: Annotated[str, typer.Option(help="Who is importing.")] = "",
) -> None:
    """Bring services in as unverified drafts: all of them or, if any row is rejected, none."""
    who = by or os.environ.get("USER", "import")

    async def run() -> int:
        opened = await open_database(database)
        try:
            return await tell_import(
                opened, file, by=who, rehearse=rehearse, columns=column or [], report_to=report, letters=letters
            )
        finally:
            await opened.close()

    raise typer.Exit(asyncio.run(run()))


@app.command()
def export(
    file: Annotated[Path | None, typer.Argument(help=EXPORTED)] = None,
    database: Where = DATABASE,
) -> None:
    """Write every published service to a file, or to standard output one JSON object a line."""

    async def run() -> int:
        opened = await open_database(database)
        try:
            return await tell_export(opened, file)
        finally:
            await opened.close()

    raise typer.Exit(asyncio.run(run()))


@app.command()
def verify(
    service_id: Annotated[str, typer.Argument(help="Which service. Without: list what is due.")] = "",
    database: Where = DATABASE,
    by: Annotated[str, typer.Option(help="Who checked.")] = "",
    method: Annotated[Method, typer.Option(help="How.")] = Method.PHONE,
    source: Annotated[str, typer.Option(help="With whom, or where.")] = "",
) -> None:
    """Write down that a service was checked and is true; or list the services that are due for a check."""

    async def run() -> int:
        opened = await open_database(database)
        at = datetime.now(UTC)
        try:
            if not service_id:
                for due in await opened.read(lambda tx: due_for_verification(tx, at=at)):
                    checked = f"{due.verification.at:%Y-%m-%d}" if due.verification else "never"
                    typer.echo(f"{due.id}  {checked:10}  {due.name}")
                return 0
            await opened.write(lambda tx: verify_service(tx, service_id, Verification(at, by, method, source)))
        except KeyError:
            typer.echo(f"There is no service {service_id}.", err=True)
            return 1
        except WrongRecord as error:
            typer.echo(f"{error} (--by, --source).", err=True)
            return 1
        finally:
            await opened.close()
        typer.echo("Checked.")
        return 0

    raise typer.Exit(asyncio.run(run()))


@app.command("rebuild-search")
def rebuild_search(database: Where = DATABASE) -> None:
    """Write the table that searches read anew from the records."""

    async def run() -> int:
        opened = await open_database(database)
        try:
            return await opened.write(store.rebuild_search)
        finally:
            await opened.close()

    typer.echo(f"{asyncio.run(run())} services in force can be found.")


@app.command()
def duplicates(
    database: Where = DATABASE,
    if_due: Annotated[bool, typer.Option("--if-due", help="Only if somebody asked, or records changed.")] = False,
) -> None:
    """Compare all records, and keep what looks like one service for a person to decide."""

    async def run() -> int | None:
        os.nice(IN_NO_HURRY)
        opened = await open_database(database)
        clock = SystemClock()
        try:
            if not if_due:
                await opened.write(lambda tx: store.ask_for_look(tx, at=clock.now()))
            return await look_if_due(opened, now=clock.now)
        finally:
            await opened.close()

    waiting = asyncio.run(run())
    typer.echo("They are being compared already, or nothing changed." if waiting is None else f"{waiting} pairs wait.")


@app.command()
def demo(
    database: Where = DATABASE,
    remove: Annotated[bool, typer.Option("--remove", help="Take them out again.")] = False,
) -> None:
    """Put the invented services in, or take them out."""

    async def run() -> None:
        opened = await open_database(database)
        at = datetime.now(UTC)
        try:
            if remove:
                await opened.write(demonstration.remove)
            else:
                await opened.write(lambda tx: demonstration.seed(tx, at=at))
        finally:
            await opened.close()

    asyncio.run(run())


if __name__ == "__main__":
    try:
        app()
    except WrongDatabase as error:
        sys.exit(f"{error}")
