"""Letters by e-mail: over SMTP, or into a folder where no server is configured."""

from __future__ import annotations

import hashlib
import smtplib
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

from wijkeconomie.core.settings import Settings

TIMEOUT_S = 20
FOLDER = "mail"


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes with a letter."""

    name: str
    content: bytes
    content_type: str


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter to one person."""

    to: str
    subject: str
    body: str
    attachments: Sequence[Attachment] = ()


Deliver = Callable[[Letter, str], None]
"""Sends a letter; the second argument names its event, so that a repeat can be known as one."""


def delivery(settings: Settings) -> Deliver:
    """How letters leave: over the configured server, else as files below the home folder."""
    if settings.mail_host:
        return lambda letter, event: _send(settings, _message(settings, letter, event))
    return lambda letter, event: _keep(settings, _message(settings, letter, event), event)


def _message(settings: Settings, letter: Letter, event: str) -> EmailMessage:
    message = EmailMessage()
    message["From"] = settings.mail_sender
    message["To"] = letter.to
    message["Subject"] = letter.subject
    # The same event has the same id: a mail program shows a letter that was sent twice once.
    domain = settings.mail_sender.rpartition("@")[2].strip("> ")
    message["Message-ID"] = f"<{hashlib.sha256(event.encode()).hexdigest()[:32]}@{domain}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(letter.body)
    for attached in letter.attachments:
        maintype, _, subtype = attached.content_type.partition("/")
        message.add_attachment(
            attached.content, maintype=maintype, subtype=subtype, filename=attached.name
        )
    return message


def _send(settings: Settings, message: EmailMessage) -> None:
    with smtplib.SMTP(settings.mail_host, settings.mail_port, timeout=TIMEOUT_S) as server:
        if settings.mail_encrypted:
            server.starttls(context=ssl.create_default_context())
        if settings.mail_username:
            server.login(settings.mail_username, settings.mail_password)
        server.send_message(message)


def _keep(settings: Settings, message: EmailMessage, event: str) -> None:
    folder = Path(settings.service_home) / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    name = "".join(letter if letter.isalnum() else "-" for letter in event)
    (folder / f"{name}.eml").write_bytes(bytes(message))
