"""The tables of the directory, save for the safe places' (`directory/safe_places.py`).

Everything that is searched by is a column; everything else is a row of a child table, so that later editions can
follow a phone or an hour on its own. Names of tables and columns follow HSDS where it has a word.
"""

from __future__ import annotations

import sqlalchemy as sa

from directory.moment import Moment
from directory.schema import metadata


def _only_there() -> sa.Column[str]:
    """Of which of its places a row is, where it is otherwise there; NULL: of the service wherever it is."""
    return sa.Column("location_id", sa.String(36), nullable=True)


def _service_key(*, primary: bool = False, index: bool = True) -> sa.Column[str]:
    return sa.Column(
        "service_id",
        sa.String(36),
        sa.ForeignKey("directory_services.id", ondelete="CASCADE"),
        primary_key=primary,
        nullable=False,
        index=index and not primary,
    )


organizations = sa.Table(
    "directory_organizations",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("description", sa.Text, nullable=False, default=""),
    sa.Column("website", sa.Text, nullable=False, default=""),
    sa.Column("email", sa.Text, nullable=False, default=""),
    sa.Column("demo", sa.Boolean, nullable=False, default=False),
    sa.Column("modified_at", Moment, nullable=False),
    sa.Column("language", sa.String(12), nullable=True),  # of the description; NULL: en
    sa.Column("descriptions", sa.Text, nullable=True),  # JSON list of translations; NULL: none
)

services = sa.Table(
    "directory_services",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("organization_id", sa.String(36), sa.ForeignKey("directory_organizations.id"), nullable=False),
    sa.Column("update_of", sa.String(36), nullable=True),  # a draft that will take the place of this record
    sa.Column("state", sa.String(12), nullable=False),
    sa.Column("status", sa.String(20), nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("summary", sa.Text, nullable=False),
    sa.Column("language", sa.String(12), nullable=False),
    sa.Column("minimum_age", sa.Integer, nullable=True),
    sa.Column("maximum_age", sa.Integer, nullable=True),
    sa.Column("girls", sa.Boolean, nullable=False),
    sa.Column("boys", sa.Boolean, nullable=False),
    sa.Column("unaccompanied", sa.Boolean, nullable=True),
    sa.Column("accompanied", sa.Boolean, nullable=True),
    sa.Column("siblings_together", sa.Boolean, nullable=True),
    sa.Column("papers_needed", sa.Boolean, nullable=True),
    sa.Column("eligibility_note", sa.Text, nullable=False),
    sa.Column("free", sa.Boolean, nullable=True),
    sa.Column("cost_note", sa.Text, nullable=False),
    sa.Column("walk_in", sa.Boolean, nullable=True),
    sa.Column("how_to_apply", sa.Text, nullable=False),
    sa.Column("interpreters", sa.Boolean, nullable=True),
    sa.Column("reports_to", sa.Text, nullable=False),  # JSON list of codes
    sa.Column("confidential", sa.Boolean, nullable=False),
    sa.Column("website", sa.Text, nullable=False),
    sa.Column("email", sa.Text, nullable=False),
    sa.Column("alert", sa.Text, nullable=False),
    sa.Column("zone", sa.String(64), nullable=True),  # IANA; of the opening hours
    sa.Column("closed_from", sa.Date, nullable=True),
    sa.Column("closed_until", sa.Date, nullable=True),
    sa.Column("verified_at", Moment, nullable=True),
    sa.Column("verified_by", sa.Text, nullable=True),
    sa.Column("verification_method", sa.String(12), nullable=True),
    sa.Column("verification_source", sa.Text, nullable=True),
    sa.Column("demo", sa.Boolean, nullable=False),
    sa.Column("modified_at", Moment, nullable=False),
    sa.Column("pregnant", sa.Boolean, nullable=True),
    sa.Column("disability", sa.Boolean, nullable=True),
    sa.Column("nationalities", sa.Text, nullable=True),  # this and the next three: JSON lists; NULL: empty
    sa.Column("status_required", sa.Text, nullable=True),
    sa.Column("staff_genders", sa.Text, nullable=True),
    sa.Column("areas", sa.Text, nullable=True),
    sa.Column("capacity_available", sa.Integer, nullable=True),
    sa.Column("capacity_maximum", sa.Integer, nullable=True),
    sa.Column("capacity_at", Moment, nullable=True),
    sa.Column("referral", sa.Text, nullable=True),  # JSON; never published
    sa.Index("ix_directory_services_state", "state", "verified_at"),
    sa.Index("ix_directory_services_organization", "organization_id"),
    sa.Index("ix_directory_services_modified", "modified_at"),
)

service_needs = sa.Table(
    "directory_service_needs",
    metadata,
    _service_key(primary=True),
    sa.Column("need", sa.String(32), primary_key=True),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Index("ix_directory_service_needs_need", "need", "service_id"),
)

locations = sa.Table(
    "directory_locations",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("kind", sa.String(12), nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("country", sa.String(2), nullable=False),
    sa.Column("city", sa.Text, nullable=False),
    sa.Column("region", sa.Text, nullable=False),
    sa.Column("postal_code", sa.Text, nullable=False),
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("latitude", sa.Float, nullable=True),
    sa.Column("longitude", sa.Float, nullable=True),
    sa.Column("directions", sa.Text, nullable=False),
    sa.Column("step_free", sa.Boolean, nullable=True),
    sa.Column("accessibility", sa.Text, nullable=True),  # JSON list of codes; NULL: empty
    sa.Column("directions_in", sa.Text, nullable=True),  # JSON list of translations; NULL: none
    sa.Column("approximate", sa.Boolean, nullable=True),  # the point is the middle of the town; NULL: it is the door
    sa.Index("ix_directory_locations_point", "latitude", "longitude", "id"),  # a search reads the index alone
)

services_at_locations = sa.Table(
    "directory_services_at_locations",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    _service_key(),
    sa.Column(
        "location_id",
        sa.String(36),
        sa.ForeignKey("directory_locations.id", ondelete="CASCADE"),
        nullable=False,
        index=True,
    ),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("zone", sa.String(64), nullable=True),  # IANA; of the hours there, where they are others
    sa.UniqueConstraint("service_id", "location_id"),
)

service_countries = sa.Table(
    "directory_service_countries",
    metadata,
    _service_key(primary=True),
    sa.Column("country", sa.String(2), primary_key=True),
    sa.Index("ix_directory_service_countries_country", "country", "service_id"),
)

schedules = sa.Table(
    "directory_schedules",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    _service_key(),
    sa.Column("weekday", sa.Integer, nullable=False),
    sa.Column("opens", sa.Integer, nullable=False),
    sa.Column("closes", sa.Integer, nullable=False),
    _only_there(),
    sa.Column("season", sa.Integer, nullable=True),  # its number; NULL: of the ordinary week
    sa.Column("valid_from", sa.Date, nullable=True),
    sa.Column("valid_to", sa.Date, nullable=True),
)

special_days = sa.Table(
    "directory_special_days",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    _service_key(),
    sa.Column("day", sa.Date, nullable=False),
    sa.Column("shifts", sa.Text, nullable=False),  # JSON list of [opens, closes]; empty: closed
    sa.Column("note", sa.Text, nullable=False),
    _only_there(),
)

phones = sa.Table(
    "directory_phones",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    _service_key(),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("number", sa.Text, nullable=False),
    sa.Column("kind", sa.String(12), nullable=False),
    sa.Column("languages", sa.Text, nullable=False),  # JSON list
    sa.Column("description", sa.Text, nullable=False),
    _only_there(),
)

service_languages = sa.Table(
    "directory_service_languages",
    metadata,
    _service_key(primary=True),
    sa.Column("language", sa.String(12), primary_key=True),
    sa.Column("position", sa.Integer, nullable=False),
)

required_documents = sa.Table(
    "directory_required_documents",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    _service_key(),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("document", sa.Text, nullable=False),
)

texts = sa.Table(
    "directory_texts",
    metadata,
    _service_key(primary=True),
    sa.Column("field", sa.String(16), primary_key=True),  # of model.TRANSLATED
    sa.Column("language", sa.String(12), primary_key=True),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("source", sa.String(12), nullable=False),
    sa.Column("stale", sa.Boolean, nullable=False, default=False),  # what it was made from has changed since
)

verifications = sa.Table(
    "directory_verifications",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    _service_key(),
    sa.Column("at", Moment, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("method", sa.String(12), nullable=False),
    sa.Column("source", sa.Text, nullable=False),
)

changes = sa.Table(
    "directory_changes",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    _service_key(),
    sa.Column("at", Moment, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("act", sa.String(24), nullable=False),
    sa.Column("before", sa.Text, nullable=False),  # JSON of what the record was; "" for a new one
    sa.Column("why", sa.Text, nullable=False),
)


def _organization_key(*, primary: bool = False) -> sa.Column[str]:
    return sa.Column(
        "organization_id",
        sa.String(36),
        sa.ForeignKey("directory_organizations.id", ondelete="CASCADE"),
        primary_key=primary,
        nullable=False,
        index=not primary,
    )


#: The one open change of an organisation of which people were told.
organization_drafts = sa.Table(
    "directory_organization_drafts",
    metadata,
    _organization_key(primary=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("description", sa.Text, nullable=False),
    sa.Column("website", sa.Text, nullable=False),
    sa.Column("email", sa.Text, nullable=False),
    sa.Column("state", sa.String(12), nullable=False),
    sa.Column("language", sa.String(12), nullable=True),
    sa.Column("descriptions", sa.Text, nullable=True),
)

organization_changes = sa.Table(
    "directory_organization_changes",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    _organization_key(),
    sa.Column("at", Moment, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("act", sa.String(24), nullable=False),
    sa.Column("before", sa.Text, nullable=False),  # JSON of what it was; "" for a new one
    sa.Column("why", sa.Text, nullable=False),
)

reports = sa.Table(
    "directory_reports",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    _service_key(),
    sa.Column("at", Moment, nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("reporter", sa.String(64), nullable=False),  # a fingerprint: two words of one person count once
    sa.Column("closed_at", Moment, nullable=True),
    sa.Column("closed_by", sa.Text, nullable=False),
)

provider_links = sa.Table(
    "directory_provider_links",
    metadata,
    sa.Column("hash", sa.String(64), primary_key=True),
    _service_key(),
    sa.Column("made_by", sa.Text, nullable=False),
    sa.Column("made_at", Moment, nullable=False),
    sa.Column("expires_at", Moment, nullable=False),
    sa.Column("used_at", Moment, nullable=True),
)

column_mappings = sa.Table(
    "directory_column_mappings",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),  # made from the columns' titles
    sa.Column("titles", sa.Text, nullable=False),  # JSON list
    sa.Column("mapping", sa.Text, nullable=False),  # JSON: title to field
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("modified_at", Moment, nullable=False),
)

#: Two records that look like one service. `first_id` is the lower of the two ids.
duplicates = sa.Table(
    "directory_duplicates",
    metadata,
    sa.Column("first_id", sa.String(36), sa.ForeignKey("directory_services.id", ondelete="CASCADE"), primary_key=True),
    sa.Column(
        "second_id",
        sa.String(36),
        sa.ForeignKey("directory_services.id", ondelete="CASCADE"),
        primary_key=True,
        index=True,
    ),
    sa.Column("likeness", sa.Integer, nullable=False),  # from 0 to 100
    sa.Column("signs", sa.Text, nullable=False),  # JSON list of the codes of `duplicates.SIGNS`
    sa.Column("found_at", Moment, nullable=False),
    sa.Column("told_apart_at", Moment, nullable=True),  # a person said that they are two
    sa.Column("told_apart_by", sa.Text, nullable=False),
)

#: When everything was last looked through for something, and what it was like then.
looks = sa.Table(
    "directory_looks",
    metadata,
    sa.Column("look", sa.String(16), primary_key=True),  # duplicates
    sa.Column("asked_at", Moment, nullable=True),
    sa.Column("begun_at", Moment, nullable=True),
    sa.Column("ended_at", Moment, nullable=True),
    sa.Column("services", sa.Integer, nullable=False),  # of `latest_change` when it began
    sa.Column("newest", sa.BigInteger, nullable=False),
)

#: Records that a person merged into another. They stay, with their history, and are offered to nobody.
merged = sa.Table(
    "directory_merged",
    metadata,
    _service_key(primary=True),
    sa.Column(
        "into_id",
        sa.String(36),
        sa.ForeignKey("directory_services.id", ondelete="CASCADE"),
        nullable=False,
        index=True,
    ),
    sa.Column("at", Moment, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
)

#: A file that is being taken in, or was.
imports = sa.Table(
    "directory_imports",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("name", sa.Text, nullable=False),  # of the file
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("begun_at", Moment, nullable=False),
    sa.Column("touched_at", Moment, nullable=False),  # its work's last sign of life
    sa.Column("state", sa.String(12), nullable=False),
    sa.Column("columns", sa.Text, nullable=False),  # JSON: which title is which field; "" where there are none
    sa.Column("told", sa.Text, nullable=False),  # JSON: what would become, or became, of its rows; "" before
    sa.Column("taken", sa.Integer, nullable=False),  # rows taken in so far
    sa.Index("ix_directory_imports_state", "state", "touched_at"),
)

#: What an import has written and would have to take back, should it not come to its end.
imported = sa.Table(
    "directory_imported",
    metadata,
    sa.Column("import_id", sa.String(36), sa.ForeignKey("directory_imports.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("record_id", sa.String(36), primary_key=True),  # of a service or of an organisation
    sa.Column("organization", sa.Boolean, primary_key=True),
    sa.Column("before", sa.Text, nullable=False),  # JSON of the draft that was there; "" where there was none
)

#: A file that somebody sent to the desk, until it is taken in or put away.
import_pieces = sa.Table(
    "directory_import_pieces",
    metadata,
    sa.Column("import_id", sa.String(36), sa.ForeignKey("directory_imports.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("content", sa.LargeBinary, nullable=False),
)

#: What a search reads: a row for each need of each published service at each of its points, and for each area that it
#: serves, found by need and cell of the map; an area is a cell below zero. It holds nothing that the records do not
#: hold, and is written with them: see `store/search.py`.
found_by = sa.Table(
    "directory_search",
    metadata,
    sa.Column("need", sa.String(32), primary_key=True),  # ANY_NEED: once for each service at a point
    sa.Column("cell", sa.Integer, primary_key=True, autoincrement=False),
    _service_key(primary=True),
    sa.Column("location_id", sa.String(36), primary_key=True),
    sa.Column("latitude", sa.Float, nullable=False),
    sa.Column("longitude", sa.Float, nullable=False),
    sa.Column("confidential", sa.Boolean, nullable=False),
    sa.Column("physical", sa.Boolean, nullable=False),  # one may go there
    sa.Column("active", sa.Boolean, nullable=False),
    sa.Column("verified_at", Moment, nullable=False),
    sa.Column("minimum_age", sa.Integer, nullable=True),
    sa.Column("maximum_age", sa.Integer, nullable=True),
    sa.Column("girls", sa.Boolean, nullable=False),
    sa.Column("boys", sa.Boolean, nullable=False),
    sa.Column("papers_needed", sa.Boolean, nullable=True),
    sa.Column("free", sa.Boolean, nullable=True),
    sa.Column("pregnant", sa.Boolean, nullable=True),
    sa.Column("disability", sa.Boolean, nullable=True),
    sa.Column("nationalities", sa.Text, nullable=False),  # " AF SY ", or empty
    sa.Column("staff_genders", sa.Text, nullable=False),
    sa.Column("full_until", Moment, nullable=True),  # said to be full until then; never of a safe place
    sa.Column("languages", sa.Text, nullable=False),  # " ar fr ", so that " ar " is in it
    sa.Column("opening", sa.Text, nullable=False),  # JSON: hours and the days between which it is shut
    sa.Column("areas", sa.Text, nullable=True),  # keys of the areas it serves: "|imperia|savona|"; NULL: not said
    sa.Index("ix_directory_search_service_id", "service_id"),
    sqlite_with_rowid=False,
)

#: The tables whose rows are one service's own and are written anew with it.
CHILDREN = (
    service_needs,
    services_at_locations,
    service_countries,
    schedules,
    special_days,
    phones,
    service_languages,
    required_documents,
    texts,
)

#: In place of a country: the service is for people anywhere.
WORLD = "*"

#: In place of a need: whatever it is needed for.
ANY_NEED = ""
