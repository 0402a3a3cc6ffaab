"""Hostile inputs for everything public: ``PYTHONPATH=tests python -m fuzz``.

What is public is found by walking the package (`surface`), what a sensible call of it looks like by
running its examples (`examples`). A call is then damaged somewhere (`damage`, `hostile`), or a file
that the library reads (`reading`, `inputs`), and what comes of it is judged (`judging`), in a
process with limits (`campaign`). No function of the library is named here: a new one is taken up by
itself. `coverage_guided` has the readers of files driven by atheris.
"""
