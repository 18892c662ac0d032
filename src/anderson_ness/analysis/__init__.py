"""From tables to numbers: estimators and their errors, fits, profiles, finite-size scaling.

`estimators` takes arrays, `tables` tidy tables of samples, `fits` and `finite_size` what these return. Everything
that is estimated comes with its error, everything that is fitted with the covariance of its parameters, chi^2 and
p-value.
"""
