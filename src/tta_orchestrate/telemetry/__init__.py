"""Traces and metrics of a run, made from its report when it is over: nothing is measured twice."""
