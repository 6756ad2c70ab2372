"""Words that are too faint to read, by the measure of WCAG 2.2 (1.4.3).

Axe asks the browser for every word what lies under it, which took two thirds of all its time, and it can see one theme
at a time. This computes what lies under a word from the colours of what the word stands in, thirty times as fast, so
that every page is measured in both themes. Where that would be a guess, at words over a picture or over something that
they do not stand in, it says so instead of measuring.
"""

from __future__ import annotations

from playwright.sync_api import Page

FAINT = """() => {
    const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
    const known = new Map();
    const parts = (colour) => {
        if (!known.has(colour)) {
            canvas.clearRect(0, 0, 1, 1);
            canvas.fillStyle = colour;
            canvas.fillRect(0, 0, 1, 1);
            const [red, green, blue, alpha] = canvas.getImageData(0, 0, 1, 1).data;
            known.set(colour, [red, green, blue, alpha / 255]);
        }
        return known.get(colour);
    };
    const over = (upper, lower) => upper.slice(0, 3).map((part, n) => part * upper[3] + lower[n] * (1 - upper[3]));
    const light = (colour) => {
        const [red, green, blue] = colour.slice(0, 3).map((part) => {
            const share = part / 255;
            return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    const grounds = new Map();
    const ground = (element) => {
        if (element === null) return [...parts("Canvas").slice(0, 3), 1];
        if (!grounds.has(element)) {
            const own = parts(getComputedStyle(element).backgroundColor);
            grounds.set(element, own[3] === 1 ? own : [...over(own, ground(element.parentElement)), 1]);
        }
        return grounds.get(element);
    };
    const guessed = new Map();
    /* Why the ground of an element cannot be told from what it stands in. */
    const guess = (element) => {
        if (element === null) return "";
        if (!guessed.has(element)) {
            const style = getComputedStyle(element);
            const lies = style.position === "absolute" || style.position === "fixed" || style.position === "sticky";
            let why = "";
            if (style.backgroundImage !== "none") why = "over a picture";
            else if (parts(style.backgroundColor)[3] < 1) {
                /* What is cut away is there for ears alone. */
                if (lies && style.clipPath === "none") why = "over what it does not stand in";
                else why = guess(element.parentElement);
            }
            guessed.set(element, why);
        }
        return guessed.get(element);
    };
    const opacity = (element) => {
        let left = 1;
        for (; element !== null; element = element.parentElement) left *= Number(getComputedStyle(element).opacity);
        return left;
    };
    const shown = (element) =>
        !element.closest(":disabled, [aria-disabled=true], noscript, script, style, option") &&
        element.checkVisibility({ opacityProperty: true, visibilityProperty: true });
    const found = [];
    let measured = 0;
    const measure = (element, style) => {
        measured += 1;
        const say = (what) => found.push(`${what}: ${element.outerHTML.slice(0, 160)}`);
        const why = guess(element);
        if (why) return say(why);
        const size = parseFloat(style.fontSize), below = ground(element);
        const [red, green, blue, alpha] = parts(style.color);
        const [one, other] = [light(over([red, green, blue, alpha * opacity(element)], below)), light(below)];
        const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
        const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
        if (ratio < (large ? 3 : 4.5)) say(`${ratio.toFixed(2)}, ${style.color} on ${below.join(" ")}`);
    };
    const words = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), seen = new Set();
    while (words.nextNode()) {
        const element = words.currentNode.parentElement;
        if (!words.currentNode.data.trim() || seen.has(element)) continue;
        seen.add(element);
        if (shown(element)) measure(element, getComputedStyle(element));
    }
    for (const field of document.querySelectorAll("input, textarea, select")) {
        if (["hidden", "checkbox", "radio", "range", "color"].includes(field.type) || !shown(field)) continue;
        measure(field, getComputedStyle(field));
        if (field.placeholder && !field.value) measure(field, getComputedStyle(field, "::placeholder"));
    }
    return [measured, found];
}"""


def faint(page: Page) -> list[str]:
    """What stands there too faintly in the theme of this moment. A page without a word is none that was looked at."""
    measured, found = page.evaluate(FAINT)
    assert measured, page.url
    return [str(each) for each in found]
