"""Install vibackup, and the fakes that --lab needs."""
import io
import os
import re

from setuptools import find_packages, setup

HERE = os.path.dirname(os.path.abspath(__file__))


def read(*path):
    with io.open(os.path.join(HERE, *path), encoding="utf-8") as file:
        return file.read()


setup(
    name="vibackup",
    version=re.search(r'^__version__ = "([^"]+)"', read("vibackup", "version.py"), re.M).group(1),
    description="Back up and recover virtual servers under Virtual Iron",
    long_description=read("README.rst") if os.path.exists(os.path.join(HERE, "README.rst")) else "",
    long_description_content_type="text/x-rst",
    license="MIT",
    python_requires=">=2.7, !=3.0.*, !=3.1.*, !=3.2.*, !=3.3.*, !=3.4.*, !=3.5.*",
    packages=find_packages(include=["vibackup", "vibackup.*", "fakes", "fakes.*"]),
    package_data={"vibackup": ["agents.ini", "arrays.ini", "fleet/examples/*.ini"],
                  "fakes": ["inventories/*.json", "contract/*.java"]},
    entry_points={"console_scripts": ["vibackup = vibackup.cli:main_and_exit"]},
    zip_safe=False,
    classifiers=[
        "Environment :: Console",
        "Intended Audience :: System Administrators",
        "Programming Language :: Python :: 2.7",
        "Programming Language :: Python :: 3",
        "Programming Language :: Python :: Implementation :: CPython",
        "Programming Language :: Python :: Implementation :: Jython",
        "Topic :: System :: Archiving :: Backup",
    ],
)
