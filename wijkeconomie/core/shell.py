"""The command line's context: settings read once, the database opened only when asked for."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import NoReturn

import click
from flask import Flask

from wijkeconomie.core.clock import Job, running_clock
from wijkeconomie.core.database import SchemaNotCurrentError
from wijkeconomie.core.embedded_postgres import EmbeddedPostgresError
from wijkeconomie.core.jobs import ScheduledJob
from wijkeconomie.core.logs import configure_logging
from wijkeconomie.core.refusals import DomainError
from wijkeconomie.core.runtime import Runtime, open_runtime
from wijkeconomie.core.settings import Settings, SettingsError, load_settings

REFUSED = 1
UNUSABLE = 2


@dataclass
class Shell:
    """What a command is given as ``click``'s object.

    ``create_app`` builds the web service, ``jobs`` are what its clock looks after,
    ``scheduled`` the kinds of work that may be due.
    """

    create_app: Callable[[Runtime], Flask]
    jobs: Sequence[Job]
    scheduled: Sequence[ScheduledJob] = ()

    @cached_property
    def settings(self) -> Settings:
        """The settings; a wrong one ends the command with exit code 2."""
        try:
            settings = load_settings(os.environ)
        except SettingsError as error:
            fail(str(error), code=UNUSABLE)
        configure_logging(settings)
        return settings

    @contextmanager
    def runtime(self, *, pin: bool = False) -> Iterator[Runtime]:
        """The database, held for the block; refusals become a message and exit code 1."""
        try:
            with open_runtime(self.settings, pin=pin) as runtime:
                yield runtime
        except DomainError as refusal:
            fail(f"{refusal.code}: {refusal.detail}", code=REFUSED)
        except (SchemaNotCurrentError, EmbeddedPostgresError) as error:
            fail(str(error), code=UNUSABLE)

    def clock(self, runtime: Runtime) -> AbstractContextManager[None]:
        """The scheduled jobs, running in the background for the block."""
        return running_clock(runtime, self.jobs)


def fail(message: str, *, code: int) -> NoReturn:
    """Say what is wrong on standard error and end with ``code``."""
    click.echo(message, err=True)
    sys.exit(code)


pass_shell = click.make_pass_decorator(Shell)
"""Gives a command the :class:`Shell` as its first argument."""
