"""Pictures to measure with, made from photographs that a package carries. Classifies and times nothing."""
