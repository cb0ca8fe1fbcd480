"""The identities and laws that the engine and each rule must obey. `numpyfa check` and the tests run the same ones.

Each function in `CHECKS` returns a list of `Check`s: a figure and the tolerance it must not exceed.
"""

from .gradients import (
    kinks_are_skipped,
    layers_by_finite_differences,
    losses_by_finite_differences,
    rules_by_finite_differences,
    tails_by_finite_differences,
)
from .identities import (
    adjoint_gap,
    conv_equals_six_loops,
    cross_entropy_at_small_weights,
    fold_is_the_adjoint_of_rows,
    one_hidden_layer_fa_is_dfa,
    output_layer_equals_bp,
    rules_with_bp_feedback_equal_bp,
    shallow_leaves_hidden_layers,
    six_loop_gap,
    twenty_examples_are_overfitted,
    updates_follow_the_order_of_the_equations,
)
from .laws import (
    direct_kolen_pollack,
    direct_targets,
    kolen_pollack_gap,
    product_feedback,
    sign_feedback,
    weight_mirror,
)
from .nets import batch, conv_net, dense_net, outcome, residual_net, use_bp_feedback

CHECKS = (
    tails_by_finite_differences,
    kinks_are_skipped,
    losses_by_finite_differences,
    layers_by_finite_differences,
    rules_by_finite_differences,
    output_layer_equals_bp,
    rules_with_bp_feedback_equal_bp,
    one_hidden_layer_fa_is_dfa,
    shallow_leaves_hidden_layers,
    fold_is_the_adjoint_of_rows,
    conv_equals_six_loops,
    cross_entropy_at_small_weights,
    twenty_examples_are_overfitted,
    updates_follow_the_order_of_the_equations,
    kolen_pollack_gap,
    weight_mirror,
    product_feedback,
    direct_kolen_pollack,
    sign_feedback,
    direct_targets,
)
