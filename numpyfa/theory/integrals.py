"""Gaussian averages of erf units, g(x) = erf(x / sqrt 2), g'(x) = sqrt(2/pi) exp(-x^2 / 2), and of linear ones.

    I2(a, b)       <g(a) g(b)>              I3(a, b, c)    <g'(a) b g(c)>
    J2(a, b)       <g'(a) g'(b)>            I4(a, b, c, d) <g'(a) g'(b) g(c) g(d)>

a, b, c, d are jointly Gaussian with mean 0 and covariance C; each function takes C and index arrays that broadcast, and
returns an array. Source: Saad & Solla 1995. Repeated indices need no special care.
"""

import numpy as np


def I2_erf(C, a, b):
    """(2/pi) arcsin(C_ab / sqrt((1 + C_aa)(1 + C_bb)))"""
    return 2 / np.pi * np.arcsin(C[a, b] / np.sqrt((1 + C[a, a]) * (1 + C[b, b])))


def I3_erf(C, a, b, c):
    """(2/pi) (C_bc (1 + C_aa) - C_ab C_ac) / ((1 + C_aa) sqrt(L3)),  L3 = (1 + C_aa)(1 + C_cc) - C_ac^2"""
    L3 = (1 + C[a, a]) * (1 + C[c, c]) - C[a, c] ** 2
    return 2 / np.pi * (C[b, c] * (1 + C[a, a]) - C[a, b] * C[a, c]) / ((1 + C[a, a]) * np.sqrt(L3))


def I4_erf(C, a, b, c, d):
    """(4/pi^2) arcsin(L0 / sqrt(L1 L2)) / sqrt(L4), the L as below"""
    aa, bb = 1 + C[a, a], 1 + C[b, b]
    ab, ac, ad, bc, bd = C[a, b], C[a, c], C[a, d], C[b, c], C[b, d]
    L4 = aa * bb - ab**2
    L0 = L4 * C[c, d] - bc * bd * aa - ac * ad * bb + ab * ac * bd + ab * ad * bc
    L1 = L4 * (1 + C[c, c]) - bc**2 * aa - ac**2 * bb + 2 * ab * ac * bc
    L2 = L4 * (1 + C[d, d]) - bd**2 * aa - ad**2 * bb + 2 * ab * ad * bd
    return 4 / np.pi**2 * np.arcsin(L0 / np.sqrt(L1 * L2)) / np.sqrt(L4)


def J2_erf(C, a, b):
    """(2/pi) / sqrt(1 + C_aa + C_bb - C_ab^2 + C_aa C_bb)"""
    return 2 / np.pi / np.sqrt(1 + C[a, a] + C[b, b] - C[a, b] ** 2 + C[a, a] * C[b, b])


def I2_linear(C, a, b):
    """C_ab"""
    return C[a, b]


def I3_linear(C, a, b, c):
    """C_bc"""
    return C[b, c] + 0 * C[a, a]


def I4_linear(C, a, b, c, d):
    """C_cd"""
    return C[c, d] + 0 * C[a, b]


def J2_linear(C, a, b):
    """1"""
    return 1 + 0 * C[a, b]


INTEGRALS = {
    "erf": (I2_erf, I3_erf, I4_erf, J2_erf),
    "linear": (I2_linear, I3_linear, I4_linear, J2_linear),
}
