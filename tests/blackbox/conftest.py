"""conftest.py - fixtures of the black-box tests.

SPDX-License-Identifier: MIT
"""
import pathlib
import shutil
import signal
import sys
import tempfile

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from harness import Receiver, Service  # noqa: E402

TEST_LIMIT_S = 180


def pytest_configure(config):
    config.addinivalue_line("markers", "threads: worth a run under TSan")


@pytest.fixture(autouse=True)
def limit():
    """A test that hangs fails instead of holding everything up."""
    def late(number, frame):
        raise TimeoutError(f"the test took more than {TEST_LIMIT_S} s")
    signal.signal(signal.SIGALRM, late)
    signal.alarm(TEST_LIMIT_S)
    yield
    signal.alarm(0)


@pytest.fixture(scope="session")
def base():
    """A folder with short paths: unix sockets do not like long ones."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="tocsin-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def make(base):
    """Make services that end with the test."""
    made = []

    def one(**options):
        service = Service(tempfile.mkdtemp(dir=base), **options)
        made.append(service)
        return service
    yield one
    for service in made:
        service.close()


@pytest.fixture(scope="module")
def service(base):
    """One running service for a file's tests."""
    one = Service(tempfile.mkdtemp(dir=base))
    one.start()
    yield one
    one.close()


@pytest.fixture(scope="module")
def shared_receiver():
    one = Receiver()
    yield one
    one.close()


@pytest.fixture
def receiver():
    one = Receiver()
    yield one
    one.close()
