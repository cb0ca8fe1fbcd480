"""The tail of a layer: local operations z -> h, each with its exact backward map e -> delta.

A local operation is the same for every learning rule. `forward(z)` returns (h, memo); the memo is all
that `backward(e, memo)` needs, so that nothing is kept on the object between the two.
`backward` returns (delta, gradients): delta is e times the operation's own Jacobian, transposed, and
gradients are those of its own parameters, summed over the batch. e has the shape of h, delta that of z.
"""


class Local:
    """A local operation. The defaults are those of one without parameters, running values or kinks."""

    def build(self, shape, dtype, module):
        """Make the arrays for inputs of `shape` (without the batch axis); return the shape of the output."""
        return shape

    def parameters(self):
        """What it learns, by name."""
        return {}

    def running(self):
        """What it remembers between batches without learning it by a gradient, by name."""
        return {}

    def settle(self, memo):
        """Take the batch behind `memo` into the running values."""

    def branch(self, memo):
        """Which of its smooth pieces each entry is on, for an operation with kinks; None for a smooth one."""
        return None
