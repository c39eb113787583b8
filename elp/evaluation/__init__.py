"""Methods answer every test speaker; answers are measured, resampled and set out as tables.

In: a corpus and methods. Out: result files with intervals, and Tables 1 to 3. Chapter "Results".
"""
