"""The page of `defrost report --html` in Debian's Chromium, held against what it promises.

usage: page.py PATH_TO_DEFROST DEMO.csv FOLDER

Two pages are made and looked at: that of the demo's report, and that of a bad night, which is the same
report with failures, hostile keys and a timeline. In light and dark, wide and on a phone: nothing is loaded
or complained about, the page does not scroll sideways, all text has contrast. The rows of what failed are
sorted and filtered with the keyboard alone, and are there without the script. On paper there is something.
The screenshots are left in FOLDER. Installs the browser by apt-get if it is not there.
"""

import base64
import csv
import hashlib
import io
import json
import pathlib
import shutil
import subprocess
import sys

import pypdfium2
from PIL import Image, ImageStat
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

# Width in CSS pixels, colour scheme, pixels to one of them.
VIEWS = {"desktop": (1280, "light", 1), "dark": (1280, "dark", 1), "phone": (390, "light", 2), "phone-dark": (390, "dark", 2)}
# Height of what is looked at at once.
HEIGHT = 900
# Tallest screenshot, in CSS pixels.
TALLEST = 6000
# Tab stops within which the first sort button must be met: links, summaries, filter, code, the box of rows.
MOST_STOPS = 40

HOSTILE = [
    "<script>document.title='taken'</script>.gz",
    "\"><img src=x onerror=\"document.title='taken'\">",
    "a\u202etxt.exe",
    "x" * 900 + ".bin",
    "&lt;not markup&gt; & 'quotes'",
    "{{script}}]]>-->",
]

CONTRAST = r"""
const parse = text => { const n = (text.match(/[\d.]+/g) || []).map(Number); return n.length < 4 ? [...n.slice(0, 3), 1] : n; };
const over = (top, below) => [0, 1, 2].map(i => top[i] * top[3] + below[i] * (1 - top[3])).concat(1);
const light = c => { const [r, g, b] = c.slice(0, 3).map(v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
const ground = element => { const layers = [];
  for (let at = element; at; at = at.parentElement) layers.push(parse(getComputedStyle(at).backgroundColor));
  return layers.reverse().reduce((below, top) => over(top, below), [255, 255, 255, 1]); };
document.querySelectorAll("details").forEach(one => one.open = true);
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
const poor = []; let seen = 0;
while (walker.nextNode()) {
  const element = walker.currentNode.parentElement;
  if (!walker.currentNode.data.trim() || element.closest(".unseen, script, style, svg, option")) continue;
  if (!element.checkVisibility()) continue;
  const style = getComputedStyle(element), back = ground(element), ink = over(parse(style.color), back);
  const [a, b] = [light(ink), light(back)], ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  seen += 1;
  if (ratio < 4.5) poor.push(element.tagName + "." + element.className + " " + ratio.toFixed(2) + ": " + walker.currentNode.data.trim().slice(0, 40));
}
return [seen, poor];
"""

SIDEWAYS = """
const wide = document.documentElement.clientWidth, out = [];
for (const one of document.querySelectorAll("body *")) {
  if (one.closest(".unseen, .skip, .patterns, .marks, .chart")) continue;
  const box = one.getBoundingClientRect();
  if (box.width && box.right > wide + 1) out.push(one.tagName + "." + one.className + " " + box.right);
}
return [document.documentElement.scrollWidth, wide, out];
"""


def installed():
    """The browser and its driver, installed if need be."""
    packages = ["chromium=chromium", "chromedriver=chromium-driver"]
    if not (shutil.which("chromium") and shutil.which("chromedriver")):
        packages.append("a font=fonts-dejavu-core")
    subprocess.run([pathlib.Path(__file__).resolve().parents[1] / "debian", *packages], check=True)
    return shutil.which("chromium"), shutil.which("chromedriver")


def browser():
    chromium, driver = installed()
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    # The last one: a small /dev/shm, as in many containers, is not used.
    for flag in ["headless=new", "no-sandbox", "disable-gpu", "hide-scrollbars", "disable-dev-shm-usage"]:
        options.add_argument(f"--{flag}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    return webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))


def bad_night(demo, folder):
    """The demo's report with failures and hostile keys, and a summary with a timeline beside it."""
    with open(demo, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    codes = [("AccessDenied", "denied", 403), ("SlowDown", "throttled", 503), ("NoSuchKey", "gone", 404), ("", "unsafe_key", "")]
    for number, row in enumerate(rows[::37]):
        code, reason, status = codes[number % 4]
        row |= {"action": "failed", "reason": reason, "error_code": code, "http_status": status, "request_id": f"ID{number:08}", "state": "archived", "expires_at": ""}
        if number < len(HOSTILE):
            row |= {"key": HOSTILE[number], "key_encoding": ""}
    report = folder / "bad-night.csv"
    with open(report, "w", newline="", encoding="utf-8") as file:
        out = csv.DictWriter(file, rows[0].keys(), lineterminator="\n")
        out.writeheader()
        out.writerows(rows)
    summary = json.loads(demo.with_suffix(".summary.json").read_text(encoding="utf-8"))
    stretch = {"listed": 90, "restores": 70, "failed": 0, "slow_downs": 0, "rate": 80}
    samples = [stretch | {"restores": 70 - n % 13, "slow_downs": int(n % 50 == 9), "failed": int(n % 60 == 5), "rate": 80 - n % 40} for n in range(200)]
    sha256 = hashlib.sha256(report.read_bytes()).hexdigest()
    summary |= {"report": report.name, "report_sha256": sha256, "exit_reason": "some_failed", "exit_code": 1}
    summary["timeline"] = {"every_seconds": 2, "samples": samples}
    report.with_suffix(".summary.json").write_text(json.dumps(summary), encoding="utf-8")
    return report, sum(row["action"] == "failed" for row in rows)


def view(chrome, page, width, scheme, scale):
    """Opens `page` as a reader with these would, and returns what the browser had to say."""
    chrome.get("about:blank")
    chrome.get_log("browser"), chrome.get_log("performance")
    chrome.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})
    metrics = {"width": width, "height": HEIGHT, "deviceScaleFactor": scale, "mobile": width < 600}
    chrome.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    chrome.get(page.as_uri())
    loaded = [json.loads(line["message"])["message"] for line in chrome.get_log("performance")]
    urls = {message["params"]["request"]["url"] for message in loaded if message["method"] == "Network.requestWillBeSent"}
    assert urls <= {page.as_uri()}, f"{page.name} loads {urls}"
    said = [line["message"] for line in chrome.get_log("browser")]
    assert not said, f"{page.name}, {scheme}, {width}: {said}"
    assert chrome.title.endswith(": audit"), chrome.title


def picture(chrome, width, path):
    height = min(TALLEST, chrome.execute_script("return document.documentElement.scrollHeight"))
    clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
    shot = chrome.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": True, "clip": clip})
    path.write_bytes(base64.b64decode(shot["data"]))
    image = Image.open(path).convert("RGB")
    seen(image, path.name)
    return ImageStat.Stat(image.convert("L")).mean[0]


def seen(image, name):
    """A page has a ground, and something on it."""
    colours = image.resize((200, 200)).getcolors(40_000)
    most = max(count for count, _ in colours) / 40_000
    assert len(colours) > 50 and most < 0.98, f"{name} is blank: {len(colours)} colours, {most:.0%} of one"


def looks(chrome, page, folder):
    """Takes the screenshots, and holds each view against what holds for all."""
    light = {}
    for name, (width, scheme, scale) in VIEWS.items():
        view(chrome, page, width, scheme, scale)
        light[name] = picture(chrome, width, folder / f"{page.stem}-{name}.png")
        across, wide, out = chrome.execute_script(SIDEWAYS)
        assert across <= wide and wide == width and not out, f"{page.name} scrolls sideways: {across} of {wide}, {out[:5]}"
        texts, poor = chrome.execute_script(CONTRAST)
        assert texts > 50 and not poor, f"{page.name}, {name}: contrast below 4.5 in {len(poor)} of {texts}: {poor[:10]}"
    assert light["desktop"] - light["dark"] > 100, f"light and dark are alike: {light}"
    assert light["phone"] - light["phone-dark"] > 100, f"light and dark are alike: {light}"
    printed(chrome, page, folder)
    print(f"{page.name}: four views, contrast, no sideways scroll, nothing loaded, nothing said; printed")


def printed(chrome, page, folder):
    view(chrome, page, 1280, "dark", 1)
    paper = {"printBackground": False, "paperWidth": 8.27, "paperHeight": 11.69}
    pdf = base64.b64decode(chrome.execute_cdp_cmd("Page.printToPDF", paper)["data"])
    (folder / f"{page.stem}.pdf").write_bytes(pdf)
    with pypdfium2.PdfDocument(pdf) as document:
        assert 1 <= len(document) <= 20, f"{len(document)} pages of paper"
        first = document[0]
        image = first.render(scale=1.5).to_pil().convert("RGB")
        text = first.get_textpage().get_text_bounded()
    image.save(folder / f"{page.stem}-print.png")
    seen(image, "paper")
    assert ImageStat.Stat(image.convert("L")).mean[0] > 200, "paper is dark"
    for word in ["defrost audit", "Objects", "Readable now", "20,000"]:
        assert word in text, f"{word!r} is not on paper: {text[:300]}"


def keyboard(chrome, page, failed):
    """Sorts and filters the rows without a mouse."""
    view(chrome, page, 1280, "light", 1)
    column = "return [...document.querySelectorAll('#rows tbody tr:not([hidden])')].map(row => row.cells[arguments[0]].textContent)"
    assert len(chrome.execute_script(column, 0)) == failed, f"{failed} rows failed"

    def focus():
        return chrome.switch_to.active_element

    def press(key):
        webdriver.ActionChains(chrome).send_keys(key).perform()

    stops = 0
    while not chrome.execute_script("return !!document.activeElement.closest('#rows thead')"):
        press(Keys.TAB)
        stops += 1
        assert stops < MOST_STOPS, "no sort button is met"
        ring = chrome.execute_script("const s = getComputedStyle(document.activeElement); return [s.outlineStyle, parseFloat(s.outlineWidth)]")
        assert ring[0] != "none" and ring[1] >= 2, f"focus is not seen on {focus().tag_name} {focus().text!r}: {ring}"
    assert focus().tag_name == "button" and focus().text.startswith("Key"), focus().text
    sort = "return document.activeElement.closest('th').getAttribute('aria-sort')"
    # Code, by its letters, then Size, by its bytes.
    press(Keys.TAB)
    for key, way in [(Keys.ENTER, "ascending"), (Keys.SPACE, "descending")]:
        press(key)
        codes = chrome.execute_script(column, 1)
        ordered = sorted(codes, key=str.lower, reverse=way == "descending")
        assert chrome.execute_script(sort) == way and codes == ordered, f"{way}: {codes[:5]}"
    for _ in range(4):
        press(Keys.TAB)
    assert focus().text.startswith("Size"), focus().text
    press(Keys.ENTER)
    sizes = "return [...document.querySelectorAll('#rows tbody tr')].map(row => Number(row.querySelector('[data-value]').dataset.value))"
    sizes = chrome.execute_script(sizes)
    assert sizes == sorted(sizes) and sizes[0] < sizes[-1], sizes[:5]
    assert len(chrome.find_elements(By.CSS_SELECTOR, "[aria-sort]")) == 1, "sorted by two columns"

    chrome.find_element(By.ID, "filter").send_keys("<SCRIPT>")
    found = chrome.execute_script(column, 0)
    assert found == [HOSTILE[0]], found
    assert chrome.find_element(By.ID, "shown").text == f"1 of {failed} rows"
    chrome.find_element(By.ID, "filter").clear()
    chrome.find_element(By.ID, "code").send_keys("Slow")
    assert set(chrome.execute_script(column, 1)) == {"SlowDown"}
    print(f"{page.name}: {failed} rows sorted and filtered with the keyboard")


def hostile(chrome, page):
    """Names from outside are text and nothing else."""
    view(chrome, page, 390, "light", 1)
    scripts = chrome.execute_script("return document.querySelectorAll('script, img').length")
    assert scripts == 1, f"{scripts} scripts and pictures"
    keys = chrome.execute_script("return [...document.querySelectorAll('#rows tbody th bdi')].map(one => one.textContent)")
    shown = {key.replace("\u202e", "\\u{202e}") for key in HOSTILE}
    assert shown <= set(keys), shown - set(keys)
    assert "\u202e" not in chrome.page_source


def without_script(chrome, page, folder, failed):
    """The same page with the script taken out, as a browser without scripts would show it."""
    text = page.read_text(encoding="utf-8")
    head, rest = text.split("<script>")
    bare = folder / "no-script.html"
    bare.write_text(head + rest.split("</script>")[1], encoding="utf-8")
    view(chrome, bare, 390, "light", 1)
    assert not chrome.find_element(By.ID, "tools").is_displayed(), "controls that do nothing are shown"
    assert not chrome.find_elements(By.CSS_SELECTOR, "#rows thead button")
    rows = chrome.find_elements(By.CSS_SELECTOR, "#rows tbody tr")
    assert len(rows) == failed and rows[0].is_displayed()
    chrome.find_element(By.CSS_SELECTOR, "#expiry summary").send_keys(Keys.ENTER)
    assert chrome.find_element(By.CSS_SELECTOR, "#expiry details table").is_displayed()
    print(f"{page.name}: all of it is there without the script")


def main(defrost, demo, folder):
    demo, folder = pathlib.Path(demo).resolve(), pathlib.Path(folder).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    report, failed = bad_night(demo, folder)
    pages = [folder / "demo.html", folder / "bad-night.html"]
    for csv_file, page in zip([demo, report], pages):
        subprocess.run([defrost, "report", str(csv_file), "--html", str(page), "-q"], check=True)
    chrome = browser()
    try:
        for page in pages:
            looks(chrome, page, folder)
        keyboard(chrome, pages[1], failed)
        hostile(chrome, pages[1])
        without_script(chrome, pages[1], folder, failed)
    finally:
        chrome.quit()


if __name__ == "__main__":
    main(*sys.argv[1:])
