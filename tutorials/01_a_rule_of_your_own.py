"""A learning rule of your own in ten lines: feedback alignment whose feedback is one bit a weight.

    python tutorials/01_a_rule_of_your_own.py       # a few seconds

A rule answers one question: what is e, the learning signal at a layer's output? All the rest (the slope, the weight
gradient, the optimiser) is the same for every rule, so it is not the rule's business. For most rules the question is
smaller still: e = delta M, delta that of the layer above, and the rule says what M stands where W^T stands.
"""

# %% 1. The rule
# `init_feedback` draws what the rule needs for one layer. `stand_in` says what stands where W^T stands, so it is
# (fan_out, fan_in). `self.draw` takes an initialiser by name and a stream of random numbers that is the layer's own.

import time
from dataclasses import dataclass

import numpy as np

import numpyfa as fa


@dataclass
class BinaryFA(fa.SequentialRule):
    """Binary feedback alignment: e_l = delta_{l+1} B_{l+1}, B = c or -c at random and fixed"""

    c: float = 0.1

    def init_feedback(self, layer):
        return {"B": self.c * np.sign(self.draw(layer, layer.W.T.shape, "normal"))}

    def stand_in(self, layer, own):
        return own["B"]


# %% 2. Is it right?
# No loss has this rule's update as its gradient. But two things must hold. Whatever e is, each update must be the
# gradient of <e, h> with e held constant, which finite differences can tell, in float64 and on a small net:

small = fa.mlp("6-5-4-3", dtype="float64")
x, target = np.random.default_rng(0).standard_normal((5, 6)), np.eye(3)[[0, 1, 2, 0, 1]]
loss = fa.SoftmaxCrossEntropy()
checks = fa.check_gradients(small, BinaryFA(small), loss, x, target)
print(f"{len(checks)} gradients checked, the largest error is {max(check.figure for check in checks):.0e}")

# That says nothing of e itself. But with W^T for B the rule must be backpropagation, to the last digit:

rule = BinaryFA(small)
for number, own in rule.feedback.items():
    own["B"] = small[number].W.T
traces = small.forward(x)
output = loss.output(small, traces, target)
mine, true = rule.gradients(traces, output), fa.BP(small).gradients(traces, output)
print(f"with B = W^T it differs from backpropagation by {max(abs(mine[name] - true[name]).max() for name in true):.0e}")

# %% 3. Does it learn?
# Shallow learning trains the output layer alone. A rule whose hidden layers learn must beat it clearly; a falling
# loss alone shows nothing, since an output layer on random features gets far above chance.

data = fa.load("mnist").part(5000, 2000)
for kind in (fa.Shallow, BinaryFA, fa.FA, fa.BP):
    net = fa.mlp("784-50-30-10", seed=0)
    history = fa.fit(net, kind(net), loss, fa.SGD(0.1), data, epochs=6, batch_size=16)
    print(f"{kind.__name__:9} test error {history[-1]['test_error']:5.1f} %", end="")
    angles = [f"{row['angle_1']:.0f}" for row in history if "angle_1" in row]
    print(f", angle of the first layer's delta to BP's by epoch: {', '.join(angles)}" if angles else "")

# %% 4. On a convolution
# The rule knows nothing of images. What carries delta down is the layer, and it takes any matrix in W^T's place: so the
# rule runs on a LeNet as it is, on the same fast path as backpropagation, and takes about as long.

images, labels = data.x_train[:64], fa.one_hot(data.y_train[:64], 10, "float32")
for kind in (fa.BP, BinaryFA):
    net = fa.lenet()
    rule, optimizer, batch, seconds = kind(net), fa.SGD(0.01), net.to_float(net.as_input(images)), []
    for _ in range(12):
        start = time.perf_counter()
        fa.train_step(net, rule, loss, optimizer, batch, labels)
        seconds.append(time.perf_counter() - start)
    print(f"{kind.__name__:9} one step of LeNet on 64 images: {1000 * min(seconds):.0f} ms")

# %% 5. Where to go on
# A rule that sends the error straight to each layer is a `DirectRule` and writes `project`; see numpyfa/rules/dfa.py.
# Feedback that learns names its arrays in `learned` and writes `feedback_gradients`; see numpyfa/rules/kp.py.
# tutorials/bugs shows what goes wrong, and which check finds it. CONTRIBUTING.md says how a rule joins the others.
