"""``wijkeconomie serve``: the website on this machine."""

from __future__ import annotations

import click
from waitress import serve as serve_wsgi

from wijkeconomie.core.shell import Shell, pass_shell


@click.command("serve")
@click.option("--host", help="Address to listen on; the setting server.host when left out.")
@click.option("--port", type=click.IntRange(1, 65535), help="Port; the setting server.port.")
@pass_shell
def serve(shell: Shell, host: str | None, port: int | None) -> None:
    """Serve the website until interrupted, with the clock that opens and closes rounds."""
    settings = shell.settings
    address, number = host or settings.server_host, port or settings.server_port
    with shell.runtime() as runtime, shell.clock(runtime):
        application = shell.create_app(runtime)
        click.echo(f"wijkeconomie is at http://{address}:{number} (Ctrl-C to stop)")
        serve_wsgi(
            application, host=address, port=number, threads=settings.server_threads, _quiet=True
        )
