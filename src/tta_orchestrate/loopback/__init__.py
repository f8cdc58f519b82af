"""Model providers on 127.0.0.1 for ``selftest``, tests, benches: the protocols of three vendors, scripted answers.

They count tokens and money by themselves, from what they really sent, so that the ledger of a run can be compared with
somebody else's books. No answer here comes from a model, and everything that shows one says so.
"""
