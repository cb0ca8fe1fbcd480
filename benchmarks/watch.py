"""How fast the live page is: time to the first update, updates a second, what watching costs the training, and memory.

    python benchmarks/watch.py --out benchmarks/results/watch-cpu-1thread.json
    python benchmarks/watch.py --minutes 0.2      a short look, printed

The page runs in headless Chromium on the same machine. For the cost, the watched run and a plain loop of `train_step`
over the same batches take turns of a few seconds, one standing still while the other goes; the slow-down is the median
over the turns of 1 - watched / plain batches a second. On a machine with other work the wall's clock tells little, so
the processor time that the server takes for a batch stands beside it. It needs numpyfa[web] and a Chromium.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # of the plain loop and of the watched one

from numpyfa import doctor
from numpyfa.watch.engine import Engine

NETS = {
    "784-200-80-10, fa": "?rule=fa",
    "784-200-80-10, fa and bp": "?rule=fa&second=bp",
    "lenet, fa and bp": "?net=lenet&activation=relu&rule=fa&second=bp&lr=0.05",
}
STATE = "import('./main.js').then(({state}) => %s)"
TURNS, TURN = 9, 4.0  # turns of each net, and seconds of one


class Watched:
    """`numpyfa watch` in a process of its own and a page of a browser."""

    def __init__(self, browser, query):
        self.began = time.monotonic()
        command = [sys.executable, "-m", "numpyfa", "watch", "--no-browser", "--port", "0"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        address = self.process.stdout.readline().split("at ")[1].split()[0]
        self.served = time.monotonic() - self.began
        self.page = browser.new_page(viewport={"width": 1280, "height": 900})
        asked = time.monotonic()
        self.page.goto(address + query)
        self.wait("state.drawn > 0")
        self.first = time.monotonic() - asked

    def state(self, expression):
        return self.page.evaluate(STATE % expression)

    def wait(self, expression):
        while not self.state(expression):
            time.sleep(0.005)

    def play(self, seconds):
        """(batches a second, updates drawn a second, the server's processor time a batch). It begins and ends at
        updates, since only these say which batch it is."""
        self.page.click("#play")
        self.wait("state.update.playing")
        batch, drawn, used, began = self.now()
        time.sleep(seconds)
        last, drawn_last, used_last, ended = self.now()
        self.page.click("#play")
        self.wait("!state.update.playing")
        done, took = last - batch, ended - began
        return done / took, (drawn_last - drawn) / took, (used_last - used) / max(done, 1)

    def now(self):
        """(batch, updates drawn, the server's processor time, the time), just after an update was drawn."""
        before = self.state("state.drawn")
        self.wait(f"state.drawn > {before}")
        batch, drawn = self.state("[state.update.batch, state.drawn]")
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return batch, drawn, (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"), time.monotonic()

    def memory(self):
        """(MB of the server, MB of the page's JavaScript)."""
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        server = next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))
        return round(server), round(self.page.evaluate("performance.memory.usedJSHeapSize") / 1e6)

    def close(self):
        self.page.close()
        self.process.terminate()
        self.process.wait()


def plain_loop(engine, seconds):
    """(batches a second, processor time a batch) of `train_step` alone, on the engine's batches and lanes."""
    done, began, used = 0, time.monotonic(), time.process_time()
    while time.monotonic() - began < seconds:
        x, target = engine.batch(engine.done)
        for lane in engine.lanes:
            lane.learn(x, target)
        engine.done += 1
        done += 1
    return done / (time.monotonic() - began), (time.process_time() - used) / done


def cost(browser, query, turns, turn):
    watched, engine = Watched(browser, query), Engine()
    settings = dict(pair.split("=") for pair in query[1:].split("&"))
    assert engine.receive({"do": "start", "settings": settings})["kind"] == "started"
    plain_loop(engine, 1)
    watched.play(1)
    plain, plain_used, seen, updates, seen_used = [], [], [], [], []
    for number in range(turns):
        order = ("plain", "watched") if number % 2 else ("watched", "plain")
        for which in order:
            if which == "plain":
                batches, used = plain_loop(engine, turn)
                plain.append(batches)
                plain_used.append(used)
            else:
                batches, drawn, used = watched.play(turn)
                seen.append(batches)
                updates.append(drawn)
                seen_used.append(used)
    found = {
        "server listens after s": round(watched.served, 2),
        "page asked to first update drawn s": round(watched.first, 2),
        "plain batches/s": round(statistics.median(plain), 1),
        "watched batches/s": round(statistics.median(seen), 1),
        "slow-down": round(statistics.median(1 - s / p for s, p in zip(seen, plain)), 3),
        "slow-down, lowest and highest turn": [round(f(1 - s / p for s, p in zip(seen, plain)), 3) for f in (min, max)],
        "processor time of the server a batch, more than the loop's": round(
            statistics.median(s / p - 1 for s, p in zip(seen_used, plain_used)), 3
        ),
        "updates/s": round(statistics.median(updates), 1),
        "ms to draw one": round(watched.state("state.took"), 1),
    }
    watched.close()
    return found


def memory(browser, query, minutes):
    watched = Watched(browser, query)
    watched.page.click("#play")
    found, began = {}, time.monotonic()
    for at in sorted({min(0.1, minutes), minutes / 4, minutes / 2, minutes}):
        time.sleep(max(0.0, began + 60 * at - time.monotonic()))
        server, page = watched.memory()
        found[f"after {at:g} minutes"] = {"server MB": server, "page's JavaScript MB": page,
        "batches": watched.state("state.update.batch"),
                                          "points": watched.state("state.curves.rows.length")}  # fmt: skip
    watched.close()
    return found


def main():
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    minutes = "of the run whose memory is measured (default: 10); 0 leaves what FILE has of it"
    parser.add_argument("--minutes", type=float, default=10.0, help=minutes)
    parser.add_argument("--out", type=Path, metavar="FILE", help="a JSON file for the result")
    options = parser.parse_args()
    turns, turn = (TURNS, TURN) if options.out or options.minutes >= 1 else (3, 1.0)
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    found = {
        "machine": doctor.machine() | {"date": f"{date.today()}"},
        "load before": os.getloadavg(),
        "browser": None,
        "nets": {},
    }
    with sync_playwright() as session:
        browser = session.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--enable-precise-memory-info"]
        )
        found["browser"] = f"Chromium {browser.version}, headless"
        for name, query in NETS.items():
            found["nets"][name] = cost(browser, query, turns, turn)
            print(name, json.dumps(found["nets"][name]), flush=True)
        name = "784-200-80-10, fa and bp"
        if options.minutes:
            found["memory"] = {"net": name} | memory(browser, NETS[name], options.minutes)
        elif options.out and options.out.exists():
            found["memory"] = json.loads(options.out.read_text(encoding="utf-8"))["memory"]
        print(json.dumps(found.get("memory")), flush=True)
        browser.close()
    found["load after"] = os.getloadavg()
    if options.out:
        options.out.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
