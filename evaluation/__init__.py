"""How good a head is: rows, data sets, metrics, baselines, reports."""
