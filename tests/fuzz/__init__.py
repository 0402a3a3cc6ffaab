"""Hostile inputs for everything public: `python -m fuzz` from the folder of the tests, or `pytest -m slow`.

What is public is found by walking the package (`surface`), what a sensible call of it looks like by
running its examples (`examples`); a call is then damaged somewhere (`damage`), or a file that the
library reads (`files`), and what comes out is judged (`judging`), in a process with limits
(`campaign`). Nothing of this names a function of the library: a new one is taken up by itself.
"""
