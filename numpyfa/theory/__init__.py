"""The theory, in float64. It imports nothing of the network code: an independent witness.

One letter is one thing, in every file of this folder and in the notebooks 03, 03a, 03b, 03c, 05 and 08 of `tutorials/`.
Columns are examples, but in `fixed_points`, where rows are. Where the papers use one letter for two things, one of the
two has another here: the last column says what the paper writes. A star marks the teacher, that is whatever is to be
learned.

    letter      meaning                                                 shape               the paper's letter

    L, n_l      number of layers; units of layer l, n_0 being inputs    whole numbers
    x, h_l      an input; what layer l makes of it, h_0 = x             n_0; n_l
    W_l         weights of layer l                                      n_l x n_{l-1}       Lillicrap: W_0, W for
                                                                                            W_1, W_2
    B_l         feedback that stands where W_l^T stands                 n_{l-1} x n_l
    F_l         direct feedback: from the outputs' error to layer l     n_l x n_L           DFA papers: B_l
    G           Gram matrix of the feedback: F_l^T F_l, or B B^T        n_L x n_L; n x n
    e           the error of one example, output minus target           n_L                 Saad & Solla: -delta
    E           the same over all examples, or, of a linear map,        examples x n_L;     Lillicrap: -E
                W_2 W_1 - W*, so that e = E x                           n_2 x n_0
    lr, t       learning rate; time

    student_teacher, integrals
    N, K, M     inputs, student's units, teacher's units                whole numbers
    w, v        the student's hidden and output weights                 K x N; K            Saad & Solla: J, 1
    w*, v*      the teacher's                                           M x N; M            Saad & Solla: B, 1
    F           direct feedback to the student's units, n_L = 1         K                   the poster's F, of one
                                                                                            unit
    f           what passes e to the hidden units: v (bp) or F (fa)     K
    lambda, rho fields of student and teacher, w x and w* x over        K; M
                sqrt N; together u = (lambda, rho)
    g, g'       a unit's function and its slope
    sigma, xi   size of the teacher's noise, and the noise, N(0, 1)     numbers
    Q, R, T     overlaps w w^T / N, w w*^T / N, w* w*^T / N             K x K, K x M, M x M
    C           covariance of the fields, [[Q, R], [R^T, T]]            (K + M) x (K + M)
    I2 .. J2    Gaussian averages of g and g'                           numbers

    linear_task
    W*          the map to learn                                        n_2 x n_0           Lillicrap: T
    V           Lyapunov's function |B E|^2                             number

    deep_linear
    A_l         alignment matrices, W_l = F_l A_l F_{l-1}^T             n_L x n_L; A_1:
                                                                        n_L x n_0
    c_l         what a layer does within F_l: h_l = F_l c_l             n_L

    fixed_points
    X, Y        examples and targets, one a row                         examples x n_0,
                                                                        examples x n_L
    J, J^       dE/dw; the same by the rule's feedback                  entries of E x
                                                                        entries of w
    S           stability matrix J J^^T: dE/dt = -S E                   entries of E, twice
    D_l         slopes: what a unit error of an output makes of         examples x n_L x n_l
                layer l

    learned_feedback
    k, P        expansion; the path of product feedback, a fixed B      number; as W        Li & Benna: P = B R,
                times what learns, here transposed as W is                      R being an overlap here
"""

from .student_teacher import Overlaps, generalisation_error, integrate, matching_weights, simulate

__all__ = ["Overlaps", "generalisation_error", "integrate", "matching_weights", "simulate"]
