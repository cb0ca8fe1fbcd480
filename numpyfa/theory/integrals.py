"""Gaussian averages of erf units, g(x) = erf(x / sqrt 2), g'(x) = sqrt(2/pi) exp(-x^2 / 2), and of linear ones.

    I2(a, b)       <g(u_a) g(u_b)>              I3(a, b, c)    <g'(u_a) u_b g(u_c)>
    J2(a, b)       <g'(u_a) g'(u_b)>            I4(a, b, c, d) <g'(u_a) g'(u_b) g(u_c) g(u_d)>

The fields u are jointly Gaussian with mean 0 and covariance C (n x n). Each function takes C and indices a, b, ... into
it, whole numbers or arrays of them that broadcast; the result has their common shape. Repeated indices need no special
care. No error is raised: `Overlaps` has seen to it that C is a covariance.

Source: Saad & Solla 1995 (J2: Goldt et al. 2019).
"""

from collections.abc import Callable

import numpy as np

Index = int | np.ndarray
Average = Callable[..., np.ndarray]


def I2_erf(C: np.ndarray, a: Index, b: Index) -> np.ndarray:
    """(2/pi) arcsin(C_ab / sqrt((1 + C_aa)(1 + C_bb)))"""
    return 2 / np.pi * np.arcsin(C[a, b] / np.sqrt((1 + C[a, a]) * (1 + C[b, b])))


def I3_erf(C: np.ndarray, a: Index, b: Index, c: Index) -> np.ndarray:
    """(2/pi) (C_bc (1 + C_aa) - C_ab C_ac) / ((1 + C_aa) sqrt(Lambda3))

    Lambda3 = (1 + C_aa)(1 + C_cc) - C_ac^2
    """
    aa = 1 + C[a, a]
    Lambda3 = aa * (1 + C[c, c]) - C[a, c] ** 2
    return 2 / np.pi * (C[b, c] * aa - C[a, b] * C[a, c]) / (aa * np.sqrt(Lambda3))


def I4_erf(C: np.ndarray, a: Index, b: Index, c: Index, d: Index) -> np.ndarray:
    """(4/pi^2) arcsin(Lambda0 / sqrt(Lambda1 Lambda2)) / sqrt(Lambda4)

    Lambda4 = (1 + C_aa)(1 + C_bb) - C_ab^2
    Lambda0 = Lambda4 C_cd - C_bc C_bd (1 + C_aa) - C_ac C_ad (1 + C_bb) + C_ab C_ac C_bd + C_ab C_ad C_bc
    Lambda1 = Lambda4 (1 + C_cc) - C_bc^2 (1 + C_aa) - C_ac^2 (1 + C_bb) + 2 C_ab C_ac C_bc
    Lambda2 = the same with d for c
    """
    aa, bb = 1 + C[a, a], 1 + C[b, b]
    ab, ac, ad, bc, bd = C[a, b], C[a, c], C[a, d], C[b, c], C[b, d]
    Lambda4 = aa * bb - ab**2
    Lambda0 = Lambda4 * C[c, d] - bc * bd * aa - ac * ad * bb + ab * ac * bd + ab * ad * bc
    Lambda1 = Lambda4 * (1 + C[c, c]) - bc**2 * aa - ac**2 * bb + 2 * ab * ac * bc
    Lambda2 = Lambda4 * (1 + C[d, d]) - bd**2 * aa - ad**2 * bb + 2 * ab * ad * bd
    return 4 / np.pi**2 * np.arcsin(Lambda0 / np.sqrt(Lambda1 * Lambda2)) / np.sqrt(Lambda4)


def J2_erf(C: np.ndarray, a: Index, b: Index) -> np.ndarray:
    """(2/pi) / sqrt((1 + C_aa)(1 + C_bb) - C_ab^2)"""
    return 2 / np.pi / np.sqrt(1 + C[a, a] + C[b, b] - C[a, b] ** 2 + C[a, a] * C[b, b])


def I2_linear(C: np.ndarray, a: Index, b: Index) -> np.ndarray:
    """C_ab"""
    return C[a, b]


def I3_linear(C: np.ndarray, a: Index, b: Index, c: Index) -> np.ndarray:
    """C_bc, in the shape of all indices"""
    return C[b, c] + 0 * C[a, a]


def I4_linear(C: np.ndarray, a: Index, b: Index, c: Index, d: Index) -> np.ndarray:
    """C_cd, in the shape of all indices"""
    return C[c, d] + 0 * C[a, b]


def J2_linear(C: np.ndarray, a: Index, b: Index) -> np.ndarray:
    """1, in the shape of the indices"""
    return 1 + 0 * C[a, b]


INTEGRALS: dict[str, tuple[Average, Average, Average, Average]] = {
    "erf": (I2_erf, I3_erf, I4_erf, J2_erf),
    "linear": (I2_linear, I3_linear, I4_linear, J2_linear),
}
