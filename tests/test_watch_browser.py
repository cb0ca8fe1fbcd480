"""The live page in a browser: headless Chromium, driven by playwright. Skipped, with the reason, where one is missing.

NUMPYFA_SCREENSHOTS names a folder for a picture of each state. NUMPYFA_PYODIDE names a folder with a distribution of
Pyodide: with the core alone (npm's package) the exported site boots, unpacks the wheel and speaks by a stand-in engine;
with a full one, which has NumPy, it trains.
"""

import base64
import functools
import http.server
import io
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import numpyfa as fa
from numpyfa import metrics
from numpyfa.watch import export

pytestmark = [pytest.mark.web, pytest.mark.filterwarnings("ignore::ResourceWarning")]

NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), None)
STATE = "import('./main.js').then(({state}) => %s)"
PATIENCE = 60.0  # seconds: CI's machines are slow, and have other work


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason="no playwright: install numpyfa[web]")
    if CHROMIUM is None:
        pytest.skip(f"no browser: none of {', '.join(NAMES)} is on the path")
    with playwright.sync_playwright() as session:
        made = session.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield made
        made.close()


class Watch:
    """`numpyfa watch` in a process of its own."""

    def __init__(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.start()

    def start(self):
        command = [sys.executable, "-m", "numpyfa", "watch", "--no-browser", "--port", str(self.port)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert "the page is at" in self.process.stdout.readline()

    def end(self, how=signal.SIGKILL):
        self.process.send_signal(how)
        self.process.communicate(timeout=PATIENCE)

    def address(self, query=""):
        return f"http://127.0.0.1:{self.port}/{query}"


@pytest.fixture(scope="module")
def watch():
    made = Watch()
    yield made
    made.end(signal.SIGTERM)


class Tab:
    """A page, what it asked for, and what it complained of."""

    def __init__(self, browser, address, wait=True, **context):
        self.context = browser.new_context(viewport={"width": 1280, "height": 900}, **context)
        self.page = self.context.new_page()
        self.complaints, self.asked = [], []
        self.listen(self.page)
        self.page.goto(address)
        if wait:
            self.until(lambda: self.state("state.drawn") > 0)

    def listen(self, page):
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda said: said.type == "error" and self.complaints.append(said.text))
        page.on("request", lambda request: self.asked.append(request.url))

    def state(self, expression):
        return self.page.evaluate(STATE % expression)

    def batch(self):
        return self.state("state.update?.batch ?? -1")

    def until(self, condition, patience=PATIENCE):
        end = time.monotonic() + patience
        while not condition():
            assert time.monotonic() < end, (self.page.inner_text("#words"), self.page.inner_text("#state"))
            self.page.wait_for_timeout(30)

    def words(self):
        return self.page.inner_text("#words")

    def play_to(self, batch):
        """Play until so many batches are done, then pause."""
        self.page.click("#play")
        self.until(lambda: self.batch() >= batch)
        self.pause()

    def pause(self):
        self.page.click("#play")
        self.until(lambda: self.state("state.update.playing") is False)

    def one(self, times=1):
        for _ in range(times):
            self.until(lambda: self.batch() >= 0)
            before = self.batch()
            self.page.click("#one")
            self.until(lambda before=before: self.batch() == before + 1)

    def photograph(self, name):
        """What is in the window, in 128 colours, so that the file is small."""
        folder = os.environ.get("NUMPYFA_SCREENSHOTS")
        if folder:
            Path(folder).mkdir(parents=True, exist_ok=True)
            picture = Image.open(io.BytesIO(self.page.screenshot()))
            picture.convert("RGB").quantize(128).save(Path(folder) / f"{name}.png", optimize=True)

    def close(self):
        self.context.close()


@pytest.fixture
def tab(browser, watch):
    """A function that opens a page at an address."""
    tabs = []

    def open_tab(query="", **more):
        tabs.append(Tab(browser, watch.address(query), **more))
        return tabs[-1]

    yield open_tab
    for each in tabs:
        each.close()


# -- It starts and trains ---------------------------------------------------------------------------------------------


def test_the_page_starts_without_a_complaint_and_asks_only_its_own_server(tab, watch):
    page = tab("?rule=fa&second=bp")
    page.photograph("start")
    assert page.batch() == 0 and page.page.inner_text("#play") == "Play" and page.words() == ""
    assert page.complaints == [] and len(page.asked) > 8
    assert all(address.startswith((watch.address(), "data:")) for address in page.asked)


def test_it_trains_and_the_curves_grow(tab):
    page = tab("?rule=fa&second=bp")
    page.play_to(600)
    page.photograph("curves")
    page.page.evaluate("document.querySelector('#inside').scrollIntoView()")
    page.photograph("inside")
    page.page.evaluate("document.querySelector('.lane h3:nth-of-type(6)').scrollIntoView(); scrollBy(0, -60)")
    page.photograph("step")
    rows = page.state("state.curves.rows")
    error = page.state("state.curves.columns").index("1.error")
    assert rows[0][error] > 70 > 20 > rows[-1][error] and len(rows) > 10
    assert page.page.locator("#chart-error canvas").count() == 1 and page.complaints == []


def test_the_numbers_on_the_page_are_the_library_s_for_the_same_seed(tab, mnist):
    page = tab("?rule=fa&second=dfa&net=60-30&lr=0.2&second_lr=0.2&batch_size=50&seed=4")
    page.one(5)
    order, rows = fa.Streams(4)("order", 1).permutation(60_000), page.state("state.curves.rows")
    for place, name in enumerate(("fa", "dfa")):
        net = fa.mlp("784-60-30-10", seed=4)
        rule, loss, optimizer = fa.rules.make_rule(name, net, seed=4), fa.SoftmaxCrossEntropy(), fa.SGD(0.2)
        x, one = net.as_input(mnist.x_train), fa.one_hot(mnist.y_train, 10, net.dtype)
        for batch in order[:250].reshape(5, 50):
            fa.train_step(net, rule, loss, optimizer, net.to_float(x[batch]), one[batch])
        traces = net.forward(net.to_float(x[:64]), train=True)
        angles = metrics.delta_angle(rule, traces, loss.output(net, traces, one[:64], 6))
        weights = metrics.weight_angle(rule)
        error = fa.evaluate(net, loss, net.as_input(mnist.x_test)[:500], mnist.y_test[:500])[1]
        expected = {"error": f"{error:.1f}"} | {f"angle_{n}": f"{angles[n]:.1f}" for n in angles}
        expected |= {f"weight_angle_{n}": f"{weights[n]:.1f}" for n in weights}
        for figure, text in expected.items():
            cell = page.page.locator(f"#figures tbody tr:nth-child({place + 1}) td[data-figure={figure}]")
            assert cell.inner_text() == text, (name, figure)
        shown = page.page.locator(f".lane:nth-child({place + 1}) table[data-name=W] td.number").first.inner_text()
        assert float(shown.replace("−", "-")) == pytest.approx(net[2].W[0, 0], rel=1e-3)
    assert [row[0] for row in rows] == [0, 1, 2, 4] and page.batch() == 5


def test_one_batch_moves_W_as_the_step_says(tab):
    page = tab("?rule=fa&lr=0.5")

    def numbers(name):
        cells = page.page.locator(f"table[data-name={name}] td.number").all_inner_texts()
        return np.array([float(text.replace("−", "-")) for text in cells])

    W, dW = numbers("W"), numbers("dW")
    page.one()
    np.testing.assert_allclose(numbers("W"), W - 0.5 * dW, atol=2e-4)


def test_another_rule_begins_from_the_same_start_and_stands_in_the_address(tab):
    page = tab("?rule=fa")
    page.page.click("#play")
    page.until(lambda: page.batch() > 100)
    page.page.select_option("[name=rule]", "dfa")
    page.until(lambda: page.state("state.update?.lanes[0].rule") == "dfa")
    page.until(lambda: page.batch() > 50)
    assert "rule=dfa" in page.page.url and page.state("state.update.playing") and page.state("state.update.run") == 2
    assert "e_l = error B_l" in page.page.inner_text(".lane") and "numpyfa/rules/dfa.py" in page.page.inner_text(
        ".lane"
    )
    page.pause()
    page.photograph("another-rule")


LATE = """word => {
    const usual = window.fetch;
    window.order = [];
    window.fetch = async (address, more) => {
        const what = JSON.parse(more?.body ?? "{}").do;
        if (what === word) await new Promise(resolve => setTimeout(resolve, 500));
        window.order.push(`${what} sent`);
        const answer = await usual(address, more);
        window.order.push(`${what} answered`);
        return answer;
    };
}"""


def test_a_button_that_is_pressed_right_after_a_setting_has_changed_is_meant_for_the_new_run(tab):
    """Also where the message that starts it takes half a second."""
    page = tab("?rule=fa")
    page.page.evaluate(LATE, "start")
    page.page.fill("[name=lr]", "0.2")
    page.page.click("#one")  # with it the field is left
    page.until(lambda: [page.state("state.update?.run"), page.batch()] == [2, 1])
    page.page.fill("[name=lr]", "0.3")
    page.page.click("#play")
    page.until(lambda: page.state("state.update?.run") == 3 and page.batch() > 20)
    assert page.page.inner_text("#play") == "Pause" and page.complaints == []
    page.pause()
    page.page.fill("[name=lr]", "0.4")
    page.page.fill("[name=decay]", "0.001")  # a second change, while the run of the first has yet to start
    page.page.click("#one")
    page.until(lambda: [page.state("state.update?.run"), page.batch()] == [5, 1])
    assert page.state("state.about.settings.decay") == "0.001"


def test_messages_arrive_in_the_order_they_were_sent_in(tab):
    page = tab("?rule=fa")
    page.page.evaluate(LATE, "play")
    page.page.click("#play")
    page.page.click("#play")
    order = "window.order.filter(each => /^(play|pause)/.test(each))"
    page.until(lambda: len(page.page.evaluate(order)) == 4)
    assert page.page.evaluate(order) == ["play sent", "play answered", "pause sent", "pause answered"]
    page.until(lambda: page.batch() > 0 and page.state("state.update.playing") is False)
    assert page.page.inner_text("#play") == "Play"


def test_two_rules_stay_in_step_and_a_rule_beside_itself_is_its_own_double(tab):
    page = tab("?rule=fa&second=fa")
    page.play_to(300)
    rows = page.state("state.curves.rows")
    half = (len(rows[0]) - 1) // 2
    assert len(rows) > 8 and all(row[1 : half + 1] == row[half + 1 :] for row in rows)
    steps = page.state("state.update.lanes.map(lane => lane.step.batch)")
    assert steps == [page.batch() + 1] * 2


def test_rewind_gives_the_same_curve_to_the_bit(tab):
    page = tab("?rule=fa&second=bp&noise=0.1")
    page.play_to(400)
    first = page.state("state.curves.rows")
    page.page.click("#rewind")
    page.until(lambda: page.batch() == 0)
    assert page.state("state.curves.rows") == first[:1]
    page.page.click("#layer")  # looking about changes nothing
    page.page.select_option("#layer", "1")
    page.play_to(400)
    second = page.state("state.curves.rows")
    both = min(len(first), len(second))
    assert both > 10 and first[:both] == second[:both]


def test_layers_and_digits_are_chosen_and_the_address_holds_both(tab):
    page = tab("?rule=fa&second=dfa")
    page.page.select_option("#layer", "1")
    page.page.click("#next-digit")
    page.until(lambda: page.state("[state.update.layer, state.update.digit.place]") == [1, 1])
    assert "layer=1" in page.page.url and "digit=1" in page.page.url
    again = tab(f"?{page.page.url.partition('?')[2]}")
    again.until(lambda: again.state("[state.update.layer, state.update.digit.place]") == [1, 1])
    assert again.state("state.update.lanes.map(lane => lane.rule)") == ["fa", "dfa"]


# -- It survives ------------------------------------------------------------------------------------------------------


def test_a_reload_goes_on_with_the_run(tab):
    page = tab("?rule=dfa&lr=0.05")
    page.page.click("#play")
    page.until(lambda: page.batch() > 150)
    before, rows = page.batch(), page.state("state.curves.rows")
    page.page.reload()
    page.until(lambda: page.batch() >= before)
    assert page.state("state.update.playing") and page.state("state.about.lanes[0].rule") == "dfa"
    assert page.state("state.curves.rows")[: len(rows)] == rows and page.complaints == []


def test_two_tabs_train_their_own_nets(tab):
    one, other = tab("?rule=fa"), tab("?rule=dfa&net=50")
    one.page.click("#play")
    one.until(lambda: one.batch() > 50)
    assert other.batch() == 0
    other.page.click("#play")
    other.until(lambda: other.batch() > 50)
    before = one.batch()
    one.until(lambda: one.batch() > before)
    assert one.state("state.update.lanes[0].rule") == "fa" and other.state("state.update.lanes[0].rule") == "dfa"


def test_the_server_killed_and_started_again_is_told_and_the_run_begins_anew(browser):
    watch = Watch()
    page = Tab(browser, watch.address("?rule=dfa&net=50&layer=1&digit=3"))
    try:
        page.play_to(100)
        watch.end()
        page.until(lambda: "does not answer" in page.page.inner_text("#state"))
        page.page.click("#play")
        page.page.wait_for_timeout(300)
        page.photograph("server-gone")
        watch.start()
        page.until(lambda: page.state("state.update?.batch") == 0 and page.page.inner_text("#state") == "")
        page.photograph("server-back")
        assert "started again" in page.words() and page.state("state.about.settings.rule") == "dfa"
        assert page.state("[state.update.layer, state.update.digit.place]") == [1, 3]
        assert "layer=1" in page.page.url and "digit=3" in page.page.url
        page.play_to(50)
    finally:
        page.close()
        watch.end(signal.SIGTERM)


# -- Nonsense ---------------------------------------------------------------------------------------------------------


def test_nonsense_in_each_of_9_fields_gets_a_word_beside_it_and_the_run_goes_on(tab):
    page = tab("?rule=fa&second=bp")
    page.one(2)
    texts = ["", "abc", "-1", "1e999", "<img src=x onerror=alert(1)>", "0; DROP TABLE", "NaN", "７", "9" * 300]
    for name in ("net", "lr", "second_lr", "scale", "decay", "batch_size", "digits", "noise", "seed"):
        field = page.page.locator(f"[name={name}]")
        before = field.input_value()
        for text in texts:
            field.fill(text)
            field.blur()
            page.page.wait_for_selector(f"#wrong-{name}", timeout=PATIENCE * 1000)
            words = page.page.inner_text(f"#wrong-{name}")
            assert len(words) > 20 and field.get_attribute("aria-invalid") == "true"
            field.fill(before)  # and what is right takes the word away, in a run of its own
            field.blur()
            page.page.wait_for_selector(f"#wrong-{name}", state="detached", timeout=PATIENCE * 1000)
    page.page.fill("[name=lr]", "fast")
    page.page.locator("[name=lr]").blur()
    page.page.fill("#digit", "seven")
    page.page.locator("#digit").blur()
    page.until(lambda: "the digit must be a whole number" in page.words())
    page.photograph("nonsense")
    assert page.page.locator("img").count() == 0 and page.complaints == []
    page.page.fill("[name=lr]", "0.1")
    page.one(1)


@pytest.mark.parametrize(
    "query, named",
    [("?rule=backprop&lr=0.2", "rule"), ("?lr=fast&rule=dfa", "lr"), ("?net=0-0&layer=99", "net"), ("?colour=red",
     "colour"),
     ("?digits=1&digits=2&digit=-1", "digits"), ("?%00=%ff&rule=%3Cscript%3E", "rule"),
     ("?__proto__=1&constructor=2", "__proto__"),
     ("?" + "a=1&" * 50 + "x" * 500 + "=1", "a"), ("?noise=NaN&seed=1.5&batch_size=1e9&activation=&second=%20x",
     "the share of wrong labels must be"),
     ("?rule=lra-e&net=lenet", "lra-e"), ("?rule=bp&scale=3", "scale"), ("?layer=<b>&digit=1e5", "layer")],
)  # fmt: skip
def test_nonsense_in_the_address_gets_a_word_and_the_page_starts_all_the_same(tab, query, named):
    page = tab(query)
    said = page.words() + page.page.inner_text("#settings")
    assert named in said and len(page.words()) > 20
    page.one()
    assert not [each for each in page.complaints if "Failed to load" not in each]


def test_a_run_that_diverges_says_so(tab):
    page = tab("?rule=fa&activation=identity&lr=90&scale=500")
    page.page.click("#play")
    page.until(lambda: "the loss is not finite" in page.words())
    page.until(lambda: page.state("state.update.playing") is False)
    page.photograph("diverged")
    page.page.click("#play")
    page.until(lambda: "rewind, or change a setting" in page.words())
    assert page.page.inner_text("#play") == "Play" and page.state("state.playing") is False
    page.page.click("#rewind")
    page.until(lambda: page.batch() == 0 and page.words() == "")


# -- For everyone -----------------------------------------------------------------------------------------------------


def test_all_can_be_reached_and_done_by_the_keyboard(tab):
    page = tab()
    reached = []
    for _ in range(24):
        page.page.keyboard.press("Tab")
        reached.append(page.page.evaluate("document.activeElement.id || document.activeElement.name"))
    wanted = ["play", "one", "rewind", "rule", "lr", "second", "scale", "decay", "net", "activation", "seed",
              "digits", "noise",
              "batch_size", "layer", "digit", "next-digit"]  # fmt: skip
    assert [name for name in reached if name in wanted][: len(wanted)] == wanted
    page.page.keyboard.press("Home")
    page.page.focus("#one")
    page.page.keyboard.press("Enter")
    page.until(lambda: page.batch() == 1)
    page.page.focus("#play")
    page.page.keyboard.press("Space")
    page.until(lambda: page.batch() > 5)
    page.page.keyboard.press("Space")
    page.until(lambda: not page.state("state.update.playing"))
    outline = page.page.evaluate("getComputedStyle(document.activeElement).outlineWidth")
    assert outline == "3px", "and one sees where one is"


def test_a_screen_reader_finds_a_name_for_every_field_and_picture_and_hears_how_it_goes(tab):
    page = tab("?rule=fa&second=bp")
    page.one()
    unnamed = page.page.evaluate(
        """[...document.querySelectorAll("input, select, button, canvas:not(.uplot canvas), [role=img]")].filter(e =>
           !(e.labels?.length || e.getAttribute("aria-label") || e.textContent.trim()) && e.checkVisibility())
           .map(e => e.outerHTML)"""
    )
    assert unnamed == [] and page.page.get_attribute("html", "lang") == "en"
    assert "At batch" not in page.page.inner_text(
        "#spoken"
    ) and "Stopped at batch 1. fa: test error" in page.page.text_content("#spoken")
    label = page.page.get_attribute("#chart-error", "aria-label")
    assert label.startswith("test error up to batch 1; now fa ")
    order = page.page.evaluate("[...document.querySelectorAll('h1, h2, h3')].map(e => Number(e.tagName[1]))")
    assert order[0] == 1 and all(b - a <= 1 for a, b in zip(order, order[1:])), "no heading is skipped"


def colours(page):
    """{name: (r, g, b) from 0 to 1} of the style sheet."""
    names = ["paper", "panel", "ink", "quiet", "alarm", "first", "second", "below", "above"]
    style = "getComputedStyle(document.documentElement).getPropertyValue('--%s').trim()"
    found = {name: page.page.evaluate(style % name)[1:] for name in names}
    found = {name: text if len(text) == 6 else "".join(c + c for c in text) for name, text in found.items()}
    return {name: np.array([int(text[i : i + 2], 16) / 255 for i in (0, 2, 4)]) for name, text in found.items()}


def linear(colour):
    return np.where(colour <= 0.04045, colour / 12.92, ((colour + 0.055) / 1.055) ** 2.4)


def contrast(one, other):
    """As WCAG 2 has it: 1 to 21."""
    a, b = sorted((float(linear(each) @ [0.2126, 0.7152, 0.0722]) for each in (one, other)), reverse=True)
    return (a + 0.05) / (b + 0.05)


# What a dichromat sees of linear RGB  [Vienot, Brettel & Mollon 1999]
DICHROMATS = {
    "protan": np.array([[0.11238, 0.88762, 0], [0.11238, 0.88762, 0], [0.00401, -0.00401, 1]]),
    "deutan": np.array([[0.29275, 0.70725, 0], [0.29275, 0.70725, 0], [-0.02234, 0.02234, 1]]),
}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_light_and_dark_have_contrast_and_the_two_colours_differ_to_the_colour_blind(tab, scheme):
    page = tab("?rule=fa&second=bp", color_scheme=scheme)
    found = colours(page)
    assert (found["paper"].mean() > 0.9) == (scheme == "light")
    for text in ("ink", "quiet", "alarm"):
        for ground in ("paper", "panel"):
            assert contrast(found[text], found[ground]) > 4.5, (text, ground)
    assert contrast(found["paper"], found["first"]) > 4.5, "of the button's word"
    for line in ("first", "second", "below", "above"):
        assert contrast(found[line], found["paper"]) > 3, line
    for pair in (("first", "second"), ("below", "above")):
        for kind, seen in DICHROMATS.items():
            one, other = (seen @ linear(found[name]) for name in pair)
            assert np.abs(one - other).max() > 0.25, (pair, kind)
    if scheme == "dark":
        page.play_to(300)
        page.photograph("dark")


def test_a_page_that_is_open_turns_dark_with_its_pictures(tab):
    page = tab("?rule=fa", color_scheme="light")
    pixels = "document.querySelector('#lanes canvas').getContext('2d').getImageData(0, 0, 200, 80).data"
    corner = f"{pixels}.reduce((a, b) => a + b)"
    light = page.page.evaluate(corner)
    page.page.emulate_media(color_scheme="dark")
    page.until(lambda: page.page.evaluate(corner) < 0.8 * light)


def test_less_motion_is_at_most_3_drawings_a_second(tab):
    page = tab("?rule=fa", reduced_motion="reduce")
    page.page.click("#play")
    times = page.state(
        """new Promise(done => {
             let drawn = state.drawn; const times = [];
             const look = () => {
               if (state.drawn > drawn) { drawn = state.drawn; times.push(performance.now()); }
               times.length < 6 ? requestAnimationFrame(look) : done(times);
             };
             look(); })"""
    )
    assert min(np.diff(times[1:])) > 1000 / 3


def test_on_a_telephone_nothing_is_wider_than_the_screen(browser, watch):
    page = Tab(browser, watch.address("?rule=fa&second=bp"))
    page.page.set_viewport_size({"width": 390, "height": 800})
    page.page.wait_for_timeout(300)
    assert page.page.evaluate("document.documentElement.scrollWidth") <= 390
    page.one()
    wide = page.page.evaluate("[...document.querySelectorAll('.lane canvas')].map(canvas => canvas.width)")
    assert 8 * 29 - 1 in wide and 16 * 29 - 1 not in wide, "eight images across"
    page.photograph("telephone")
    page.close()


def test_the_page_answers_within_a_second_while_lenet_trains(tab):
    page = tab("?net=lenet&activation=relu&rule=fa&second=bp&lr=0.05")
    page.page.click("#play")
    page.until(lambda: page.batch() > 3)
    longest = page.page.evaluate(
        """new Promise(done => { let last = performance.now(), longest = 0; const until = last + 4000;
           const beat = () => { const now = performance.now(); longest = Math.max(longest, now - last); last = now;
             now < until ? setTimeout(beat, 10) : done(longest); }; beat(); })"""
    )
    began = time.monotonic()
    page.pause()
    assert longest < 1000 and time.monotonic() - began < 10
    page.photograph("lenet")


# -- In the browser alone ---------------------------------------------------------------------------------------------

STAND_IN = '''"""Speaks as numpyfa.watch.engine does, without NumPy: what it says was said by the real one."""
import importlib.metadata, json, pathlib, sys

class Engine:
    def __init__(self):
        self.playing, self.wanted, self.batch = False, False, 0
        said = json.loads(pathlib.Path(__file__).with_name("said.json").read_text())
        self.started, self.update = said["started"], said["update"]
        files = importlib.metadata.files("numpyfa")
        self.unpacked = sum(file.locate().exists() for file in files)

    def hear(self, text):
        message = json.loads(text)
        do = message["do"]
        self.playing = do == "play" or (self.playing and do not in ("pause", "rewind"))
        self.wanted = self.wanted or do in ("drawn", "again", "one")
        self.batch += do == "one"
        if do == "start" and "nonsense" in message["settings"].values():
            return json.dumps({"kind": "refused", "problems": {"rule": "unknown rule 'nonsense', says the stand-in"},
                               "names": ["rule"]})
        return json.dumps(self.started if do in ("start", "again") else {"kind": "done"})

    def advance(self):
        self.batch += self.playing
        if not self.wanted:
            return None
        self.wanted = False
        words = [f"stand-in on {sys.platform}, {self.unpacked} files of the wheel"]
        return json.dumps(self.update | {"batch": self.batch, "playing": self.playing, "words": words})
'''


@pytest.fixture(scope="module")
def pyodide():
    folder = os.environ.get("NUMPYFA_PYODIDE")
    if not folder:
        pytest.skip("no Pyodide: NUMPYFA_PYODIDE names no folder with a distribution, such as npm's package")
    return Path(folder)


@pytest.fixture
def site(tmp_path, pyodide):
    """The exported site with Pyodide beside it, at an address of its own."""
    export.export(tmp_path / "site", pyodide="pyodide/")
    (tmp_path / "site" / "pyodide").symlink_to(pyodide.resolve())

    class Quiet(http.server.SimpleHTTPRequestHandler):
        extensions_map = http.server.SimpleHTTPRequestHandler.extensions_map | {
            ".mjs": "text/javascript",
            ".wasm": "application/wasm",
        }

        def log_message(self, *_):
            pass

    made = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=tmp_path / "site"))
    threading.Thread(target=made.serve_forever, daemon=True).start()
    yield tmp_path / "site", f"http://127.0.0.1:{made.server_address[1]}/"
    made.shutdown()
    made.server_close()


def has_numpy(pyodide):
    return any(pyodide.glob("numpy-*.whl"))


def test_the_exported_site_boots_pyodide_unpacks_the_wheel_and_speaks_by_a_stand_in(browser, site):
    """The worker, its messages and the page are the exported ones; the engine in it is a stand-in, since npm's Pyodide
    has no NumPy."""
    from numpyfa.watch.engine import Engine

    folder, address = site
    engine = Engine()
    started = engine.receive({"do": "start", "settings": {"rule": "fa", "net": "20"}})
    about = json.loads((folder / "site.json").read_text())
    wheel = folder / about["wheel"]
    files = {"stand_in.py": STAND_IN, "said.json": json.dumps({"started": started, "update": engine.update()})}
    content = io.BytesIO(wheel.read_bytes())
    with zipfile.ZipFile(content, "a") as archive:
        count = len(archive.namelist())
        for name, text in files.items():
            archive.writestr(name, text)
    wheel.write_bytes(content.getvalue())
    (folder / "site.json").write_text(json.dumps(about | {"packages": [], "engine": "stand_in"}))
    page = Tab(browser, f"{address}?rule=nonsense&net=20")
    try:
        assert f"stand-in on emscripten, {count} files of the wheel" in page.words()
        assert "says the stand-in" in page.page.inner_text("#settings")
        page.page.click("#play")
        page.until(lambda: page.batch() > 20)
        page.pause()
        page.one()
        assert page.complaints == [] and all(each.startswith((address, "data:", "blob:")) for each in page.asked)
    finally:
        page.close()


def test_the_exported_site_trains_in_the_browser_to_the_library_s_numbers(browser, site, pyodide):
    if not has_numpy(pyodide):
        pytest.skip(f"{pyodide} has no NumPy: name a full distribution of Pyodide")
    _, address = site
    page = Tab(browser, f"{address}?rule=fa&second=bp", wait=False)
    try:
        page.until(lambda: page.state("state.drawn") > 0, patience=300)
        page.play_to(200)
        from numpyfa.watch.engine import Engine

        engine = Engine()
        engine.receive({"do": "start", "settings": {"rule": "fa", "second": "bp"}})
        while engine.done < 100:
            engine.learn_a_batch()
        mine, theirs = engine.curve.rows, page.state("state.curves.rows")
        np.testing.assert_allclose(
            np.array(mine, float)[:, 1:3], np.array(theirs[: len(mine)], float)[:, 1:3], rtol=0.05
        )
    finally:
        page.close()


def test_an_exported_site_without_its_pyodide_says_what_failed(browser, site):
    folder, address = site
    (folder / "pyodide").unlink()
    page = Tab(browser, address, wait=False)
    try:
        page.until(lambda: "stopped" in page.page.inner_text("#state"))
        page.photograph("no-pyodide")
    finally:
        page.close()


def test_pictures_on_the_canvas_are_the_library_s_weights(tab):
    """Blue below 0 and orange above, and the picture of W^T is W^T."""
    page = tab("?rule=fa&net=20-12")
    shown = page.state("state.update.lanes[0].matrices.W")
    W = fa.mlp("784-20-12-10", seed=0)[2].W
    levels = np.frombuffer(base64.b64decode(shown["data"]), np.int8).reshape(shown["shape"])
    assert np.abs(levels * shown["scale"] / 127 - W.T).max() < shown["scale"] / 200
    pixels = page.page.evaluate(
        "[...document.querySelector('#lanes canvas').getContext('2d').getImageData(0, 0, 20, 12).data]"
    )
    pixels = np.array(pixels).reshape(12, 20, 4)
    bluer = pixels[..., 2] > pixels[..., 0]
    assert (bluer == (levels < 0))[levels != 0].all()


def test_a_digit_read_wrongly_is_a_button_that_shows_it(tab):
    page = tab("?rule=fa&digits=38")
    button = page.page.locator(".wrong button").nth(1)
    place = int(button.get_attribute("aria-label").split("digit ")[1].split(":")[0])
    button.click()
    page.until(lambda: page.state("state.update.digit.place") == place)
    assert page.page.input_value("#digit") == str(place) and f"digit={place}" in page.page.url


def test_the_output_layer_shows_its_own_equation_and_no_line_of_the_rule(tab):
    page = tab("?rule=fa&layer=3&decay=0.01")
    lane = page.page.inner_text(".lane")
    assert "e = softmax(z) - y, the same under every rule" in lane and "def stand_in" not in lane
    assert "W <- W - 0.1 (dW + 0.01 W)" in lane and "told is the outputs' error itself" in lane
    assert page.page.locator("figcaption", has_text="from −").count() >= 3, "and each picture says its scale"
    page.page.select_option("#layer", "2")
    page.until(lambda: "def stand_in" in page.page.inner_text(".lane"))


def test_three_quick_changes_do_not_stop_a_run_that_plays(tab):
    page = tab("?rule=fa&net=20")
    page.page.click("#play")
    page.until(lambda: page.batch() > 20)
    change = "document.forms.settings.%s.value = %r; document.forms.settings.dispatchEvent(new Event('change'))"
    for name, value in (("lr", "0.2"), ("noise", "0.1"), ("decay", "0.001")):
        page.page.evaluate(change % (name, value))
    page.until(lambda: page.state("[state.about.settings.decay, state.update?.batch > 20]") == ["0.001", True])
    page.page.wait_for_timeout(200)
    assert page.state("state.playing && state.update.playing") and "lr=0.2&" in page.page.url
    assert page.state("state.update.run === state.about.run") and page.page.inner_text("#play") == "Pause"


def test_what_is_being_written_is_not_overwritten_by_an_answer_that_comes_late(tab):
    page = tab("?rule=fa&net=20")
    held, holding = [], [True]
    page.page.route("**/message*", lambda route: held.append(route) if holding else route.continue_())
    page.page.fill("[name=lr]", "0.2")
    page.page.keyboard.press("Enter")
    page.page.focus("[name=noise]")
    page.page.keyboard.press("Control+A")
    page.page.keyboard.type("0.3")
    page.until(lambda: held)
    holding.clear()
    for each in held:
        each.continue_()
    page.until(lambda: page.state("state.about.settings.lr") == "0.2")
    assert page.page.input_value("[name=noise]") == "0.3"
    page.page.locator("[name=noise]").blur()
    page.until(lambda: page.state("[state.about.settings.lr, state.about.settings.noise]") == ["0.2", "0.3"])


def test_a_page_that_opens_before_its_server_answers_starts_by_its_address(browser, watch):
    page = Tab(browser, watch.address(), wait=False)
    try:
        page.until(lambda: page.state("state.drawn") > 0)
        page.page.route("**/message*", lambda route: route.abort())
        page.page.goto(watch.address("?rule=dfa&net=20&layer=1&digit=5"))
        page.until(lambda: "does not answer" in page.page.inner_text("#state"))
        page.page.unroute("**/message*")
        page.until(lambda: page.state("state.drawn") > 0)
        assert page.state("[state.about.settings.rule, state.update.layer, state.update.digit.place]") == ["dfa", 1, 5]
    finally:
        page.close()


def test_what_is_wrong_in_an_address_leaves_the_rest_and_each_round_s_words(tab):
    page = tab("?rule=bp&x%00y=1")
    assert page.state("state.about.settings.rule") == "bp" and "x?y: there is no such setting" in page.words()
    page = tab("?rule=lra-e&net=lenet&colour=red")
    assert "colour: there is no such setting" in page.words() and "through an activation alone" in page.words()


def test_the_numbers_of_the_step_have_heads_and_those_below_a_thousandth_powers_of_ten(tab):
    page = tab("?rule=fa&layer=1")
    z = page.page.locator("table[data-name=z]").first
    assert "4 examples (rows), units 1-6" in z.inner_text() and z.locator("th").count() == 10
    assert page.page.locator("table[data-name=W] th").first.inner_text() == "unit 1"
    cells = page.page.locator("table[data-name=dW] td.number").all_inner_texts()
    small = [text for text in cells if 0 < abs(float(text.replace("−", "-"))) < 1e-3]
    assert small and all("e−" in text and "-" not in text for text in small)


def test_B_stands_beside_W_where_two_rules_share_1280_pixels(tab):
    page = tab("?rule=fa&second=bp")
    W, B = (page.page.locator(".matrices canvas").nth(n).bounding_box() for n in (0, 1))
    assert B["x"] > W["x"] + W["width"] and abs(B["y"] + B["height"] - W["y"] - W["height"]) < 2


def test_each_chart_has_a_key_of_its_own_dashes(tab):
    page = tab("?rule=fa&second=bp")
    kinds = ("loss", "angle", "weight_angle")
    keys = {kind: page.page.locator(f"#key-{kind} span").all_inner_texts() for kind in kinds}
    assert keys["loss"] == ["fa", "bp"] and keys["angle"] == ["fa", "bp", "layer 1", "layer 2"]
    assert keys["weight_angle"][2:] == ["layer 2", "layer 3"]


def test_a_curve_whose_first_point_is_no_number_is_drawn_all_the_same(tab):
    page = tab("?rule=fa")
    page.one(2)
    shown = page.state("(() => { const c = state.curves; c.rows[0][1] = null; return c.present('loss').length })()")
    assert shown == 1
