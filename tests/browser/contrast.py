"""Words that are too faint to read, by the measure of WCAG 2.2 (1.4.3).

What axe measures with everything else takes most of its time, and of all that it looks at colours alone depend on the
theme. This measures them alone, at every word that is shown, so that a page is looked at in the other theme too.
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
    const opacity = (element) => {
        let left = 1;
        for (; element !== null; element = element.parentElement) left *= Number(getComputedStyle(element).opacity);
        return left;
    };
    const words = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const seen = new Set(), found = [];
    let measured = 0;
    while (words.nextNode()) {
        const element = words.currentNode.parentElement;
        if (!words.currentNode.data.trim() || seen.has(element)) continue;
        seen.add(element);
        if (element.closest(":disabled, [aria-disabled=true], noscript, script, style, option")) continue;
        if (!element.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue;
        const style = getComputedStyle(element), size = parseFloat(style.fontSize);
        const below = ground(element);
        const [red, green, blue, alpha] = parts(style.color);
        const [one, other] = [light(over([red, green, blue, alpha * opacity(element)], below)), light(below)];
        const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
        const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
        measured += 1;
        if (ratio < (large ? 3 : 4.5)) {
            const which = `${style.color} on ${below.join(" ")}`;
            found.push(`${ratio.toFixed(2)}, ${which}: ${element.outerHTML.slice(0, 160)}`);
        }
    }
    return [measured, found];
}"""


def faint(page: Page) -> list[str]:
    """What stands there too faintly in the theme of this moment. A page without a word is none that was looked at."""
    measured, found = page.evaluate(FAINT)
    assert measured, page.url
    return [str(each) for each in found]
