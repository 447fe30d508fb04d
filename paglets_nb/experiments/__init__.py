"""Experiments: fan-outs over grids of requests and hosts, their results and comparison.

What a widget, a magic or plain Python runs. It must not know IPython or ipywidgets.
"""
