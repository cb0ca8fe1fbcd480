"""Direct random target projection: e_l = target B_l,  B random and fixed.

Source: Frenkel, Lefebvre & Bol 2021 (arXiv 1909.01311) and their code, which subtracts +target B as we do.
A hidden layer is sent the one-hot target, so one row of B (outputs, units) a class, and need not wait for the output.
"""

from dataclasses import dataclass

from .base import DirectRule


@dataclass
class DRTP(DirectRule):
    """Direct random target projection: e_l = target B_l, B random and fixed   [Frenkel et al. 2021]"""

    init: str = "kaiming_fan_out"  # U(-a, a), a = sqrt(6/units), their code

    def init_feedback(self, layer):
        return {"B": self.draw(layer, (self.net.size_out, layer.size_out), self.init)}

    def project(self, layer, feedback, trace, output):
        return output.target @ feedback["B"]
