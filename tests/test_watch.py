"""The live page without a browser: the engine trains as the library does, its messages are read with care, the server
answers this machine's page alone, and the exported site's wheel is whole."""

import base64
import hashlib
import http.client
import io
import json
import os
import random
import signal
import socket
import socketserver
import subprocess
import sys
import threading
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest

import numpyfa as fa
from numpyfa import cli, metrics
from numpyfa.watch import engine as engine_module
from numpyfa.watch import export, messages, picture, server
from numpyfa.watch.engine import Engine

SMALL = {"net": "20-12", "batch_size": "32"}


@pytest.fixture(autouse=True)
def few_images(monkeypatch, mini):
    """2000 training and 500 test images, so that a start takes no time."""
    monkeypatch.setattr(engine_module, "mnist", lambda: mini)


def started(**settings):
    engine = Engine()
    answer = engine.receive({"do": "start", "settings": SMALL | settings})
    assert answer["kind"] == "started", answer
    return engine


def learn(engine, batches):
    for _ in range(batches):
        engine.learn_a_batch()
    return engine


def same(one, other):
    assert one.keys() == other.keys()
    return all((one[name] == other[name]).all() for name in one)


def decoded(shown):
    """The numbers of a picture, to 1/254 of its scale."""
    levels = np.frombuffer(base64.b64decode(shown["data"]), np.int8).reshape(shown["shape"])
    return levels * (shown["scale"] / 127)


# -- The engine trains as the library does ----------------------------------------------------------------------------


@pytest.mark.parametrize("rule", ["fa", "dfa", "kp", "wm"])
def test_two_epochs_of_the_engine_end_in_the_weights_of_fit_to_the_bit(rule, mini):
    engine = learn(started(rule=rule, seed="3", lr="0.05", decay="0.001"), 126)
    net = fa.mlp("784-20-12-10", seed=3)
    bound = fa.rules.make_rule(rule, net, seed=3)
    optimizer = fa.SGD(0.05, decay=0.001)
    fa.fit(net, bound, fa.SoftmaxCrossEntropy(), optimizer, mini, epochs=2, batch_size=32, seed=3)
    lane = engine.lanes[0]
    assert same(lane.net.parameters(), net.parameters()) and same(lane.rule.arrays(), bound.arrays())


def test_lenet_trains_as_the_library_does(mini):
    engine = learn(started(net="lenet", activation="relu", rule="fa"), 3)
    net = fa.lenet(seed=0)
    rule, loss, optimizer = fa.FA(net), fa.SoftmaxCrossEntropy(), fa.SGD(0.1)
    order = fa.Streams(0)("order", 1).permutation(2000)
    x, one = net.as_input(mini.x_train), fa.one_hot(mini.y_train, 10, net.dtype)
    for batch in order[:96].reshape(3, 32):
        value = fa.train_step(net, rule, loss, optimizer, net.to_float(x[batch]), one[batch])
    assert same(engine.lanes[0].net.parameters(), net.parameters()) and value > 0


def test_the_figures_are_the_library_s_own(mini):
    engine = learn(started(rule="fa"), 10)
    engine.measure()
    lane, found = engine.lanes[0], engine.latest[0]["figures"]
    x, one = lane.net.as_input(mini.x_train), fa.one_hot(mini.y_train, 10, lane.net.dtype)
    traces = lane.net.forward(lane.net.to_float(x[:64]), train=True)
    output = lane.loss.output(lane.net, traces, one[:64], 11)
    angles, weights = metrics.delta_angle(lane.rule, traces, output), metrics.weight_angle(lane.rule)
    assert [found["angle_1"], found["angle_2"]] == [angles[1], angles[2]]
    assert [found["weight_angle_2"], found["weight_angle_3"]] == [weights[2], weights[3]]
    assert found["error"] == fa.evaluate(lane.net, lane.loss, lane.net.as_input(mini.x_test), mini.y_test)[1]


def test_looking_changes_nothing_and_does_not_move_a_number():
    seen, unseen = learn(started(rule="wm"), 1), learn(started(rule="wm"), 1)
    for _ in range(5):
        seen.update()
        seen.learn_a_batch()
    learn(unseen, 5)
    assert same(seen.lanes[0].net.parameters(), unseen.lanes[0].net.parameters())
    assert same(seen.lanes[0].rule.arrays(), unseen.lanes[0].rule.arrays())


def test_the_step_in_numbers_is_the_step_that_train_step_takes():
    engine = learn(started(rule="dfa", lr="0.5", batch_size="16"), 7)
    engine.receive({"do": "look", "layer": 1})
    shown, W = engine.update()["lanes"][0]["step"], engine.lanes[0].net[1].W.copy()
    assert shown["batch"] == 8 and shown["inputs"] == [403, 409] and np.shape(shown["dW"]) == (6, 6)
    learn(engine, 1)
    moved = (engine.lanes[0].net[1].W - W)[403:409, :6]
    np.testing.assert_allclose(moved, -0.5 * np.array(shown["dW"]), rtol=2e-3, atol=1e-6)
    np.testing.assert_allclose(np.tanh(shown["z"]), shown["h"], rtol=2e-3, atol=1e-6)
    np.testing.assert_allclose(
        np.array(shown["e"]) * (1 - np.array(shown["h"]) ** 2), shown["delta"], rtol=5e-3, atol=1e-7
    )


def test_the_table_has_the_curve_s_loss_at_batches_1_2_and_4():
    engine = started(rule="fa", batch_size="1")
    for _ in range(4):
        engine.receive({"do": "one"})
        row = dict(zip(engine.curve.columns, engine.curve.rows[-1]))
        assert engine.done == 3 or (row["batch"], row["0.loss"]) == (engine.done, engine.latest[0]["figures"]["loss"])
    assert [row[0] for row in engine.curve.rows] == [0, 1, 2, 4]
    before = engine.latest
    engine.receive({"do": "pause"})
    assert engine.latest is before


def equations(layer, **settings):
    engine = started(**settings)
    engine.receive({"do": "look", "layer": layer})
    shown = engine.update()["lanes"][0]["step"]
    return shown["equations"], shown["last"]


def test_the_equations_of_a_step_hold_at_each_layer():
    told = "e_l = delta_{l+1} B_{l+1},  B random and fixed"
    assert equations(1, rule="fa", lr="0.5") == (
        ["z = x W + b", "h = f(z),   f: Tanh()", told, "delta_1 = e_1 times f's derivative",
         "dW = x^T delta / N,   N = 32", "W <- W - 0.5 dW", "b, not shown, likewise"], False,
    )  # fmt: skip
    found, last = equations(3, rule="fa", decay="0.01")
    assert last and found[1:4] == ["h = z: no activation here", "e = softmax(z) - y, the same under every rule",
                                   "delta = e"]  # fmt: skip
    assert found[-2] == "W <- W - 0.1 (dW + 0.01 W)"
    found, _ = equations(1, rule="lra-e")
    assert found[2].startswith("delta_l = f(z_l) - f(z_l - beta d_l)") and "derivative" not in " ".join(found)
    found, _ = equations(2, rule="dtp")
    assert [line[:9] for line in found[2:5]] == ["e_{l-1} =", "e_{L-1} =", "delta_2 ="]
    found, _ = equations(1, rule="shallow")
    assert found[-1] == "No delta: W and b of this layer stay as they are" and not any("dW" in line for line in found)


def test_a_decay_of_a_tenth_moves_W_as_the_equation_says():
    engine = started(rule="fa", lr="0.5", decay="0.1")
    shown, W = engine.update()["lanes"][0]["step"], engine.lanes[0].net[2].W.copy()
    learn(engine, 1)
    expected = -0.5 * (np.array(shown["dW"]) + 0.1 * W[:6, :6])
    np.testing.assert_allclose((engine.lanes[0].net[2].W - W)[:6, :6], expected, rtol=2e-3, atol=1e-5)


def test_the_page_says_through_which_layer_the_signal_came():
    notes = {}
    for rule in ("fa", "kdfa", "dfa"):
        engine = started(rule=rule)
        for layer in (1, 2, 3):
            engine.receive({"do": "look", "layer": layer})
            notes[rule, layer] = engine.update()["lanes"][0]["matrices"]["note"]
    assert notes["fa", 1].endswith("What layer 1 is told came through layer 2's.")
    assert notes["fa", 2] == "This carries delta_2 down to layer 1; what layer 2 is told came through layer 3's."
    assert notes["fa", 3].endswith("what layer 3 is told is the outputs' error itself.")
    assert notes["kdfa", 2] == "This B leads from the outputs to layer 1, in the place of delta_2 W^T."
    assert "came" not in notes["kdfa", 1] and notes["dfa", 3] == "The rule has no matrix here."


def test_a_digit_read_wrongly_has_the_number_that_shows_it(mini):
    engine = started(digits="38")
    wrong = engine.update()["lanes"][0]["wrong"]
    assert len(wrong) > 1
    for each in wrong:
        assert engine.receive({"do": "look", "digit": each["place"]}) == {"kind": "done"}
        shown = engine.update()["digit"]
        assert (shown["label"], shown["image"]) == (each["label"], each["image"])


def test_the_speed_leaves_a_pause_of_half_a_second_out(monkeypatch):
    engine = started()
    engine.receive({"do": "play"})
    learn(engine, 4)
    assert len(engine.clock) == 3
    engine.receive({"do": "pause"})
    engine.receive({"do": "play"})
    assert engine.clock == [] and engine.speed() is None


def test_a_picture_keeps_an_array_to_a_254th_of_its_largest_number(rng):
    array = rng.standard_normal((30, 20))
    shown = messages.picture(array)
    assert np.abs(decoded(shown) - array).max() <= shown["scale"] / 254 + 1e-6
    assert messages.picture(np.zeros((300, 500)))["shape"] == [100, 200], "what is larger is cut"
    assert messages.picture(np.array([[np.nan, np.inf, 1.0]]))["scale"] == 0.0, "and what is not finite is no colour"


def test_what_stands_beside_W_is_what_the_rule_says():
    shown = started(rule="fa").update()["lanes"][0]["matrices"]
    assert shown["kind"] == "in W^T's place" and shown["W"]["shape"] == shown["B"]["shape"] == [12, 20]
    engine = started(rule="dfa")
    shown = engine.update()["lanes"][0]["matrices"]
    assert shown["kind"] == "B" and shown["B"]["shape"] == [10, 12]
    assert shown["note"] == "This B leads from the outputs straight to layer 2; it stands for no single W^T."
    np.testing.assert_allclose(
        decoded(shown["B"]), engine.lanes[0].rule.feedback[2]["B"], atol=shown["B"]["scale"] / 250
    )


@pytest.mark.parametrize("rule", [*fa.RULES, *fa.rules.VARIANTS])
def test_every_rule_can_be_watched_or_says_why_not(rule):
    for net in ("20-12", "lenet"):
        engine = Engine()
        answer = engine.receive({"do": "start", "settings": {"net": net, "rule": rule, "batch_size": 8}})
        if answer["kind"] == "refused":
            assert net == "lenet" and rule in ("lra-e", "ifa", "dtp", "sdtp") and len(answer["problems"][""]) > 30
            continue
        learn(engine, 2)
        for layer in range(1, len(engine.lanes[0].net.layers) + 1):
            engine.receive({"do": "look", "layer": layer})
            json.dumps(engine.update(), allow_nan=False)
        assert not engine.words and "\n" in answer["lanes"][0]["code"]["lines"] and answer["lanes"][0]["equation"]


# -- The same start gives the same curve ------------------------------------------------------------------------------


def test_rewind_gives_the_same_curve_to_the_bit():
    engine = learn(started(rule="fa", second="bp", noise="0.2"), 130)
    before, weights = engine.curve.rows, {k: v.copy() for k, v in engine.lanes[0].net.parameters().items()}
    engine.receive({"do": "rewind"})
    assert engine.done == 0 and len(engine.curve.rows) == 1 and engine.run == 2
    learn(engine, 130)
    assert len(before) == 9 and engine.curve.rows == before and same(engine.lanes[0].net.parameters(), weights)


def test_pausing_stepping_and_looking_leave_the_curve_as_it_is():
    plain, fidgety = learn(started(rule="fa"), 110), started(rule="fa")
    for _ in range(110):
        assert fidgety.receive({"do": "one"}) == {"kind": "done"}
        fidgety.receive({"do": "again"})
        assert fidgety.advance() is not None
    assert fidgety.curve.rows == plain.curve.rows


def test_two_rules_start_from_the_same_weights_and_stay_in_step():
    engine = started(rule="fa", second="dfa")
    one, other = engine.lanes
    assert one.net is not other.net and same(one.net.parameters(), other.net.parameters())
    learn(engine, 40)
    assert one.optimizer.step == other.optimizer.step == 40 == engine.done


def test_a_rule_beside_itself_has_its_own_curve_twice():
    engine = learn(started(rule="kp", second="kp", noise="0.3"), 64)
    half = (len(engine.curve.columns) - 1) // 2
    assert all(row[1 : half + 1] == row[half + 1 :] for row in engine.curve.rows) and len(engine.curve.rows) > 5


def test_a_curve_of_any_length_keeps_at_most_2000_points_and_the_first():
    curve = engine_module.Curve(started().lanes)
    for batch in range(30_000):
        curve.add(batch, [{"loss": 1.0}])
        assert len(curve.rows) <= engine_module.POINTS
    batches = [row[0] for row in curve.rows]
    assert batches[0] == 0 and set(np.diff(batches)) == {16}


# -- Settings ---------------------------------------------------------------------------------------------------------


def test_fewer_digits_make_a_smaller_output_and_a_smaller_set(mini):
    engine = started(digits="83")
    assert engine.settings.digits == "38" and engine.lanes[0].net.size_out == 2
    assert len(engine.train) == np.isin(mini.y_train, (3, 8)).sum()
    assert set(engine.labels) == {0, 1} and (mini.y_train[engine.train] == np.array([3, 8])[engine.labels]).all()


def test_a_fifth_of_wrong_labels_is_400_of_2000_each_another_digit(mini):
    engine = started(noise="0.2")
    assert (engine.labels != mini.y_train).sum() == 400 and (started(noise="0.2").labels == engine.labels).all()


def test_the_scale_multiplies_what_the_rule_draws():
    plain, scaled = started(rule="fa"), started(rule="fa", scale="0.5")
    one, half = (each.lanes[0].rule.feedback[2]["B"] for each in (plain, scaled))
    assert (half == one * np.float32(0.5)).all()
    refused = Engine().receive({"do": "start", "settings": {"rule": "bp", "scale": "2"}})
    words = "it has no feedback, drawn once, that could be scaled; leave the scale at 1"
    assert refused["problems"] == {"scale": f"bp: {words}"}


SCALED = [("pfa", "P", 3), ("pfa", "G", 9), ("frsf", "M", 3), ("lra-e", "E", 3), ("sparse-pfa", "B", 3),
          ("sparse-pfa", "R", 1)]  # fmt: skip


@pytest.mark.parametrize("rule, name, factor", SCALED)
def test_a_scale_of_3_multiplies_what_a_rule_draws_under_another_name(rule, name, factor):
    plain, scaled = (started(rule=rule, scale=scale).lanes[0].rule.feedback[2][name] for scale in "13")
    np.testing.assert_allclose(scaled, factor * plain, rtol=1e-6)


def test_a_second_rule_that_cannot_be_scaled_is_named():
    for rule in ("bp", "brsf", "usf", "shallow"):
        about = Engine().receive({"do": "start", "settings": SMALL | {"rule": "fa", "second": rule, "scale": "3"}})
        assert "feedback scale" not in "".join(about["lanes"][0]["words"])
        assert about["lanes"][1]["words"][-1].startswith(f"{rule}: it has no feedback, drawn once")


def test_what_is_left_out_has_its_default_and_the_second_rate_is_the_first_s():
    found = messages.read_settings({"lr": "0.3", "second": "bp"})
    assert found == messages.Settings(lr=0.3, second="bp", second_lr=0.3)
    assert messages.read_settings(messages.plain(found)) == found, "and text gives the same back"


NONSENSE = [
    ("net", "200-"), ("net", "0"), ("net", "2000"), ("net", "1-1-1-1-1-1-1"), ("net", ""), ("net", "２００"),
    ("net", "alexnet"), ("net", "9" * 500), ("activation", "tan"), ("activation", ""), ("rule", ""), ("rule", "FA"),
    ("rule", "fa,bp"), ("rule", "<b>fa</b>"), ("second", "none"), ("lr", "0"), ("lr", "-1"), ("lr", "nan"),
    ("lr", "inf"), ("lr", "1e999"), ("lr", "0,1"), ("lr", ""), ("lr", True), ("lr", None), ("lr", [0.1]), ("lr", {}),
    ("second_lr", "x"), ("scale", "-1"), ("scale", "1e9"), ("decay", "2"), ("batch_size", "0"), ("batch_size", "1001"),
    ("batch_size", "1.5"), ("batch_size", "1_0"), ("batch_size", 10**400), ("digits", "1"), ("digits", "11"),
    ("digits", "ab"),
    ("digits", ""), ("noise", "1.1"), ("noise", "-0.1"), ("seed", "-1"), ("seed", "1e9"), ("seed", "99999999999"),
    ("seed", "0\n0"), ("seed", "\ud800"), ("colour", "red"), ("__proto__", "1"), ("", ""),
]  # fmt: skip


@pytest.mark.parametrize("name, value", NONSENSE)
def test_each_of_49_nonsensical_settings_gets_a_word_of_its_own_and_the_run_goes_on(name, value):
    engine = learn(started(rule="fa"), 2)
    answer = engine.receive({"do": "start", "settings": {name: value}})
    assert answer["kind"] == "refused" and list(answer["problems"]) == [name] and len(answer["problems"][name]) > 20
    assert json.loads(messages.written(answer)) == answer
    assert engine.done == 2 and engine.receive({"do": "one"}) == {"kind": "done"}


@pytest.mark.parametrize(
    "message",
    [None, 7, "play", [], {}, {"do": None}, {"do": "fly"}, {"do": ["play"]}, {"do": "start", "settings": []},
     {"do": "look", "layer": 0}, {"do": "look", "layer": 4}, {"do": "look", "layer": "2"},
     {"do": "look", "layer": True}, {"do": "look", "digit": 500}, {"do": "look", "digit": -1},
     {"do": "look", "digit": 1e9}, {"do": "look", "layer": None}],
)  # fmt: skip
def test_each_of_17_senseless_messages_gets_a_word(message):
    answer = started().receive(message)
    assert answer["kind"] == "refused" and all(len(words) > 20 for words in answer["problems"].values())


def test_before_a_start_there_is_nothing_to_play():
    engine = Engine()
    assert engine.receive({"do": "play"})["problems"] == {"": "nothing has been started yet"}
    assert engine.advance() is None


def test_a_rule_that_refuses_a_net_says_why_and_warnings_reach_the_page():
    refused = Engine().receive({"do": "start", "settings": {"rule": "lra-e", "net": "lenet"}})
    assert refused["problems"][""].startswith("lra-e: moves z through an activation alone")
    answer = Engine().receive({"do": "start", "settings": SMALL | {"rule": "kp"}})
    assert answer["lanes"][0]["words"][0].startswith("kp: without a decay the gap B - W^T never shrinks")


def test_a_learning_rate_of_100_stops_the_run_with_the_library_s_word():
    engine = started(rule="bp", activation="identity", lr="100")
    engine.receive({"do": "play"})
    for _ in range(100):
        engine.advance()
    assert not engine.playing and "the likely cause is a learning rate too large" in engine.words[0]
    engine.receive({"do": "again"})
    assert json.loads(engine.advance())["words"] == engine.words
    assert "rewind" in engine.receive({"do": "play"})["problems"][""]
    engine.receive({"do": "rewind"})
    assert engine.receive({"do": "play"}) == {"kind": "done"}


def test_a_second_rule_that_diverges_leaves_the_first_at_the_batch_that_is_shown(monkeypatch):
    engine = learn(started(rule="fa", second="bp"), 3)
    real = engine_module.train_step

    def second_diverges(net, *rest):
        if net is engine.lanes[1].net:
            raise fa.Diverged("the loss is not finite")
        return real(net, *rest)

    monkeypatch.setattr(engine_module, "train_step", second_diverges)
    engine.receive({"do": "one"})
    assert engine.words == ["bp: the loss is not finite"] and not engine.playing
    assert engine.done == engine.measured == engine.lanes[0].optimizer.step == 4
    assert [lane["step"]["batch"] for lane in engine.update()["lanes"]] == [5, 4]


def test_a_batch_that_does_not_fit_into_memory_stops_the_run_with_a_word(monkeypatch):
    def too_large(*_):
        raise MemoryError

    engine = started(rule="fa")
    monkeypatch.setattr(engine_module, "train_step", too_large)
    assert engine.receive({"do": "one"}) == {"kind": "done"}
    assert engine.words == ["fa: this net does not fit into memory: take a smaller one"] and engine.done == 0


def test_names_of_settings_that_cannot_be_come_back_as_they_were_sent():
    wrong = {"x\x00y": "1", "z" * 60: "1", "lr": "fast", **{f"n{i}": "1" for i in range(30)}}
    answer = Engine().receive({"do": "start", "settings": wrong | {"rule": "bp"}})
    assert answer["names"] == list(wrong) and len(answer["problems"]) == 20 and "x?y" in answer["problems"]


def test_an_update_and_each_answer_name_their_run():
    engine = started()
    assert engine.about()["run"] == engine.update()["run"] == 1
    assert engine.receive({"do": "rewind"}) == {"kind": "done", "run": 2} and engine.update()["run"] == 2


# -- Updates are dropped, not queued ----------------------------------------------------------------------------------


def test_no_update_is_made_before_the_last_one_is_drawn():
    engine = started()
    engine.receive({"do": "again"})
    engine.receive({"do": "play"})
    updates = [engine.advance() for _ in range(20)]
    assert updates[0] is not None and updates[1:] == [None] * 19 and engine.done > 20
    engine.receive({"do": "drawn"})
    engine.next_look = 0.0
    first, later = json.loads(updates[0]), json.loads(engine.advance())
    assert later["curve"]["from"] == len(first["curve"]["rows"]), "and the next one goes on where it ended"


def test_at_most_30_updates_a_second_are_made_however_fast_the_page_is():
    engine, made, until = started(), 0, time.monotonic() + 1
    engine.receive({"do": "again"})
    engine.receive({"do": "play"})
    while time.monotonic() < until:
        made += engine.advance() is not None
        engine.receive({"do": "drawn"})
    assert 1 <= made <= 31


def test_what_stands_still_is_drawn_once():
    engine = started()
    engine.receive({"do": "again"})
    assert engine.advance() is not None
    engine.receive({"do": "drawn"})
    assert [engine.advance() for _ in range(5)] == [None] * 5
    engine.receive({"do": "look", "digit": 7})
    assert json.loads(engine.advance())["digit"]["place"] == 7


# -- The server -------------------------------------------------------------------------------------------------------


@pytest.fixture
def served():
    with server.make_server(0) as made:
        thread = threading.Thread(target=made.serve_forever, args=(0.02,), daemon=True)  # it ends sooner
        thread.start()
        yield made
        made.shutdown()
        thread.join()


def request(served, method="GET", path="/", body=None, headers=(), host=None):
    """(status, headers, content) of one request."""
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=20)
    connection.putrequest(method, path, skip_host=True)
    names = {name.lower() for name, _ in headers}
    if "host" not in names:
        connection.putheader("Host", host or f"127.0.0.1:{served.port}")
    for name, value in headers:
        connection.putheader(name, value)
    if body is not None and "content-length" not in names:
        connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body)
    answer = connection.getresponse()
    found = answer.status, dict(answer.getheaders()), answer.read()
    connection.close()
    return found


JSON = (("Content-Type", "application/json"),)


def ask(served, message, page="page0000"):
    status, _, content = request(served, "POST", f"/message?page={page}", json.dumps(message).encode(), JSON)
    return status, json.loads(content)


def start(served, page="page0000", **settings):
    status, answer = ask(served, {"do": "start", "settings": SMALL | settings}, page)
    assert status == 200 and answer["kind"] == "started", answer


class Stream:
    """A page's updates."""

    def __init__(self, served, page="page0000"):
        self.connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=20)
        self.connection.request("GET", f"/events?page={page}")
        self.answer = self.connection.getresponse()
        assert self.answer.status == 200 and self.answer.getheader("Content-Type") == "text/event-stream"

    def line(self):
        while True:
            line = self.answer.readline().decode().rstrip("\n")
            if line and not line.startswith(":"):
                return line

    def update(self):
        line = self.line()
        assert line.startswith("data: "), line
        return json.loads(line[6:])

    def close(self):
        self.answer.close()
        self.connection.close()


def test_the_page_and_its_files_are_served_and_no_other(served):
    names = {path.name for path in (Path(server.__file__).parent / "page").iterdir()}
    assert set(served.files) == {"/"} | {f"/{name}" for name in names} and "uPlot.LICENSE" in names
    for path, content in served.files.items():
        status, headers, found = request(served, path=path)
        assert (status, found) == (200, content) and headers["X-Content-Type-Options"] == "nosniff"
        assert "default-src 'self'" in headers["Content-Security-Policy"]
    assert request(served, "HEAD")[::2] == (200, b"")


def test_nothing_of_the_page_is_asked_from_the_network():
    for name, content in server.page_files().items():
        if not name.startswith("/uPlot"):
            assert b"http://" not in content and b"https://" not in content, name


@pytest.mark.parametrize(
    "path",
    ["/../server.py", "/..%2fserver.py", "/%2e%2e/server.py", "/page/../../server.py", "//etc/passwd", "/etc/passwd",
     "/./main.js", "/main.js/", "/main.js%00", "/server.py", "/index.html/..", "\\..\\server.py", "/~root", "/page",
     "http://127.0.0.1/", "file:///etc/passwd", "/main.js;a", "/MAIN.JS", "*"],
)  # fmt: skip
def test_none_of_19_paths_leads_out_of_the_page(served, path):
    assert request(served, path=path)[0] == 404


@pytest.mark.parametrize(
    "host", ["example.org", "example.org:{}", "127.0.0.1", "127.0.0.1:1", "localhost:{}.example.org", "0.0.0.0:{}", ""]
)
def test_a_request_to_another_host_is_refused(served, host):
    assert request(served, headers=(("Host", host.format(served.port)),))[0] == 403


def test_this_host_s_two_names_are_answered_and_two_hosts_at_once_are_not(served):
    for name in ("127.0.0.1", "localhost", "LOCALHOST"):
        assert request(served, host=f"{name}:{served.port}")[0] == 200
    assert request(served, headers=(("Host", f"localhost:{served.port}"),) * 2)[0] == 403


@pytest.mark.parametrize("origin", ["http://example.org", "null", "https://127.0.0.1:{}", "http://127.0.0.1:1", ""])
def test_a_page_of_another_origin_can_neither_ask_nor_listen(served, origin):
    start(served)
    headers = (*JSON, ("Origin", origin.format(served.port)))
    assert request(served, "POST", "/message?page=page0000", b'{"do":"play"}', headers)[0] == 403
    assert request(served, path="/events?page=page0000", headers=headers[1:])[0] == 403


def test_our_own_origin_is_answered(served):
    start(served)
    headers = (*JSON, ("Origin", f"http://127.0.0.1:{served.port}"))
    assert request(served, "POST", "/message?page=page0000", b'{"do":"play"}', headers)[0] == 200


def test_two_origins_or_that_of_the_other_name_are_refused(served):
    start(served)
    body, port = b'{"do":"play"}', served.port
    here, there = (("Origin", f"http://{name}:{port}") for name in ("127.0.0.1", "localhost"))
    for origins in ((here, here), (there,)):
        assert request(served, "POST", "/message?page=page0000", body, (*JSON, *origins))[0] == 403
    asked = request(served, "POST", "/message?page=page0000", body, (*JSON, there), host=f"localhost:{port}")
    assert asked[0] == 200


def test_a_path_that_cannot_be_read_is_refused_with_400():
    handler = server.Handler.__new__(server.Handler)
    handler.path = "//["
    with pytest.raises(server.Refusal) as refusal:
        handler.where()
    assert refusal.value.args[0] == 400


def test_it_listens_on_loopback_alone(served):
    assert served.server_address[0] == "127.0.0.1"


def test_nobody_is_asked_for_a_name_and_a_second_server_gets_no_share_of_the_port(served, monkeypatch):
    monkeypatch.setattr(socket, "getfqdn", lambda name="": 1 / 0)
    with server.make_server(0) as made:
        assert (made.server_name, made.server_port) == ("127.0.0.1", made.port)
    with pytest.raises(fa.InputError, match="cannot be listened on"):
        server.make_server(served.port)
    assert server.Server.allow_reuse_address == (os.name != "nt") and not server.Server.allow_reuse_port


def test_of_70_connections_64_are_kept_and_those_over_closed(served):
    open_ones = [socket.create_connection(("127.0.0.1", served.port), timeout=20) for _ in range(70)]
    closed = 0
    for each in open_ones[64:]:
        closed += each.recv(1) == b""
    assert closed == 6
    for each in open_ones:
        each.close()
    until = time.monotonic() + 20
    while time.monotonic() < until:
        try:
            assert request(served)[0] == 200
            return
        except (ConnectionError, http.client.HTTPException):
            time.sleep(0.05)
    raise AssertionError("the places of connections that have gone were not given back")


def test_the_warnings_of_one_page_are_caught_while_no_other_s_are(monkeypatch):
    inside, most = [], []

    def slow(self, optimizer):
        inside.append(1)
        most.append(len(inside))
        time.sleep(0.05)
        fa.errors.warn("kp: slow")
        inside.pop()

    monkeypatch.setattr(fa.rules.KP, "check_optimizer", slow)
    engines = []
    threads = [threading.Thread(target=lambda: engines.append(started(rule="kp"))) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert max(most) == 1 and [engine.lanes[0].warnings for engine in engines] == [["kp: slow"]] * 4


def test_a_page_gets_updates_plays_and_stops(served):
    start(served, rule="fa", second="bp")
    stream = Stream(served)
    ask(served, {"do": "again"})
    assert stream.update()["batch"] == 0
    ask(served, {"do": "play"})
    ask(served, {"do": "drawn"})
    assert stream.update()["batch"] > 0
    assert ask(served, {"do": "pause"}) == (200, {"kind": "done"})
    ask(served, {"do": "drawn"})
    assert stream.update()["playing"] is False
    stream.close()


def test_two_pages_have_runs_of_their_own(served):
    start(served, "first000", rule="fa")
    start(served, "second00", rule="dfa")
    ask(served, {"do": "one"}, "first000")
    streams = [Stream(served, page) for page in ("first000", "second00")]
    for page in ("first000", "second00"):
        ask(served, {"do": "again"}, page)
    one, other = (stream.update() for stream in streams)
    assert (one["batch"], one["lanes"][0]["rule"]) == (1, "fa")
    assert (other["batch"], other["lanes"][0]["rule"]) == (0, "dfa")
    for stream in streams:
        stream.close()


def test_a_page_shown_twice_is_shown_in_the_newer_place(served):
    start(served)
    old = Stream(served)
    new = Stream(served)
    assert old.line() == "event: elsewhere"
    ask(served, {"do": "again"})
    assert new.update()["batch"] == 0
    new.close()


def test_a_sixth_page_is_told_to_wait_and_takes_the_place_of_one_that_has_gone(served):
    streams = []
    for n in range(5):
        start(served, f"page000{n}")
        streams.append(Stream(served, f"page000{n}"))
    status, answer = ask(served, {"do": "start", "settings": SMALL}, "page0005")
    assert status == 429 and "close one" in answer["problems"][""]
    served.sessions["page0002"].detach(served.sessions["page0002"].stream)
    start(served, "page0005")
    assert set(served.sessions) == {f"page000{n}" for n in (0, 1, 3, 4, 5)}
    for stream in streams:
        stream.close()


@pytest.fixture
def full(served, monkeypatch):
    """Five pages and their streams, which do not find out by themselves that their page has gone."""
    monkeypatch.setattr(server, "BEAT", 60.0)
    streams = []
    for n in range(server.MOST_PAGES):
        start(served, f"page000{n}")
        streams.append(Stream(served, f"page000{n}"))
    yield streams
    for stream in streams:
        stream.close()


def test_a_page_that_has_just_been_closed_makes_room_at_once(served, full):
    for n in (3, 1):
        full[n].close()
    for n in (5, 6):
        start(served, f"page000{n}")
    assert set(served.sessions) == {f"page000{n}" for n in (0, 2, 4, 5, 6)}
    full += [Stream(served, "page0005"), Stream(served, "page0006")]
    assert ask(served, {"do": "start", "settings": SMALL}, "page0007")[0] == 429


def test_the_page_that_was_left_the_longest_makes_room_and_not_one_that_was_just_closed(served, full):
    for each in served.sessions.values():
        each.seen -= 1800.0  # all were opened half an hour ago
    full[0].close()
    left = served.sessions["page0001"]
    left.detach(left.stream)
    left.seen -= 500.0
    start(served, "page0005")
    assert set(served.sessions) == {f"page000{n}" for n in (0, 2, 3, 4, 5)}


def test_a_run_without_a_page_pauses_and_is_forgotten(served, monkeypatch):
    monkeypatch.setattr(server, "UNSEEN", 0.2)
    start(served)
    ask(served, {"do": "play"})
    session, until = served.sessions["page0000"], time.monotonic() + 10
    while session.engine.playing and time.monotonic() < until:
        time.sleep(0.05)
    assert not session.engine.playing
    monkeypatch.setattr(server, "FORGOTTEN", 0.0)
    assert ask(served, {"do": "again"})[0] == 404 and not served.sessions


def test_a_bug_of_ours_is_told_and_the_server_goes_on(served, monkeypatch, capfd):
    start(served)
    monkeypatch.setattr(Engine, "look", lambda self, message: 1 / 0)
    status, answer = ask(served, {"do": "look"})
    assert status == 422 and "ZeroDivisionError" in answer["problems"][""] and "1 / 0" in capfd.readouterr().err
    assert ask(served, {"do": "one"})[0] == 200


def test_a_bug_in_training_is_told_once_to_the_page_that_looks(served, monkeypatch, capfd):
    start(served)
    stream = Stream(served)
    ask(served, {"do": "again"})
    assert stream.update()["words"] == []
    monkeypatch.setattr(Engine, "learn_a_batch", lambda self: 1 / 0)
    ask(served, {"do": "play"})
    update = stream.update()
    assert update["words"] == ["ZeroDivisionError: division by zero; the server's terminal may have more"]
    assert update["playing"] is False and "1 / 0" in capfd.readouterr().err
    stream.close()


def test_a_server_that_closes_does_not_say_that_the_run_is_elsewhere(served):
    start(served)
    stream = Stream(served)
    served.sessions["page0000"].close()
    assert "elsewhere" not in stream.answer.read().decode()
    stream.close()


def test_ten_messages_are_heard_between_two_slices_of_a_second(served, monkeypatch):
    start(served)
    session = served.sessions["page0000"]
    monkeypatch.setattr(session.engine, "advance", lambda: time.sleep(1))
    answers = [threading.Thread(target=session.ask, args=({"do": "again"},)) for _ in range(10)]
    ask(served, {"do": "again"})
    began = time.monotonic()
    for each in answers:
        each.start()
    for each in answers:
        each.join()
    assert time.monotonic() - began < 5


# -- 300 malformed requests -------------------------------------------------------------------------------------------


def raw(served, data, shut=True):
    """What the server answers to these bytes."""
    with socket.create_connection(("127.0.0.1", served.port), timeout=20) as connection:
        try:
            connection.sendall(data)
            if shut:
                connection.shutdown(socket.SHUT_WR)
            parts = []
            while part := connection.recv(65536):
                parts.append(part)
        except ConnectionError:  # it had enough
            pass
        return b"".join(parts)


def malformed(port):
    """300 requests, none of which is right: [(what is wrong, bytes)]."""
    dice = random.Random(0)
    here = f"Host: 127.0.0.1:{port}\r\n"

    def post(body, path="/message?page=page0000", headers=None):
        body = body if isinstance(body, bytes) else body.encode("utf-8", "surrogatepass")
        headers = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n" if headers is None else headers
        return f"POST {path} HTTP/1.1\r\n{here}{headers}\r\n".encode() + body

    found = []
    for method in ("PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "get", "BREW", "G E T", "\x00", "GE\tT"):
        found.append((f"method {method!r}", f"{method} / HTTP/1.1\r\n{here}\r\n".encode()))
    for version in ("HTTP/0.9", "HTTP/2.0", "HTTP/9.9", "HTTP/1.1.1", "HTTP/x", "HTTPS/1.1", "1.1", "HTTP/-1"):
        found.append((f"version {version}", f"GET / {version}\r\n{here}\r\n".encode()))
    found += [
        ("no version", b"GET /\r\n"),
        ("no Host", b"GET / HTTP/1.1\r\n\r\n"),
        ("a long path", f"GET /{'a' * 70000} HTTP/1.1\r\n{here}\r\n".encode()),
        ("a long header", f"GET /x HTTP/1.1\r\n{here}X: {'a' * 70000}\r\n\r\n".encode()),
        ("200 headers", f"GET /x HTTP/1.1\r\n{here}".encode() + b"X: y\r\n" * 200 + b"\r\n"),
        ("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(200)) + b"\r\n"),
    ]
    for headers in ("", "Content-Length: -1\r\n", "Content-Length: x\r\n", "Content-Length: 1e3\r\n",
                    "Content-Length: 9999999999\r\n", "Content-Length: 70000\r\n",
                    "Content-Length: 2\r\nContent-Length: 2\r\n",
                    "Transfer-Encoding: chunked\r\n", "Content-Length: 13\r\n",
                    "Content-Type: text/plain\r\nContent-Length: 13\r\n",
                    "Content-Type: application/json\r\nContent-Length: 500\r\n"):  # fmt: skip
        found.append((headers, post('{"do":"play"}', headers=headers)))
    for path in ("/", "/events", "/message", "/message?page=", "/message?page=x", "/message?page=../../etc",
                 "/message?page=PAGE0000",
                 "/message?page=page0000&page=page0000", "/message?page=page9999", "/message?" + "a=b&" * 200,
                 "/message?page=%00%00%00%00%00%00%00%00", "/nothing?page=page0000", "//message?page=page9999",
                 "http://[::1", "//[", "/events?page=page0000"):  # fmt: skip
        found.append((f"POST {path}", post('{"do":"play"}', path)))
    for path in ("/events", "/events?page=page9999", "/events?page=..", "/message", "/x?y", "/%", "/x/../../a", "/~"):
        found.append((f"GET {path}", f"GET {path} HTTP/1.1\r\n{here}\r\n".encode("latin-1")))
    good = [
        '{"do":"play"}',
        '{"do":"start","settings":{"rule":"fa","lr":"0.1"},"play":true}',
        '{"do":"look","layer":1}',
    ]
    bodies = ["", "{", "[" * 60000, '{"do":' * 5000, "nul", "NaN", "Infinity", '{"do":"play"', "{'do':'play'}",
              "\ufeff{}", b"\xff\xfe", b"\x80",
              '{"do":NaN}', "9" * 5000, '{"do":"play"}}', "\x00", "1e400x", '"', "{]", "tru"]  # fmt: skip
    found += [(f"body {body[:20]!r}", post(body)) for body in bodies]
    senseless = [None, 1, "play", [], {}, {"do": 1}, {"do": "fly"}, {"do": {}}, {"do": "look", "layer": 99},
                 {"do": "look", "digit": "x"},
                 {"do": "look", "layer": 1e308}, {"do": "start", "settings": 7},
                 {"do": "start", "settings": {"rule": {"a": []}}}]  # fmt: skip
    senseless += [{"do": "start", "settings": {name: value}} for name, value in NONSENSE]
    found += [(f"message {str(message)[:60]!a}", post(json.dumps(message))) for message in senseless]
    sent = {data for _, data in found}
    while len(found) < 300:  # a right message, cut or with bytes changed, that is no JSON any more
        body = bytearray(dice.choice(good).encode())
        if dice.random() < 0.5:
            body = body[: dice.randrange(len(body))]
        else:
            for _ in range(dice.randrange(1, 6)):
                body[dice.randrange(len(body))] = dice.randrange(256)
        try:
            json.loads(bytes(body))
        except ValueError:
            if post(bytes(body)) not in sent:
                found.append((f"bytes {bytes(body)[:30]!r}", post(bytes(body))))
                sent.add(found[-1][1])
    return found


def test_none_of_300_malformed_requests_stops_the_server_and_each_gets_4xx_or_a_word(served, capfd):
    start(served)
    requests = malformed(served.port)
    assert len(requests) == 300 and len({data for _, data in requests}) >= 295
    statuses = {}
    for what, data in requests:
        answer = raw(served, data)
        head, _, content = answer.partition(b"\r\n\r\n")
        status = int(head.split(b" ")[1]) if head.startswith(b"HTTP/1.") else 0
        refused = status == 200 and content.startswith(b'{"kind":"refused"')
        assert 400 <= status < 500 or refused, (what, answer[:300])
        statuses[status] = statuses.get(status, 0) + 1
    assert statuses[200] >= 60 and statuses[400] >= 100 and {403, 404, 405, 411, 413, 415} <= set(statuses), statuses
    assert ask(served, {"do": "one"}) == (200, {"kind": "done"}) and list(served.sessions) == ["page0000"]
    assert "Traceback" not in capfd.readouterr().err


def test_a_request_that_does_not_arrive_is_given_up(served, monkeypatch):
    monkeypatch.setattr(server.Handler, "timeout", 0.3)
    head = f"POST /message?page=page0000 HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\n"
    half = f"{head}Content-Type: application/json\r\nContent-Length: 99\r\n\r\n{{".encode()
    assert raw(served, half, shut=False).startswith(b"HTTP/1.1 408 ")
    assert raw(served, b"GET / HT", shut=False) == b"", "and so is half a line"


@pytest.mark.parametrize("body", [False, True])
def test_a_request_that_comes_byte_by_byte_is_given_up_after_its_time(served, monkeypatch, body):
    monkeypatch.setattr(server.Handler, "timeout", 0.5)
    head = f"POST /message?page=page0000 HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\n"
    if body:
        head += "Content-Type: application/json\r\nContent-Length: 99\r\n\r\n"
    with socket.create_connection(("127.0.0.1", served.port), timeout=20) as connection:
        connection.sendall(head.encode())
        began, answer = time.monotonic(), b""
        connection.settimeout(0.1)
        while time.monotonic() < began + 10:
            try:
                connection.sendall(b"x")
                answer = connection.recv(1000)
                break
            except TimeoutError:
                continue
            except ConnectionError:
                break
        assert 0.3 < time.monotonic() - began < 5 and answer.startswith(b"HTTP/1.1 408 ") == body


# -- The command ------------------------------------------------------------------------------------------------------


def test_a_port_that_is_taken_is_told_in_one_line_with_the_address(served, refused):
    words = refused("watch", "--no-browser", "--port", served.port)
    assert f"open http://127.0.0.1:{served.port}/, or choose another by --port" in words
    assert "a port is a number from 0 to 65535, found 70000" in refused("watch", "--no-browser", "--port", 70000)


def test_an_interrupt_while_a_connections_thread_begins_is_not_lost(served, monkeypatch):
    """The thread gives its place back, and nobody else does."""
    begin = socketserver.ThreadingMixIn.process_request

    def interrupted(self, request, address):
        begin(self, request, address)
        until = time.monotonic() + 10
        while served.room._value < server.MOST_CONNECTIONS and time.monotonic() < until:
            time.sleep(0.01)
        raise KeyboardInterrupt

    monkeypatch.setattr(socketserver.ThreadingMixIn, "process_request", interrupted)
    ours, theirs = socket.socketpair()
    theirs.close()
    with pytest.raises(KeyboardInterrupt):
        served.process_request(ours, ("127.0.0.1", 1))
    assert served.room._value == server.MOST_CONNECTIONS


def test_the_command_serves_until_it_is_interrupted():
    command = [sys.executable, "-m", "numpyfa", "watch", "--no-browser", "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        line = process.stdout.readline()
        port = int(line.split("127.0.0.1:")[1].split("/")[0])
        with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
            connection.sendall(f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n".encode())
            assert connection.recv(100).startswith(b"HTTP/1.1 200 ")
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130
    finally:
        process.kill()
        process.communicate()


# -- The exported site ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("watch") / "site"
    assert cli.main(["watch", "--export", str(folder)]) == 0
    return folder


def test_the_site_is_the_same_page_with_another_engine(site):
    files = server.page_files()
    for name, content in files.items():
        if name not in ("/", "/index.html"):
            assert (site / name[1:]).read_bytes() == content
    before, after = files["/"], (site / "index.html").read_bytes()
    assert after == before.replace(b'data-engine="server"', b'data-engine="worker"') != before
    about = json.loads((site / "site.json").read_text())
    assert about["engine"] == "numpyfa.watch.engine" and (site / about["wheel"]).exists()


def test_the_wheel_s_record_holds_and_two_wheels_are_the_same(site):
    about = json.loads((site / "site.json").read_text())
    name, content = export.make_wheel()
    assert (name, content) == (about["wheel"], (site / name).read_bytes())
    with zipfile.ZipFile(io.BytesIO(content)) as wheel:
        record = next(each for each in wheel.namelist() if each.endswith("RECORD"))
        rows = [line.split(",") for line in wheel.read(record).decode().splitlines()]
        assert {row[0] for row in rows} == set(wheel.namelist()) and len(rows) > 100
        for file, checksum, size in rows[:-1]:
            found = base64.urlsafe_b64encode(hashlib.sha256(wheel.read(file)).digest()).decode().rstrip("=")
            assert (checksum, int(size)) == (f"sha256={found}", wheel.getinfo(file).file_size)


def test_the_engine_of_the_wheel_trains_from_what_it_holds_without_what_pyodide_lacks(site, tmp_path):
    with zipfile.ZipFile(site / json.loads((site / "site.json").read_text())["wheel"]) as wheel:
        wheel.extractall(tmp_path)
    code = """
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in "ssl _ssl multiprocessing _multiprocessing matplotlib tqdm pooch requests".split():
            raise ImportError(f"{name} is not there")
sys.meta_path.insert(0, Missing())
import numpyfa
from numpyfa.watch.engine import Engine
engine = Engine()
print(numpyfa.__file__)
engine.hear('{"do": "start", "settings": {"rule": "fa", "net": "20"}, "play": true}')
engine.hear('{"do": "again"}')
print(len(engine.train), engine.advance()[:16], engine.done > 0)
"""
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, cwd=tmp_path)
    said = [str(tmp_path / "numpyfa/__init__.py"), '60000 {"kind":"update" True']
    assert done.stdout.splitlines() == said, done.stderr


def test_a_folder_of_somebody_else_is_not_written_to(tmp_path, refused, site):
    (tmp_path / "thesis.tex").write_text("mine")
    assert "holds other files" in refused("watch", "--export", tmp_path)
    assert "is a file" in refused("watch", "--export", tmp_path / "thesis.tex")
    assert cli.main(["watch", "--export", str(site)]) == 0, "an earlier site is written anew"


def test_the_code_that_is_shown_is_the_rule_s_own():
    net = fa.mlp("784-20-10")
    assert picture.code(fa.FA(net)) == {
        "file": "numpyfa/rules/fa.py",
        "lines": 'def stand_in(self, layer: Weighted, own: Own) -> Array:\n    return own["B"]',
    }
    assert picture.equation(fa.DFA(net)) == "e_l = error B_l,  B random and fixed"
