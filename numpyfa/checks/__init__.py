"""The identities and laws that the engine and each rule must obey. `numpyfa check` and the tests run the same ones.

Each function in `CHECKS` returns a list of `Check`s: a figure and the tolerance it must not exceed.
"""

from .direct import (
    chosen_layers,
    direct_kolen_pollack,
    direct_signs,
    direct_targets,
    frozen_layers_gain_nothing,
    greedy_layers,
    indirect_feedback,
    kernel_and_full_maps,
)
from .gradients import (
    feedback_by_finite_differences,
    inverses_by_finite_differences,
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
    matrices_carry_what_transport_sends,
    one_hidden_layer_fa_is_dfa,
    output_layer_equals_bp,
    patch_gaps,
    patches_equal_their_definitions,
    rules_with_bp_feedback_equal_bp,
    shallow_leaves_hidden_layers,
    six_loop_gap,
    twenty_examples_are_overfitted,
    updates_follow_the_order_of_the_equations,
)
from .laws import (
    kolen_pollack_gap,
    linear_invariant,
    product_feedback,
    regularised_feedback,
    sign_feedback,
    weight_mirror,
)
from .nets import NETS, batch, conv_net, dense_net, fit_for, outcome, residual_net, use_bp_feedback
from .targets import local_targets, target_propagation

CHECKS = (
    tails_by_finite_differences,
    kinks_are_skipped,
    losses_by_finite_differences,
    layers_by_finite_differences,
    rules_by_finite_differences,
    feedback_by_finite_differences,
    inverses_by_finite_differences,
    output_layer_equals_bp,
    rules_with_bp_feedback_equal_bp,
    one_hidden_layer_fa_is_dfa,
    shallow_leaves_hidden_layers,
    fold_is_the_adjoint_of_rows,
    patches_equal_their_definitions,
    matrices_carry_what_transport_sends,
    conv_equals_six_loops,
    cross_entropy_at_small_weights,
    twenty_examples_are_overfitted,
    updates_follow_the_order_of_the_equations,
    linear_invariant,
    sign_feedback,
    kolen_pollack_gap,
    weight_mirror,
    product_feedback,
    regularised_feedback,
    target_propagation,
    local_targets,
    direct_kolen_pollack,
    direct_targets,
    direct_signs,
    chosen_layers,
    kernel_and_full_maps,
    indirect_feedback,
    greedy_layers,
    frozen_layers_gain_nothing,
)
