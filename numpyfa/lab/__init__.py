"""The laboratory: how any experiment is run. What is run is in `numpyfa.papers`.

experiment   what an experiment is: settings, jobs, work, figure, table, verdict
protocol     the settings of trained nets, and the net, rule, loss and optimiser that they stand for
training     the experiment made of such a protocol; its job trains one rule from one seed
run          the runner: does the jobs that are missing, then writes tables and figure
pool         where the jobs are done: processes of their own, or any executor
cluster      Dask as such an executor
folder       the folder of a run: what may be written, what may be resumed
progress     what is shown meanwhile
tables       rows of results
compare      ours beside the paper's, with one verdict for all
reference    a run against the committed numbers, and the band around them
listing      the list of the experiments, and what is known of their results
plots        what figures share
looks        one colour and line style a rule
layer_names  what the numbers of a net's layers stand for
net_figure   the figure of trained nets
sweep        the experiment that tunes each rule by the same budget, in many small jobs
trial        one of them: a net is trained, from its checkpoint if it has one
points       what is tried
sweep_table  what was found
sweep_figure  its figure
sweep_words  a sweep as the command line says it
"""
