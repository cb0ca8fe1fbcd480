"""A learning rule of your own in ten lines: feedback alignment whose feedback is one bit a weight.

    python tutorials/01_a_rule_of_your_own.py       # a few seconds

A rule answers one question: what is e, the learning signal at a layer's output? All the rest (the slope, the weight
gradient, the optimiser) is the same for every rule, so it is not the rule's business.
"""

# %% 1. The rule
# `init_feedback` draws what the rule needs for one layer; `transport` turns the layer's delta (rows, fan_out) into
# rows of its input (rows, fan_in). B stands where backpropagation has W^T, so it is (fan_out, fan_in).
# `self.draw` takes an initialiser by name and a stream of random numbers that is the layer's own.

from dataclasses import dataclass

import numpy as np

import numpyfa as fa


@dataclass
class BinaryFA(fa.SequentialRule):
    """Binary feedback alignment: e_l = delta_{l+1} B_{l+1}, B = c or -c at random and fixed"""

    c: float = 0.1

    def init_feedback(self, layer):
        return {"B": self.c * np.sign(self.draw(layer, layer.W.T.shape, "normal"))}

    def transport(self, layer, feedback, trace, signal):
        return signal.delta @ feedback["B"]


# %% 2. Is it right?
# No loss has this rule's update as its gradient. But two things must hold. Whatever e is, each update must be the
# gradient of <e, h> with e held constant, which finite differences can tell, in float64 and on a small net:

small = fa.mlp("6-5-4-3", dtype="float64")
x, target = np.random.default_rng(0).standard_normal((5, 6)), np.eye(3)[[0, 1, 2, 0, 1]]
checks = fa.check_gradients(small, BinaryFA(small), fa.SoftmaxCrossEntropy(), x, target)
print(f"{len(checks)} gradients checked, the largest error is {max(check.figure for check in checks):.0e}")

# That says nothing of e itself. But with W^T for B the rule must be backpropagation, to the last digit:

rule = BinaryFA(small)
for number, own in rule.feedback.items():
    own["B"] = small.layers[number - 1].W.T
traces = small.forward(x)
output = fa.SoftmaxCrossEntropy().output(traces[-1].h, target)
pairs = zip(rule.signals(traces, output), fa.BP(small).signals(traces, output))
print(f"with B = W^T it differs from backpropagation by {max(np.abs(a.delta - b.delta).max() for a, b in pairs):.0e}")

# %% 3. Does it learn?
# Shallow learning trains the output layer alone. A rule whose hidden layers learn must beat it clearly; a falling
# loss alone shows nothing, since an output layer on random features gets far above chance.

data = fa.load("mnist").part(5000, 2000)
for kind in (fa.Shallow, BinaryFA, fa.FA, fa.BP):
    net = fa.mlp("784-50-30-10", seed=0)
    history = fa.fit(net, kind(net), fa.SoftmaxCrossEntropy(), fa.SGD(0.1), data, epochs=6, batch_size=16)
    print(f"{kind.__name__:9} test error {history[-1]['test_error']:5.1f} %", end="")
    angles = [f"{row['angle_1']:.0f}" for row in history if "angle_1" in row]
    print(f", angle of the first layer's delta to BP's by epoch: {', '.join(angles)}" if angles else "")

# %% 4. Where to go on
# A rule that sends the error straight to each layer is a `DirectRule` and writes `project`; see numpyfa/rules/dfa.py.
# Feedback that learns names its arrays in `learned` and writes `feedback_gradients`; see numpyfa/rules/kp.py.
# tutorials/bugs shows what goes wrong, and which check finds it.
