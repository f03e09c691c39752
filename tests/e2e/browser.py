#!/usr/bin/env python3
"""browser.py PAGE [DIRECTORY]: what Chromium makes of a page, as one line of JSON for each width and
colour scheme; screenshots into the directory.

It asks over the pipe of the DevTools protocol (https://chromedevtools.github.io/devtools-protocol),
so the page is shown as it is, with its own Content-Security-Policy, and nothing listens.
"""
import base64
import json
import os
import subprocess
import sys
import tempfile

SIZES = {"phone": (390, 844), "narrow": (320, 568), "tablet": (768, 1024), "desktop": (1280, 800)}
SCHEMES = ("light", "dark")

# What can be seen of a page without looking: who sticks out at the right, and how far a text's
# colour is from what is behind it (WCAG 2.2, "contrast ratio").  The width is what was asked for: a
# phone widens its own to what sticks out.
MEASURE = """(width => {
	const rgba = text => (text.match(/[0-9.]+/g) || [0, 0, 0, 0]).map(Number);
	const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
		.map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
		.reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
	const behind = element => {
		for (; element; element = element.parentElement) {
			const colour = rgba(getComputedStyle(element).backgroundColor);
			if (colour.length == 3 || colour[3] == 1)
				return colour;
		}
		return [255, 255, 255];
	};
	const contrast = (element, pseudo) => {
		const a = light(rgba(getComputedStyle(element, pseudo).color)), b = light(behind(element));
		return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
	};
	const has_text = element => [...element.childNodes].some(n => n.nodeType == 3 && n.data.trim());
	const is_shown = element => element.getClientRects().length > 0;
	const name = element => element.tagName + "." + element.className + ": " + element.textContent.slice(0, 40);
	const all = [...document.body.querySelectorAll("*")].filter(is_shown);
	const labelled = all.filter(e => getComputedStyle(e, "::before").content.startsWith('"'));
	const texts = all.filter(has_text).map(e => [contrast(e), name(e)])
		.concat(labelled.map(e => [contrast(e, "::before"), name(e)])).sort((a, b) => a[0] - b[0]);
	return {
		inner: width, scroll: document.scrollingElement.scrollWidth,
		outside: all.filter(e => e.getBoundingClientRect().right > width + 0.5).map(name),
		broken: all.filter(e => e.matches("td, code, th") && e.scrollWidth > e.clientWidth + 1 &&
			getComputedStyle(e).display != "inline").map(name),
		ground: light(behind(document.body)), contrast: texts[0], texts: texts.length,
		smallest: Math.min(...all.filter(has_text).map(e => parseFloat(getComputedStyle(e).fontSize))),
		rows: document.querySelectorAll("tbody tr").length,
		cards: labelled.length, headings: all.filter(e => e.tagName == "TH").length,
	};
})(%d)"""


class Browser:
    """One Chromium: it reads requests from its descriptor 3, and answers on 4; a NUL ends each."""

    def __init__(self, profile):
        self.events, self.number, self.buffer = [], 0, b""
        theirs_in, self.out = os.pipe()
        self.input, theirs_out = os.pipe()
        flags = (
            "--headless=new --no-sandbox --disable-gpu --no-first-run --disable-sync --hide-scrollbars "
            "--disable-background-networking --disable-component-update --remote-debugging-pipe"
        )

        def move():
            # Neither may be in the other's place while they are moved.
            keep = [os.dup2(fd, to) for fd, to in ((theirs_in, 40), (theirs_out, 41))]
            os.dup2(keep[0], 3)
            os.dup2(keep[1], 4)

        self.process = subprocess.Popen(
            ["chromium"] + flags.split() + ["--user-data-dir=" + profile],
            preexec_fn=move, close_fds=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(theirs_in)
        os.close(theirs_out)

    def read(self):
        while b"\0" not in self.buffer:
            more = os.read(self.input, 1 << 16)
            if not more:
                raise SystemExit("browser.py: chromium ended")
            self.buffer += more
        message, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(message)

    def ask(self, method, session=None, **params):
        self.number += 1
        request = {"id": self.number, "method": method, "params": params}
        if session:
            request["sessionId"] = session
        os.write(self.out, json.dumps(request).encode() + b"\0")
        while True:
            answer = self.read()
            if answer.get("id") != self.number:
                self.events.append(answer)
                continue
            if "error" in answer:
                raise SystemExit("browser.py: %s: %s" % (method, answer["error"]["message"]))
            return answer["result"]

    def wait_for(self, event):
        while not any(e.get("method") == event for e in self.events):
            self.events.append(self.read())


def complaints(events):
    """What the console has, and what was asked of anywhere but this page."""
    found = []
    for event in events:
        params = event.get("params", {})
        if event.get("method") == "Log.entryAdded":
            found.append(params["entry"]["text"])
        elif event.get("method") in ("Runtime.consoleAPICalled", "Runtime.exceptionThrown"):
            found.append(json.dumps(params)[:200])
        elif event.get("method") == "Network.requestWillBeSent":
            url = params["request"]["url"]
            if not url.startswith("file:"):
                found.append("asks for " + url)
    return found


def show(browser, session, page, size, scheme):
    width, height = SIZES[size]
    browser.events = []
    browser.ask("Emulation.setDeviceMetricsOverride", session, width=width, height=height,
                deviceScaleFactor=2, mobile=size != "desktop")
    browser.ask("Emulation.setEmulatedMedia", session,
                features=[{"name": "prefers-color-scheme", "value": scheme}])
    browser.ask("Page.navigate", session, url="file://" + os.path.realpath(page))
    browser.wait_for("Page.loadEventFired")
    answer = browser.ask("Runtime.evaluate", session, expression=MEASURE % width, returnByValue=True)
    value = answer["result"].get("value")
    if value is None:
        raise SystemExit("browser.py: " + json.dumps(answer)[:300])
    value.update(size=size, scheme=scheme, complaints=complaints(browser.events))
    return value


def main():
    page, directory = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        browser = Browser(profile)
        target = browser.ask("Target.createTarget", url="about:blank")["targetId"]
        session = browser.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            browser.ask(domain + ".enable", session)
        for size in SIZES:
            for scheme in SCHEMES:
                print(json.dumps(show(browser, session, page, size, scheme)))
                if directory:
                    shot = browser.ask("Page.captureScreenshot", session, captureBeyondViewport=True)
                    with open("%s/%s-%s.png" % (directory, size, scheme), "wb") as file:
                        file.write(base64.b64decode(shot["data"]))
        browser.ask("Browser.close")
        browser.process.wait()


main()
