"""A live page: a net learns by one rule, or by two side by side, and a browser shows what happens inside.

    messages.py   the settings, how they are read and refused, and how arrays become pictures in a message
    engine.py     `Engine`: messages in, messages out; it trains by the library's own `train_step`
    picture.py    what an update shows of the nets: matrices, signals, digits, and the next step in numbers
    server.py     the page and one engine a page, over HTTP on this machine alone
    export.py     the same page as a static site, where the engine runs inside the browser (Pyodide)
    page/         the page: HTML, CSS and plain modules; uPlot draws the curves

The engine knows nothing of HTTP: the server's thread and the browser's worker speak to it in the same messages.
"""
