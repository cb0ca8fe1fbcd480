"""Layers that do not wait for each other: updated as the batch passes, or all together once the error is there.

python tutorials/07_layers_in_parallel.py
"""

# %% 1. What a layer waits for
#
# Under backpropagation a layer cannot learn from a batch before the batch has passed all layers above it (update
# locking), nor before all these have sent their deltas down (backward locking; Jaderberg et al. 2017). Feedback
# alignment frees the layers of W^T, but they wait as before. `numpyfa needs` measures that for every rule: what a layer
# must not wait for is changed, and its gradients stay as they were.

import os

# Before NumPy: with other work on the machine BLAS threads make small products many times slower.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from concurrent.futures import ThreadPoolExecutor

import numpy as np

import numpyfa as fa
from numpyfa.laws.needs import needs

for name in ("bp", "fa", "dfa", "drtp", "greedy"):
    print(f"{name:6} hidden layers update {needs(name)['updates']}")


def update(rule, optimizers, layer, trace, signal, output):
    """All that one layer learns: its own weights, and its feedback if that learns by a gradient."""
    own, gradients = rule.feedback.get(layer.number, {}), layer.gradients(trace, signal)
    if own:
        gradients |= rule.feedback_gradients(layer, own, trace, signal, output)
    optimizers[layer.number].update(layer.parameters() | own, gradients)


# %% 2. At once: no backward pass, and no waiting for the output
#
# A rule that asks for nothing but the target has all that it needs when the layer has its h. So the layer is updated
# then, before the next layer runs. That layer gets the h of before the update: computed once, as in the authors' code
# (Frenkel et al. 2021), and the same h that the library's step would have given it.


def learn_at_once(net, rule, loss, optimizers, x, target):
    """One batch: each hidden layer runs, and learns before the next one runs."""
    known, h = fa.Output(None, target, None), x  # no loss and no error: nobody knows them yet
    for layer in net.layers[:-1]:
        trace = layer.forward(h, train=True)
        e = rule.project(layer, rule.feedback[layer.number], trace, known)
        update(rule, optimizers, layer, trace, rule.receive(layer, trace, e), known)
        h = trace.h
    trace = net.last.forward(h, train=True)
    output = loss.output(net, {net.last.number: trace}, target)
    update(rule, optimizers, net.last, trace, output.signal, output)


# %% 3. All together: the error goes to every layer, and they learn side by side
#
# Direct feedback alignment needs the error, and so the whole forward pass. From there on no layer needs to hear of
# another: each can be updated in a thread of its own, in any order (Nokland 2016).


def learn_together(net, rule, loss, optimizers, x, target):
    """One batch: a forward pass, and then every layer at the same time."""
    traces = net.forward(x, train=True)
    output = loss.output(net, traces, target)

    def learn(layer):
        trace, signal = traces[layer.number], output.signal
        if layer is not net.last:
            e = rule.project(layer, rule.feedback[layer.number], trace, output)
            signal = rule.receive(layer, trace, e)
        update(rule, optimizers, layer, trace, signal, output)

    list(pool.map(learn, net.layers))  # a list: so that an error in a thread is raised here


# %% 4. The same weights as the library's, to the last bit

images, pool = fa.load("mnist").part(1000, 500), ThreadPoolExecutor(4)


def train(name, step, epochs=3, batch_size=20):
    """The net after training by `step(net, rule, loss, optimizers, x, target)`."""
    net = fa.mlp("784-100-50-10")
    rule, loss, rng = fa.make_rule(name, net), fa.SoftmaxCrossEntropy(), np.random.default_rng(0)
    optimizers = {layer.number: fa.SGD(0.02, momentum=0.9) for layer in net.layers}
    x, y = net.to_float(net.as_input(images.x_train)), fa.one_hot(images.y_train, 10, "float32")
    for _ in range(epochs):
        for batch in np.split(rng.permutation(len(x)), len(x) // batch_size):
            step(net, rule, loss, optimizers, x[batch], y[batch])
    return net


def librarys_own(net, rule, loss, optimizers, x, target):
    fa.train_step(net, rule, loss, optimizers[1], x, target)


for name, step in (("drtp", learn_at_once), ("greedy", learn_at_once), ("dfa", learn_together)):
    net, same = train(name, step), train(name, librarys_own).parameters()
    apart = max(np.abs(p - same[key]).max() for key, p in net.parameters().items())
    error = 100 * (net.predict(images.x_test).argmax(axis=1) != images.y_test).mean()
    print(f"{name:6} by {step.__name__:14} {error:4.1f} % test error, weights {apart} from the library's")

# What is shown is who waits for whom, not speed: products as small as these are over before a thread has started.
