"""The only SQL about the directory, save for the safe places' (`directory/safe_places.py`): a file a concern.

Callers say `store.get_service(...)`: where in here it stands is nobody else's business.
"""

from directory.store.history import Change, add_change, add_changes, authors, changes_of, kept_as
from directory.store.lists import demo_ids, due_ids, latest_change, list_ids, needs_met, own_towns, update_ids
from directory.store.mappings import get_mapping, put_mapping
from directory.store.provider_links import add_provider_link, open_provider_link, spend_provider_link
from directory.store.published import (
    Filters,
    Link,
    count_published,
    count_published_links,
    published_ids,
    published_links,
    published_links_near,
    published_organization_ids,
    published_stamps,
)
from directory.store.records import (
    add_organizations,
    add_services,
    delete_organizations,
    delete_services,
    get_locations,
    get_organizations,
    get_service,
    get_services,
    put_organization,
    put_service,
    rebuild_search,
    set_state,
    used_elsewhere,
)
from directory.store.reports import add_report, close_reports, open_reports, reporters
from directory.store.search import (
    Candidate,
    Wishes,
    candidates,
    person,
    read_opening,
    search_is_behind,
    serving_country,
)
from directory.store.tables import WORLD
from directory.store.transactions import Transactions
from directory.store.verifications import add_verification, clear_verification

__all__ = [
    "WORLD",
    "Candidate",
    "Change",
    "Filters",
    "Link",
    "Transactions",
    "Wishes",
    "add_change",
    "add_changes",
    "add_organizations",
    "add_provider_link",
    "add_report",
    "add_services",
    "add_verification",
    "authors",
    "candidates",
    "changes_of",
    "clear_verification",
    "close_reports",
    "count_published",
    "count_published_links",
    "delete_organizations",
    "delete_services",
    "demo_ids",
    "due_ids",
    "get_locations",
    "get_mapping",
    "get_organizations",
    "get_service",
    "get_services",
    "kept_as",
    "latest_change",
    "list_ids",
    "needs_met",
    "open_provider_link",
    "open_reports",
    "own_towns",
    "person",
    "published_ids",
    "published_links",
    "published_links_near",
    "published_organization_ids",
    "published_stamps",
    "put_mapping",
    "put_organization",
    "put_service",
    "read_opening",
    "rebuild_search",
    "reporters",
    "search_is_behind",
    "serving_country",
    "set_state",
    "spend_provider_link",
    "update_ids",
    "used_elsewhere",
]
