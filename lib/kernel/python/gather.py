"""Build step: copies launcher.py, the package and its native module into one folder.

gather.py STAMP FOLDER FILE...   (this file itself is among the files and is left out)
"""
import pathlib
import shutil
import sys


def main(stamp, folder, *files):
    folder = pathlib.Path(folder)
    package = folder / "notebook_kernel"
    shutil.rmtree(folder, ignore_errors=True)
    package.mkdir(parents=True)
    for file in map(pathlib.Path, files):
        if file.name == "launcher.py":
            shutil.copy2(file, folder)
        elif file.name != "gather.py":
            shutil.copy2(file, package)
    pathlib.Path(stamp).touch()


main(*sys.argv[1:])
