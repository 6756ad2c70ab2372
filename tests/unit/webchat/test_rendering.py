from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from bot.channels.model import Button
from bot.channels.webchat.rendering import inline, render_line, render_part


@dataclass(frozen=True)
class Said:
    seq: int
    author: str
    text: str
    buttons: tuple[Button, ...]
    language: str
    file: str = ""
    wordless: str = ""


def a_line(text: str, *, author: str = "bot", buttons: tuple[Button, ...] = ()) -> Said:
    return Said(seq=3, author=author, text=text, buttons=buttons, language="en")


def test_what_to_do_is_a_list_and_what_never_to_do_has_a_sign_that_every_phone_can_draw():
    html = render_line(a_line("Check the adult\n• Talk apart.\n• Look.\n\n✋ Do not tell him.\n\nSource")).html
    assert html == (
        "<h2>Check the adult</h2><ul><li>Talk apart.</li><li>Look.</li></ul>"
        '<p class="never">Do not tell him.</p><p>Source</p>'
    )


def test_numbered_lines_become_steps():
    html = render_line(a_line("Check the adult\n\nDo this now.\n1. Talk apart\n2. See documents")).html

    assert html == (
        '<h2>Check the adult</h2><p>Do this now.</p><ol start="1"><li>Talk apart</li><li>See documents</li></ol>'
    )


def test_steps_that_go_on_keep_their_numbers():
    assert '<ol start="7">' in render_line(a_line("More steps\n7. Check alerts\n8. Call")).html


def test_a_single_sentence_is_not_a_heading():
    assert render_line(a_line("Thank you for telling me.")).html == "<p>Thank you for telling me.</p>"


def test_what_a_person_writes_is_never_html():
    html = render_line(a_line("<script>alert(1)</script>", author="person")).html

    assert "<script" not in html
    assert "&lt;script&gt;" in html


def test_a_phone_number_keeps_its_direction_inside_arabic():
    assert '<bdi dir="ltr">+216 71 123 456</bdi>' in render_line(a_line("اتصل على +216 71 123 456 الآن")).html
    assert "CM/Rec(2022)22 بشأن" in render_line(a_line("التوصية CM/Rec(2022)22 بشأن العمر")).html


def test_a_number_to_call_is_dialled_when_pressed_and_no_other_is():
    said = render_line(
        a_line("Call 112 now, or +216 71 123 456, 24 hours. In 15 minutes, at 9:11, 2 km."), {"112", "911"}
    ).html
    step = render_line(a_line("Now do this\n1. Call 911."), {"112", "911"}).html
    written = render_line(a_line("I called 112", author="person"), {"112", "911"}).html

    assert '<a href="tel:112"><bdi dir="ltr">112</bdi></a> now' in said
    assert '<a href="tel:+21671123456"><bdi dir="ltr">+216 71 123 456</bdi></a>' in said
    assert said.count("<a") == 2
    assert '<a href="tel:911">' in step
    assert "<a" not in written


def test_only_https_links_are_links():
    assert '<a href="https://familylinks.icrc.org"' in inline("See https://familylinks.icrc.org.")
    assert "<a" not in inline("javascript:alert(1) http://example.org")


def test_a_button_with_a_dangerous_address_is_left_out():
    line = a_line("A place", buttons=(Button("Call", url="tel:+33199000001"), Button("X", url="javascript:alert(1)")))

    assert [link.url for link in render_line(line).links] == ["tel:+33199000001"]


def test_taps_keep_their_place_among_the_buttons():
    line = a_line("A place", buttons=(Button("Call", url="tel:112"), Button("A person", payload="/ask_human")))

    assert [(tap.index, tap.title) for tap in render_line(line).taps] == [(1, "A person")]


def test_the_name_of_a_place_is_the_heading_of_its_card():
    line = a_line("Checked today. 300 m.\nLantern shelter\nA bed.", buttons=(Button("Call", url="tel:+33199001001"),))

    assert str(render_line(line).html).startswith("<h2>Lantern shelter</h2><p>Checked today.")


@given(st.text(max_size=400))
def test_no_text_can_break_out_of_its_elements(text: str):
    html = str(render_line(a_line(text)).html)

    outside = html
    for element in ("h2", "p", "li", "ol", "ul", "bdi", "br", "a"):
        outside = outside.replace(f"</{element}>", "").replace(f"<{element}>", "")
    assert "<s" not in outside.lower()
    assert html.count("<p>") == html.count("</p>")


@given(st.text(alphabet="a <&\n7٣é📎", max_size=3000), st.sampled_from(["person", "bot"]))
def test_a_long_message_is_shown_in_parts_that_are_light_and_lose_nothing(text: str, author: str):
    line, start, shown = a_line(text, author=author), 0, 0
    while True:
        part = render_part(line, room=2500, start=start)
        assert len(part.html.encode()) <= 2500 or part.goes_on - start <= 200
        shown += 1
        if not part.goes_on:
            break
        assert part.goes_on > start
        start = part.goes_on
    if shown == 1:
        assert part == render_line(line)
