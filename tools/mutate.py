"""Mutants: one line made wrong at a time, to see which check or test finds it.

    python tools/mutate.py                       # all of them, two at a time; some minutes
    python tools/mutate.py rules/kp optim        # those whose file, or what they break, holds one of these
    python tools/mutate.py --processes 4 --list  # what there is

For each mutant the package and the tests are copied into a temporary folder, the line is changed, and first the checks
of `numpyfa check` that concern it run, then the test files, each until the first failure. A test file that fails
without any mutant is left out, and named. It is no part of the tests: a whole run takes long.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TIMEOUT = 300  # seconds for the checks of a mutant, and for each of its test files
LATE = "ran out of time"
CHECKS = """
import sys
from numpyfa import laws
from numpyfa.laws.report import passed
for group in sys.argv[1:]:
    for check in laws.checks_of(group):
        if not passed(check):
            sys.exit(f"{group}: {check.name}")
"""


@dataclass(frozen=True)
class Mutant:
    """`old`, found once in numpyfa/`file`, becomes `new`: `breaks` says what. `equivalent` is why nothing can tell."""

    file: str
    old: str
    new: str
    breaks: str
    checks: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()
    equivalent: str = ""

    def applied(self, text: str) -> str:
        if text.count(self.old) != 1:
            raise SystemExit(f"numpyfa/{self.file}: {self.old!r} is there {text.count(self.old)} times, not once")
        return text.replace(self.old, self.new)


def of(file: str, checks: str, tests: str, *rows: tuple[str, ...]) -> list[Mutant]:
    """The mutants of one file, which share their checks and tests: rows of (old, new, what it breaks[, equivalent])."""
    names = tuple(f"tests/test_{name}.py" for name in tests.split())
    return [Mutant(file, old, new, breaks, tuple(checks.split()), names, *rest) for old, new, breaks, *rest in rows]


MUTANTS = [
    # -- Layers and convolutions
    *of(
        "layers.py",
        "layers bp learning kp",
        "layers mutants",
        ("examples += bias", "examples -= bias", "the bias is subtracted"),
        ("return self.fold(delta @ M)", "return self.fold(delta @ M) / 2", "half of the signal is carried"),
        ("name: gradient / len(trace.h)", "name: gradient", "the tail's gradients are summed over the batch"),
        ("delta = delta / n if first and n > 1 else delta", "delta = delta", "small layers' gradients are summed"),
        ("own = {name: gradient / n for name, gradient in own.items()}", "pass", "large layers' gradients are summed"),
        ("return channel_sums(delta)", "return channel_sums(delta[:1])", "db of one example alone"),
        (
            "return sum(inputs[1:], start=inputs[0])",
            "return sum(inputs[1:2], start=inputs[0])",
            "a junction adds two sources at most",
        ),
        (
            "for place in reversed(range(len(self.tail)))",
            "for place in range(len(self.tail))",
            "the tail backwards, in order",
        ),
        (
            "for item, memo in zip(self.tail, trace.memos):\n            item.settle(memo)",
            "pass",
            "running values stand still",
        ),
        ("return outer(delta, self.rows(x))", "return outer(delta, self.rows(x)) * 2", "feedback learns twice as fast"),
    ),
    *of(
        "convolution.py",
        "convolution layers fa",
        "layers laws",
        ("+= cut[:, :, :, i, j]", "= cut[:, :, :, i, j]", "fold overwrites overlapping patches"),
        ("transpose(0, 1, 2, 4, 5, 3)", "transpose(0, 1, 2, 5, 4, 3)", "patches lie on their side"),
        ("self.stride, self.padding, bias)", "self.stride, self.padding, None)", "a convolution forgets its bias"),
        (
            "return x[:, p : p + height, p : p + width]",
            "return x[:, :height, :width]",
            "padding is cut off on one side",
        ),
        ("k * k * channels, k * k * self.size", "k * k * channels, self.size", "fan_out without the kernel"),
        (
            "if cls.rows is not owner.rows or cls.fold is not owner.fold:",
            "if False:",
            "a subclass's own fold does not run",
        ),
    ),
    *of(
        "locally_connected.py",
        "locally_connected fa",
        "locally_connected",
        ("rows[:, p, p] = patches[p]", "rows[:, p, 0] = patches[p]", "every place has the first kernel"),
        ("return delta.sum(axis=0)", "return delta.sum(axis=0)[::-1]", "biases change places"),
        (
            "len(M), self.blocks, -1).swapaxes(0, 1)",
            "self.blocks, len(M), -1)",
            "feedback of one place goes to another",
        ),
        ("self.blocks = height * width", "self.blocks = height", "one kernel a line"),
    ),
    *of(
        "lines.py",
        "convolution fa",
        "layers laws",
        ("[:, ::-1, ::-1]", "[:, ::-1]", "kernels are turned around one way"),
        ("of_line += (line", "of_line[...] = (line", "only the last chunk's dW counts"),
        ("kernel - 1 - padding", "padding", "the padding of carry is the forward pass's"),
        ("part += bias", "part[:1] += bias", "the bias reaches one image"),
        ("self.stride] += pixels", "self.stride] = pixels", "carry overwrites overlapping lines"),
        (
            "line += (part @ M_of[:, i])",
            "line[...] = (part @ M_of[:, i])",
            "carry overwrites shared lines",
        ),
        ("part += line @ W_of_line", "pass", "only a patch's first line is seen"),
        ("i % s, i // s : i // s + height", "0, i : i + height", "the lines of a stride are taken one after the other"),
        ("slice(start, start + step)", "slice(start, start + step - 1)", "each chunk forgets an image"),
    ),
    *of(
        "backend.py",
        "layers bp",
        "layers mutants parts engine",
        (
            "two[0] = row[0]",
            "two[0] = abs(row[0])",
            "a batch of one loses signs",
        ),
        (
            "(ones @ a.reshape(len(ones), -1))",
            "(ones[1:] @ a.reshape(len(ones), -1)[1:])",
            "a sum over places leaves one line out",
        ),
        (
            "self.seed, zlib.crc32(name.encode()), *numbers",
            "self.seed, zlib.crc32(name.encode())",
            "a stream forgets its numbers",
        ),
        (
            "self.seed, zlib.crc32(name.encode()), *numbers",
            "self.seed, *numbers",
            "streams share their numbers over names",
        ),
    ),
    # -- Local operations
    *of(
        "local/activations.py",
        "local",
        "parts",
        ("return 1 - h * h", "return 1 - h", "tanh's slope is 1 - h"),
        ("return h * (1 - h)", "return h", "the logistic's slope is h"),
        ("return h > 0", "return h > 1", "ReLU's slope is 1 above 1"),
        (
            "return positive + self.leak * (1 - positive)",
            "return positive + 0.01 * (1 - positive)",
            "a leak given is ignored",
        ),
        ("return positive + self.leak * (1 - positive)", "return positive", "leaky ReLU does not leak"),
        (
            "return array_module(z).logaddexp(z, z * 0)",
            "return array_module(z).logaddexp(z, z * 0 + 1)",
            "softplus shifted",
        ),
        ("backend.erf(z * math.sqrt(0.5))", "backend.erf(z)", "erf of z, not of z / sqrt 2"),
        ("return memo[0] > 0", "return memo[0] > 1e9", "leaky ReLU's kink is not seen"),
    ),
    *of(
        "local/batchnorm.py",
        "local",
        "parts mutants",
        ("delta -= along(mean_e, rows)", "pass", "batch norm's backward forgets the mean of e"),
        ("along(-mean_eu / s, rows)", "along(mean_eu / s, rows)", "a sign in batch norm's backward"),
        ("var * (n / (n - 1))", "var", "the running variance is biased"),
        ("self.momentum * (mean - self.mean)", "self.momentum * mean", "the running mean grows"),
        ('"gamma": mean_eu * n', '"gamma": mean_eu', "gamma's gradient is averaged twice"),
        (
            "if train:\n            n = centred.size",
            "if True:\n            n = centred.size",
            "evaluation moves the running values",
        ),
    ),
    *of(
        "local/dropout.py",
        "local",
        "parts mutants",
        ("/ (1 - self.p)\n", "\n", "dropout does not scale what it keeps"),
        (">= self.p", "< self.p", "dropout keeps what it should drop"),
        ("if not train:", "if False:", "dropout in evaluation"),
    ),
    *of(
        "local/pooling.py",
        "local",
        "parts",
        ("open_ ^= won", "pass", "a repeated largest entry gets e more than once"),
        ("view += e * won", "view[...] = e * won", "overlapping max pools overwrite"),
        ("view += e / self.k**2", "view += e / self.k", "an average pool's e is too large"),
        ("return everywhere / (height * width)", "return everywhere / height", "a global pool's e is too large"),
        ("return z.mean(axis=(1, 2)), None", "return z.mean(axis=1)[:, 0] * 1.0, None", "a global pool of one column"),
        (
            "delta[:, :: self.k, :: self.k] = e[..., self.before",
            "delta[:, :: self.k, :: self.k] = e[..., 0",
            "subsampling sends down the wrong channels",
        ),
    ),
    # -- Losses and optimisers
    *of(
        "losses.py",
        "losses bp",
        "learn mutants",
        ("p *= weight", "pass", "e for targets that do not sum to 1"),
        ("xp.vdot(shifted, target)) / len(h)", "xp.vdot(shifted, target))", "softmax's value is a sum"),
        (
            "return 0.5 * (e * e).sum() / len(h), e",
            "return (e * e).sum() / len(h), e",
            "the squared error's value is double",
        ),
        ("return 0.5 * (e * e).sum() / len(h), e", "return 0.5 * (e * e).sum() / len(h), 2 * e", "its e is double"),
        (
            "value = (xp.logaddexp(h * 0, h) - h * target)",
            "value = (xp.logaddexp(h * 0, -h) - h * target)",
            "a sign in the value",
        ),
        (
            "return value, without_underflow(p - target)",
            "return value, without_underflow(target - p)",
            "e's sign",
        ),
        (
            "last.backward(traces[last.number], e), batch_number)",
            "last.backward(traces[last.number], e / len(e)), batch_number)",
            "the output layer is averaged twice",
        ),
    ),
    *of(
        "optim.py",
        "learning kp pfa",
        "learn mutants",
        ("g = g + decay * p", "g = g + decay * p if name.endswith('W') else g", "a decay that skips biases"),
        ("p *= 1 - own_lr * decay", "p *= 1 - decay", "decoupled decay without the learning rate"),
        ("v *= self.momentum", "v *= 1 - self.momentum", "momentum the wrong way round"),
        ("g + self.momentum * v if self.nesterov", "g + v if self.nesterov", "Nesterov looks too far ahead"),
        ("p -= lr * g\n\n\nclass BatchManhattan", "p += lr * g\n\n\nclass BatchManhattan", "up the gradient"),
        ("array_module(g).sign(g) for name", "g for name", "Manhattan without the sign"),
        ("s += (1 - self.rho) * g * g", "s += g * g", "RMSprop's average is a sum"),
        ("unbiased_m = m / (1 - self.beta1**self.step)", "unbiased_m = m", "Adam's start is not corrected"),
        ("1 - self.beta2**self.step", "1 - self.beta1**self.step", "Adam corrects by the wrong beta"),
        (
            "array_module(p).sqrt(unbiased_s) + self.eps",
            "array_module(p).sqrt(unbiased_s + self.eps)",
            "eps inside the root",
        ),
        ("self.step += 1", "self.step += 2", "steps are counted twice"),
        ("factor ** (step // every)", "factor ** (step / every)", "an exponential schedule without stairs"),
        ("sum(step >= each for each in at)", "sum(step > each for each in at)", "a schedule's drop is a step late"),
        ("min((step - warmup)", "min((step + warmup)", "a cosine that begins before its warm-up ends"),
    ),
    # -- Rules
    *of(
        "rules/base.py",
        "layers fa dfa kp bdfa dtp brsf losses",
        "rules",
        (
            "told[source] = told[source] + sent if source in told else sent",
            "told[source] = sent",
            "what several send is overwritten",
        ),
        (
            "sources = [source for source in self.net.sources[number] if source in below]",
            "sources = [source for source in set(self.net.sources[number]) if source in below]",
            "a source named twice counts once",
        ),
        (
            "return layer.carry(signal.delta, M)",
            "return layer.carry(abs(signal.delta), M)",
            "signs are lost on the way down",
        ),
        (
            "signal = output.signal",
            "signal = self.receive(layer, trace, output.error)",
            "the output's tail is passed twice",
        ),
        (
            "self.below = () if self.layers is None",
            "self.below = () if True",
            "chosen layers leave those below without signal",
        ),
        (
            'found[f"feedback.{number}.{name}"] = gradient',
            'found[f"feedback.{number}.{name}"] = -gradient',
            "feedback climbs",
        ),
        ("            del signal\n        return found", "        return found", "a used signal stays in memory"),
        ("self.net.sources[x.number] != (0,)", "True", "the first layer has feedback too"),
        (
            "layer.number, *([] if batch_number is None else [batch_number])",
            "layer.number",
            "every batch draws the same",
        ),
    ),
    *of("rules/bp.py", "bp", "", ("return layer.W.T", "return layer.W.T * 0.99", "BP's W^T is not W^T")),
    *of("rules/fa.py", "fa", "", ('return own["B"]', 'return own["B"] * 2', "B is doubled")),
    *of("rules/fa.py", "fa", "rules", ('return own["B"]', "return layer.W.T", "feedback alignment is BP")),
    *of("rules/usf.py", "usf", "rules", ("signed(c, layer.W)", "signed(1, layer.W)", "no magnitude")),
    *of(
        "rules/magnitude.py",
        "usf",
        "rules",
        ("(layer.W * layer.W).mean() ** 0.5", "abs(layer.W).mean()", "the mean of |W| for its norm"),
        ("math.sqrt(2 / fan_out) if", "math.sqrt(1 / fan_out) if", "Xiao's c of a convolution"),
        ("math.sqrt(2 / sum(layer.fans))", "math.sqrt(1 / sum(layer.fans))", "BioTorch's c"),
    ),
    *of(
        "rules/frsf.py",
        "frsf",
        "rules",
        ('own["M"] * signed(1, layer.W).T', 'own["M"]', "no sign"),
        ("beside_W(abs(M))", "beside_W(M)", "magnitudes with a sign"),
    ),
    *of(
        "rules/brsf.py",
        "brsf",
        "rules",
        ("[...] = abs(M)", "[...] = M", "redrawn magnitudes with a sign"),
        ("batch_number=output.batch_number", "batch_number=1", "every batch draws the same magnitudes"),
    ),
    *of(
        "rules/kp.py",
        "kp",
        "rules",
        ("signal.delta / len(trace.x)", "signal.delta", "B's gradient is a sum"),
        ("layer.outer_T(trace.x", "-layer.outer_T(trace.x", "B moves away"),
    ),
    *of(
        "rules/wm.py",
        "wm",
        "rules",
        (
            "y = layer.weigh(x, layer.W)",
            "y = layer.weigh(x, layer.W, layer.b)",
            "the mirror's noise meets the bias",
        ),
        (
            "n = layer.outer(one, places)[:, 0] * self.examples",
            "n = len(places) * self.examples",
            "padding is counted",
        ),
        ("B *= 0.5 /", "B = 0.5 * B /", "the norm is held for nobody"),
        ("layer.number, batch_number)", "layer.number)", "the same noise in every batch"),
        ("self.every == 0", "self.every != 0", "phases come at the wrong time"),
        ("rng.uniform(-(3**0.5), 3**0.5, n)", "rng.uniform(-1, 1, n)", "uniform noise of variance 1/3"),
    ),
    *of(
        "rules/pfa.py",
        "pfa",
        "rules",
        ('@ own["G"])}', ")}", "P learns without G"),
        ('"G": B @ B.T', '"G": B @ B.T * 2', "G is not B B^T"),
        ("math.sqrt(3 / width)", "math.sqrt(1 / width)", "B's variance is a third"),
    ),
    *of(
        "rules/sparse_pfa.py",
        "sparse-pfa",
        "rules",
        ('dR *= own["mask"]', "pass", "missing entries of R learn"),
        ('own["B"].T @ layer.outer_T', '2 * own["B"].T @ layer.outer_T', "the other order is another"),
        (
            'signal.delta @ own["B"], own["R"])',
            'signal.delta @ own["B"], own["R"] * 2)',
            "the cheap way is another",
        ),
        ("3 / (self.density * width)", "3 / width", "sparse B is too weak"),
        ("wide if asked is signal else", "wide if asked else", "delta B of another signal is sent"),
    ),
    *of(
        "rules/sa.py",
        "sa",
        "rules",
        ('2 * self.alpha * own["B"]', 'self.alpha * own["B"]', "half the pull to 0"),
        ("self.beta * layer.W.T", "2 * self.beta * layer.W.T", "twice the pull to W^T"),
    ),
    *of(
        "rules/aa.py",
        "aa",
        "rules",
        ("2 * self.alpha * own", "self.alpha * own", "half of q"),
        ("layer.weigh(x, gap)", "layer.weigh(x, gap, layer.b)", "y has a bias"),
    ),
    *of(
        "rules/ia.py",
        "ia",
        "rules",
        ("2 * self.gamma * B", "self.gamma * B", "half the pull to 0"),
        ("2 * self.beta * r", "self.beta * r", "half of r"),
        ("y = layer.weigh(x, layer.W)", "y = layer.weigh(x, layer.W, layer.b)", "y has a bias"),
    ),
    *of(
        "rules/dtp.py",
        "dtp",
        "rules",
        ("self.f = make_local(self.activation)", 'self.f = make_local("identity")', "a linear inverse"),
        (
            "self.difference(layer, output.e + output.target, output.target)",
            "self.difference(layer, trace.h, output.target)",
            "the simplified form starts from the logits",
        ),
        ("h = softmax(h) if layer is self.net.last else h", "h = h", "the last inverse is trained on logits"),
        (
            "self.difference(layer, trace.h, trace.h - signal.e)",
            "self.difference(layer, trace.h, trace.h + signal.e)",
            "a target's sign",
        ),
        ("x = x + to_device(", "x = x + 0 * to_device(", "inverses without noise"),
        ("2 * (found - x.reshape(len(x), -1))", "(found - x.reshape(len(x), -1))", "half an inverse's gradient"),
        ("self.target_lr * (signal.delta @ layer.W.T)", "(signal.delta @ layer.W.T)", "the target step is ignored"),
        ('("noise", layer.number, output.batch_number)', '("noise", layer.number)', "the same noise in every batch"),
    ),
    *of(
        "rules/lra_e.py",
        "lra-e",
        "rules",
        ("z - self.beta * e", "z + self.beta * e", "z moves the wrong way"),
        ("layer.weigh(trace.x, layer.W, layer.b)", "layer.weigh(trace.x, layer.W)", "z without its bias"),
        ("self.gamma / len(trace.x) * signal.delta", "self.gamma * signal.delta", "E's gradient is a sum"),
    ),
    *of(
        "rules/pseudo.py",
        "pseudo",
        "rules",
        ("[pseudo_inverse(W) for", "[pseudo_inverse(W) * 2 for", "twice the inverse"),
        ("2 * X - X @ exact @ X", "X", "what squaring W costs stays in"),
        ("if not linalg.norm(A) * linalg.norm(inverse) < LIMIT", "if False", "a matrix without full rank is inverted"),
    ),
    *of("rules/dfa.py", "dfa", "rules", ("output.error @ own", "output.e @ own", "the error at h, not at z")),
    *of(
        "rules/kdfa.py",
        "kdfa",
        "rules",
        (
            "array_module(output.error).repeat(output.error, places, axis=0)",
            "array_module(output.error).tile(output.error, (places, 1))",
            "places meet other examples' errors",
        ),
    ),
    *of("rules/sdfa.py", "sdfa", "rules", (".sign(output.error)", ".tanh(output.error)", "a soft sign")),
    *of(
        "rules/sparse_dfa.py",
        "sparse-dfa",
        "rules",
        ("order < self.nonzero", "order <= self.nonzero", "one output too many"),
        ("argsort(axis=0)", "argsort(axis=1)", "units hear some or no outputs"),
    ),
    *of(
        "rules/bdfa.py",
        "bdfa",
        "rules",
        ("xp.sign(xp.where", "(xp.where", "no sign"),
        ("delta if isinstance(item, Activation) else", "delta if False else", "activations count with their slope"),
    ),
    *of(
        "rules/ifa.py",
        "ifa",
        "rules",
        ("layer.weigh(delta, layer.W)", "layer.weigh(delta, layer.W, layer.b)", "the bias is added to a delta"),
        ("sum(below[1:], start=below[0])", "below[0]", "only one source sends up"),
    ),
    *of("rules/drtp.py", "drtp", "rules", ("output.target @", "output.error @", "the error for the target")),
    *of(
        "rules/dkp.py",
        "dkp",
        "rules",
        ("output.error.T / len(trace.h) @", "output.error.T @", "B's gradient is a sum"),
        ("output.error.T / len(trace.h) @", "-output.error.T / len(trace.h) @", "B moves away"),
    ),
    *of(
        "rules/greedy.py",
        "greedy",
        "rules",
        (
            "place = max(batch_number - 1, 0) // self.stage",
            "place = batch_number // self.stage",
            "a stage ends a batch early",
        ),
        ("bp.send(first, traces[1]", "2 * bp.send(first, traces[1]", "heads tell twice their gradient"),
        ("return bp.gradients(traces, answer)", "return {}", "heads do not learn"),
        ("train=True)", "train=False)", "batch norm in heads takes running values"),
    ),
    *of(
        "rules/shallow.py",
        "shallow",
        "rules",
        (
            "return None",
            "return output.error @ output.error.T @ trace.h.reshape(len(trace.h), -1)",
            "hidden layers are told something",
        ),
    ),
    # -- The training loop, the net, metrics
    *of(
        "learn.py",
        "learning",
        "mutants learn",
        ("augment(images) if augment else images", "images", "augmentation is ignored"),
        (
            'streams("noise", epoch), streams("augment", epoch)',
            'streams("noise", epoch), streams("augment", 1)',
            "the same augmentation in every epoch",
        ),
        (
            'streams("noise", epoch), streams("augment", epoch)',
            'streams("noise", 1), streams("augment", epoch)',
            "the same dropout noise in every epoch",
        ),
        ('streams("order", epoch)', 'streams("order", 1)', "the same order in every epoch"),
        (
            "train=True, noise=noise)\n    output = loss.output(net, traces, target[:PROBE], batch_number)",
            "noise=noise)\n    output = loss.output(net, traces, target[:PROBE], batch_number)",
            "alignment in evaluation mode",
        ),
        ("[0]) * len(here)", "[0]) * batch_size", "the last, smaller batch counts as a whole one"),
        (
            "evaluate(net, loss, x[:measured], label[:measured])",
            "evaluate(net, loss, x_test, y_test)",
            "the training error is the test error",
        ),
        (
            "traces = net.forward(x, train=True, noise=noise)",
            "traces = net.forward(x, noise=noise)",
            "training in evaluation mode",
        ),
        ("optimizer.step + 1)\n    value", "optimizer.step)\n    value", "batches are counted from 0"),
        (
            "feedback_optimizer.update(parameters, pop_feedback(gradients))",
            "pass",
            "a second optimiser is not asked",
        ),
        ("describe(feedback_optimizer) == describe(optimizer)", "True", "no law asks for one optimiser"),
        ("    net.settle(traces)\n", "", "running values stand still"),
        ("    rule.settle(traces, output)\n", "", "feedback that learns by itself stands still"),
        (
            "return total / len(x), 100 * wrong / len(x)",
            "return total / len(x), 100 * (1 - wrong / len(x))",
            "accuracy for error",
        ),
        ("target.take(batch, axis=0)", "target[order[: len(batch)]]", "another batch's labels"),
    ),
    *of(
        "network.py",
        "layers bp",
        "mutants parts learn",
        ("self._through(x):", "self._through(x, True):", "answers in training mode"),
        (
            "layer.forward(*inputs, train=train, noise=noise)",
            "layer.forward(*inputs, train=True, noise=noise)",
            "always in training mode",
        ),
        ("(x - self.mean) / self.deviation", "(x - self.mean) * self.deviation", "standardisation multiplies"),
        ("x *= 1 / 255", "x *= 1 / 256", "bytes over 256"),
    ),
    *of(
        "metrics.py",
        "usf pfa",
        "parts rules mutants",
        (
            "np.degrees(np.arccos(cosine(a, b)))",
            "np.degrees(np.arccos(abs(cosine(a, b))))",
            "angles are folded onto 0..90",
        ),
        (
            "np.where(norms > 0, (a * b).sum(-1) / norms, np.nan)",
            "np.where(norms > 0, (a * b).sum(-1) / norms, 0)",
            "no angle is 90 degrees",
        ),
        ("W.T.reshape(-1), M.reshape(-1)", "W.reshape(-1), M.reshape(-1)", "W for W^T"),
        ("_ratio(M, W)", "_ratio(W, M)", "the ratio of norms turned over"),
        (
            "values = values[~np.isnan(values)]",
            "values = np.nan_to_num(values)",
            "examples without an angle count as 0",
        ),
        ("mine.pop(number), true.pop(number)", "mine[number], mine.pop(number)", "a rule against itself"),
    ),
    *of(
        "init.py",
        "fa",
        "parts rules mutants",
        (
            'rng.standard_normal(shape) / math.sqrt(fan_in),\n    "he"',
            'rng.standard_normal(shape) / fan_in,\n    "he"',
            "fan_in without the root",
        ),
        ("math.sqrt(6 / (fan_in + fan_out))", "math.sqrt(3 / (fan_in + fan_out))", "Glorot's a"),
        ("1 / math.sqrt(fan_out)),", "1 / fan_out),", "Nokland's a"),
        ("now *= np.sign(np.diag(r))", "now *= 1", "orthogonal draws prefer some rotations"),
        (
            "return rng.uniform(-a, a, shape)",
            "return rng.uniform(0, a, shape)",
            "a uniform draw above 0",
        ),
    ),
    # -- Gradient checks, files
    *of(
        "gradcheck.py",
        "bp",
        "gradcheck",
        ("return bool(self.figure <= self.tolerance)", "return not self.figure > self.tolerance", "NaN passes"),
        (
            "np.where(np.isnan(difference), np.inf, difference)",
            "np.where(np.isnan(difference), 0, difference)",
            "a NaN entry passes",
        ),
        ("if smooth.any() else math.nan", "if smooth.any() else 0.0", "nothing verified passes"),
        ("(above - below) / (2 * step)", "(above - below) / step", "differences are doubled"),
        ("np.where(smooth, np.abs(analytic - numeric), 0.0)", "np.abs(analytic - numeric) * 0", "nothing can fail"),
        (
            "if analytic is None or analytic.shape != p.shape:",
            "if analytic is None:",
            "a gradient of another shape passes",
        ),
    ),
    *of(
        "checkpoint.py",
        "",
        "learn mutants",
        ('module), meta["step"])', "module), 0)", "the step is forgotten"),
        (
            'module), meta["feedback step"])',
            'module), meta["step"])',
            "the second optimiser takes the step of the first",
        ),
        ('"a schedule" if callable(value) else value', '"a setting"', "a second optimiser of other settings goes on"),
        ("place[...] = to_device(arrays[name], array_module(place))", "pass", "nothing is put back"),
        ('"rule seed": rule.seed,', "", "another rule seed goes on"),
        ("if before.get(what) != mine:", "if False:", "another net's checkpoint goes on"),
        ("for name, array in rule.arrays().items()}", "for name, array in {}.items()}", "feedback is not kept"),
    ),
    *of(
        "netfile.py",
        "",
        "learn parts mutants",
        ("for name, array in net.running().items()}", "for name, array in {}.items()}", "running values are not kept"),
        ('if description["standardised"]:', "if False:", "standardisation is forgotten"),
    ),
    # -- Data and theory
    *of(
        "data/dataset.py",
        "",
        "mutants dataset data",
        (
            ".permutation(len(self.x_train))",
            ".permutation(1) + np.arange(len(self.x_train))",
            "the validation split is not random",
        ),
        (
            "x = self.x_train\n        channels",
            "x = self.x_test\n        channels",
            "standardisation by the test set",
        ),
    ),
    *of(
        "data/augment.py",
        "",
        "dataset data",
        ("rng.random((n, 1)) < 0.5", "rng.random((n, 1)) < 0", "no image is flipped"),
        (
            "rng.integers(0, 2 * pad + 1, (2, n, 1))",
            "rng.integers(0, 2 * pad + 1, (2, 1, 1)).repeat(n, 1)",
            "all images are shifted alike",
        ),
    ),
    *of(
        "theory/integrals.py",
        "",
        "theory",
        ("- bc * bd * aa", "- bc * bd * bb", "I4: aa and bb swapped"),
        ("+ ab * ac * bd + ab * ad * bc", "+ ab * ac * bc + ab * ad * bd", "I4: two indices swapped"),
        ("C[b, c] * aa - C[a, b] * C[a, c]", "C[b, c] * aa - C[a, b] * C[b, c]", "I3: two indices swapped"),
        ("return 2 / np.pi * np.arcsin", "return np.arcsin", "I2 without its factor"),
        ("C[b, b] - C[a, b] ** 2 + C[a, a]", "C[b, b] + C[a, b] ** 2 + C[a, a]", "J2's sign"),
    ),
    *of(
        "theory/student_teacher.py",
        "",
        "theory",
        ("noise = sigma**2 * J2", "noise = sigma * J2", "the noise of the ODE is not squared"),
        ("@ s @ s + noise", "@ s @ s", "the ODE without noise"),
        ("lr**2 * np.outer(f, f)", "lr**2 * np.outer(f, s[:K])", "the second order by v for F"),
        ("dv = -lr * I2(C, i[:, None], u) @ s", "dv = lr * I2(C, i[:, None], u) @ s", "the second layer climbs"),
        ("e = (v * h).sum(axis=1) - target", "e = (v * h).mean(axis=1) - target", "the simulated output is a mean"),
    ),
    *of(
        "theory/linear_task.py",
        "",
        "linear_theory",
        (
            "return B @ W2 + transpose(B @ W2) - W1 @ transpose(W1)",
            "return B @ W2 + B @ W2 - W1 @ transpose(W1)",
            "the invariant is not symmetric",
        ),
        ("-lr * e @ transpose(h)", "lr * e @ transpose(h)", "W_2 climbs"),
    ),
    *of(
        "theory/learned_feedback.py",
        "",
        "theory linear_theory rules",
        ("return W - shrink**steps * (W0 - B0)", "return W - shrink * (W0 - B0)", "one step for many"),
    ),
]


def kill(mutant: Mutant, broken: set[str]) -> tuple[str, str]:
    """('check' | 'test' | 'timed out' | 'survived' | 'equivalent', what found it)."""
    with tempfile.TemporaryDirectory() as folder:
        copy_into(folder)
        path = Path(folder) / "numpyfa" / mutant.file
        path.write_text(mutant.applied(path.read_text()))
        if mutant.checks:
            found = run(folder, [sys.executable, "-c", CHECKS, *mutant.checks])
            if found is not None:
                return outcome("check", found)
        for test in mutant.tests:
            if test not in broken and (ROOT / test).exists():
                found = run_test(folder, test)
                if found is not None:
                    return outcome("test", found)
    return ("equivalent", mutant.equivalent) if mutant.equivalent else ("survived", "")


def outcome(how: str, found: str) -> tuple[str, str]:
    """What ran out of time has not failed: a slow machine would count as a test that sees the mutant."""
    return ("timed out", f"in a {how}") if found == LATE else (how, found)


def copy_into(folder: str) -> None:
    for name in ("numpyfa", "tests", "tutorials"):
        shutil.copytree(ROOT / name, Path(folder) / name, ignore=shutil.ignore_patterns("__pycache__"))
    for path in ROOT.iterdir():
        if path.is_file():
            shutil.copy(path, folder)


def run_test(folder: str, test: str) -> str | None:
    return run(folder, [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "--tb=line", test])


def run(folder: str, words: list[str]) -> str | None:
    """What failed, or None."""
    environment = os.environ | {"PYTHONPATH": folder, "PYTHONDONTWRITEBYTECODE": "1", "OPENBLAS_NUM_THREADS": "1"}
    try:
        done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, timeout=TIMEOUT)
    except subprocess.TimeoutExpired:
        return LATE
    if done.returncode == 0:
        return None
    failed = re.findall(r"^(?:FAILED|ERROR) (\S+)", done.stdout, re.MULTILINE)
    return failed[0] if failed else (done.stderr.strip().splitlines() or ["failed"])[-1]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "words", nargs="*", help="only mutants whose file, or what they break, holds one of these words"
    )
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--list", action="store_true", help="print the mutants and run nothing")
    parser.add_argument("--checks-only", action="store_true", help="run no tests")
    options = parser.parse_args()
    chosen = [
        each
        for each in MUTANTS
        if not options.words or any(word in f"{each.file}: {each.breaks}" for word in options.words)
    ]
    for mutant in chosen:
        mutant.applied((ROOT / "numpyfa" / mutant.file).read_text())
        if options.list:
            print(f"{mutant.file}: {mutant.breaks}")
    if options.list:
        print(f"{len(chosen)} mutants")
        return 0
    tests = set() if options.checks_only else {test for mutant in chosen for test in mutant.tests}
    broken = {test for test in tests if not (ROOT / test).exists()}
    with ThreadPoolExecutor(options.processes) as pool, tempfile.TemporaryDirectory() as folder:
        copy_into(folder)
        groups = sorted({group for mutant in chosen for group in mutant.checks})
        wrong = run(folder, [sys.executable, "-c", CHECKS, *groups]) if groups else None
        if wrong:
            raise SystemExit(f"without any mutant a check fails: {wrong}")
        there = sorted(tests - broken)
        broken |= {test for test, found in zip(there, pool.map(lambda test: run_test(folder, test), there)) if found}
        for test in sorted(broken):
            print(f"left out: {test} is missing, or fails without a mutant", flush=True)
        if options.checks_only:
            broken = {test for mutant in chosen for test in mutant.tests}
        counts: dict[str, int] = {}
        for mutant, (how, what) in zip(chosen, pool.map(lambda each: kill(each, broken), chosen)):
            counts[how] = counts.get(how, 0) + 1
            print(f"{how:10}  {mutant.file:24}  {mutant.breaks:58}  {what}", flush=True)
    for how in ("check", "test", "timed out", "equivalent", "survived"):
        print(f"{'killed by ' * (how in ('check', 'test')) + how:18} {counts.get(how, 0):4}")
    return 1 if counts.get("survived") or counts.get("timed out") else 0


if __name__ == "__main__":
    sys.exit(main())
