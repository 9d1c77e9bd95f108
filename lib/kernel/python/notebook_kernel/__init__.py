"""The kernel side of a notebook server: what runs in the launcher, in every kernel, in the analyser.

Starts at launcher.py, one folder up. The wire is schema/kernel.yaml. Modules by process:

launcher   warm (imports), children (fork, signal, reap), confine (what a new process does to itself)
kernel     kernel (assembly), control (frames from the server), run (one run), shell (IPython embedded),
           interrupts, streams, outputs, tables, figures, errors, source, sql and its helpers;
           questions (their thread), completion, inspection, variables, preview, look
analyser   analyser (the process), names (reads and writes of a cell), scopes, magics, reader (IPython's)
"""
