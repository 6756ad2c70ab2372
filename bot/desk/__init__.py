"""The web desk: a file a screen. What the composition root mounts is `all_routes`, `TEMPLATES` and `STATIC`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bot.cases.ports import Adults, Eraser, Holder
from bot.desk import (
    adults,
    arrivals,
    attachments,
    audit,
    case,
    countries,
    deliveries,
    due,
    exchange,
    handing,
    household,
    officers,
    organizations,
    outside,
    panel,
    partners,
    phone,
    primero,
    queue,
    records,
    request,
    request_files,
    request_holds,
    request_named,
    request_new,
    request_told,
    rota,
    same_child,
    sign_in,
    supervision,
    telling,
    transfer,
    wall,
)
from bot.desk.account import account_routes
from bot.desk.duplicates import duplicates_routes
from bot.desk.erasure import erasure_routes
from bot.desk.file import file_routes
from bot.desk.guests import guests_routes
from bot.desk.live import live_routes
from bot.desk.open_address import open_address_routes
from bot.desk.page_ways import page_ways_routes
from bot.desk.ports import TelegramBot
from bot.desk.provider import provider_routes
from bot.desk.refer import refer_routes
from bot.desk.replies import replies_routes
from bot.desk.secret_address import secret_address_routes
from bot.desk.service_edit import service_edit_routes
from bot.desk.service_import import service_import_routes
from bot.desk.service_list import service_list_routes
from bot.desk.services import PublishedServices, services_routes
from bot.desk.text import text_routes
from bot.desk.texts import Meant, no_meaning, texts_routes
from bot.desk.translation import translation_routes
from bot.desk.writing import writing_routes
from bot.kernel.mail import Mailer
from bot.kernel.translation import Translator
from bot.kernel.web import Routes
from bot.kernel.web_push import PushServices
from bot.texts.shelf import TextShelf
from directory.asking import Directory

TEMPLATES = Path(__file__).parent / "templates"
STATIC = Path(__file__).parent / "static"
#: Where the links in e-mails to partners lead.
LINK_PAGE = outside.PATH


def all_routes(
    directory: Directory,
    *,
    texts: TextShelf,
    holders: Sequence[Holder],
    companions: Adults,
    telegram: TelegramBot | None = None,
    meant: Meant = no_meaning,
    translator: Translator | None = None,
    mailer: Mailer | None = None,
    push: PushServices | None = None,
    eraser: Eraser | None = None,
) -> list[Routes]:
    """Every route of the desk. `holders` take back what was given on a consent that ends, `companions` says with whom a
    child may be sent, `telegram` is asked for the bot's name when an officer connects their phone and shows that one is
    writing, and `meant` what
    words are about when somebody searches the texts. Without a `translator` no machine translates; without `mailer` or
    `push` nobody is paged that way, and without an `eraser` nobody erases from the desk.
    """
    return [
        sign_in.routes,
        queue.routes,
        due.routes,
        live_routes(),
        case.routes,
        attachments.routes,
        writing_routes({} if telegram is None else {telegram.name: telegram}),
        phone.routes,
        exchange.routes,
        request_new.routes,
        request.routes,
        request_files.routes,
        request_holds.routes,
        request_named.routes,
        request_told.routes,
        transfer.routes,
        countries.routes,
        partners.routes,
        outside.routes,
        adults.routes,
        guests_routes(companions),
        handing.routes,
        file_routes(holders),
        panel.routes,
        telling.routes,
        household.routes,
        same_child.routes,
        records.routes,
        refer_routes(PublishedServices(directory), companions),
        open_address_routes(PublishedServices(directory), companions),
        arrivals.routes,
        primero.primero_routes(companions),
        replies_routes(directory),
        supervision.routes,
        wall.routes,
        rota.routes,
        duplicates_routes(),
        service_import_routes(),
        service_list_routes(directory),
        services_routes(directory),
        organizations.routes,
        service_edit_routes(),
        secret_address_routes(directory),
        provider_routes(),
        texts_routes(texts, meant),
        text_routes(texts),
        deliveries.routes,
        officers.routes,
        audit.routes,
        account_routes(telegram),
        page_ways_routes(mailer, push),
        *([erasure_routes(eraser)] if eraser is not None else []),
        *([translation_routes(translator)] if translator is not None else []),
    ]
