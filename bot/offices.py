"""What officers and partners use: the desk, the exchange, and the workers behind them.

Whoever writes for help waits for none of it, so a server answers its first message before this is even loaded.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from urllib.parse import urlsplit

import bot.desk
from bot.cases.alarm import Paging
from bot.cases.guests.service import GuestsLeave
from bot.cases.page_carrier import PageCarrier
from bot.desk.duplicates import Seeker
from bot.desk.ports import TelegramBot
from bot.desk.texts import Meant
from bot.erasing import PersonEraser
from bot.exchange.exchange import Exchange
from bot.exchange.outside.notices import LinkNotices
from bot.exchange.outside.words import words_behind_links
from bot.exchange.partners.keys import Identity
from bot.exchange.requests.consent_ends import WithdrawnConsents
from bot.exchange.requests.intake import RequestIntake
from bot.exchange.requests.kept_from import KeptFrom
from bot.exchange.requests.reminders import Reminders
from bot.exchange.requests.sending import RequestGatekeeper
from bot.exchange.requests.telling import Telling
from bot.kernel.clock import Clock
from bot.kernel.crypto import Vault
from bot.kernel.database import Database
from bot.kernel.live import Signals
from bot.kernel.mail import Mailer
from bot.kernel.settings import Settings
from bot.kernel.translation import Translator
from bot.kernel.web import Routes
from bot.kernel.web_push import KNOWN_SERVICES, PushKey, PushServices
from bot.kernel.words import Words
from bot.texts.shelf import TextShelf
from directory.asking import Directory
from directory.duplicates import look_apart


class Offices:
    """The desk and the exchange, built but not at work."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        vault: Vault,
        clock: Clock,
        signals: Signals,
        *,
        words: Words,
        directory: Directory,
        texts: TextShelf,
        telegram: TelegramBot | None,
        paging: Paging,
        meant: Meant,
    ) -> None:
        self._directory, self._texts, self._telegram, self._meant = directory, texts, telegram, meant
        self._companions = KeptFrom(settings.country)
        self._translator = translator_of(settings)
        self._mailer, self._push = mailer_of(settings), push_of(settings)
        self.pages = PageCarrier(database, clock, signals, paging, mailer=self._mailer, push=self._push)
        identity = own_identity(settings)
        self.reminders = Reminders(database, clock, signals, vault)
        self.telling = Telling(database, clock, signals, vault, words)
        self.seeker = Seeker(database, clock, signals, partial(look_apart, settings.database_url))
        self.exchange = Exchange(
            database,
            vault,
            clock,
            signals,
            receiver=RequestIntake(vault),
            gatekeeper=RequestGatekeeper(vault),
            identity=identity,
        )
        self.link_notices = LinkNotices(
            database,
            vault,
            clock,
            signals,
            words=words_behind_links(),
            mailer=self._mailer,
            page=f"{settings.public_url}{bot.desk.LINK_PAGE}",
            helpline=identity.name,
        )

    def routes(self) -> list[Routes]:
        """Every route of the desk, and of the exchange with partners."""
        desk = bot.desk.all_routes(
            self._directory,
            texts=self._texts,
            holders=[WithdrawnConsents(), GuestsLeave()],
            companions=self._companions,
            meant=self._meant,
            telegram=self._telegram,
            translator=self._translator,
            mailer=self._mailer,
            push=self._push,
            eraser=PersonEraser(),
        )
        return [*desk, self.exchange.routes]

    def workers(self) -> Mapping[str, Callable[[], Awaitable[None]]]:
        """What works as long as the program runs, by name."""
        workers = {
            "reminders": self.reminders.run,
            "telling": self.telling.run,
            "intake": self.exchange.intake.run,
            "carrier": self.exchange.carrier.run,
            "link notices": self.link_notices.run,
            "duplicates": self.seeker.run,
        }
        if self._mailer is not None or self._push is not None:
            workers["page carrier"] = self.pages.run
        return workers


def mailer_of(settings: Settings) -> Mailer | None:
    """The mail server of the settings; None where there is none."""
    url = settings.smtp_url.value
    return Mailer(url, settings.mail_from) if url else None


def push_of(settings: Settings) -> PushServices | None:
    """The push services, by the key of the settings; None where there is none."""
    key = settings.push_key.value
    if not key:
        return None
    contact = settings.public_url if settings.is_https else f"mailto:{settings.mail_from}" if settings.mail_from else ""
    return PushServices(PushKey(key), contact, settings.push_services or KNOWN_SERVICES)


def translator_of(settings: Settings) -> Translator | None:
    """The translation server of the settings; None where there is none."""
    url = settings.translate_url
    return Translator(url, settings.translate_key.value) if url else None


def own_identity(settings: Settings) -> Identity:
    """What our key file tells partners about this deployment."""
    return Identity(
        name=settings.exchange_name or urlsplit(settings.public_url).netloc,
        country=settings.country,
        endpoint=settings.public_url,
    )
