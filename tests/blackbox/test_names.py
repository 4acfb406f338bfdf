"""A name that never resolves beside healthy receivers.

getaddrinfo is replaced in the tested process: names that end in .hang are
looked up for ever.
SPDX-License-Identifier: MIT
"""
import pathlib
import subprocess
import time

import pytest

from harness import wait_until

SHIM = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netdb.h>
#include <string.h>
#include <unistd.h>
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                struct addrinfo **res)
{
    static int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    size_t len = node == NULL ? 0 : strlen(node);
    if (len > 5 && strcmp(node + len - 5, ".hang") == 0)
        for (;;)
            pause();
    if (real == NULL)
        real = (int (*)(const char *, const char *, const struct addrinfo *, struct addrinfo **))
            dlsym(RTLD_NEXT, "getaddrinfo");
    return real(node, service, hints, res);
}
"""


@pytest.fixture
def shim(base):
    source = base / "shim.c"
    source.write_text(SHIM)
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", str(base / "shim.so"), str(source), "-ldl"],
                   check=True)
    return str(base / "shim.so")


def sanitized():
    """A preloaded library would come before the sanitizer's runtime."""
    binary = pathlib.Path(__import__("harness").BIN).read_bytes()
    return b"__asan_init" in binary or b"__tsan_init" in binary


@pytest.mark.skipif(sanitized(), reason="LD_PRELOAD and sanitizers do not mix")
def test_dead_names_do_not_stall(make, receiver, shim):
    service = make(env={"LD_PRELOAD": shim}).start()
    for number in range(4):
        service.webhook(f"http://dead{number}.hang/", ["names.test"], timeout=1.0)
    service.webhook(receiver.url("/literal"), ["names.test"])
    service.webhook(f"http://localhost:{receiver.port}/named", ["names.test"])
    started = time.monotonic()
    for number in range(100):
        service.publish("names.test", data=number)
    receiver.wait("/literal", 100)
    receiver.wait("/named", 100)
    assert time.monotonic() - started < 15
    # The stop does not wait for them either.
    started = time.monotonic()
    assert service.stop(30) == 0
    assert time.monotonic() - started < 15


def test_unknown_name_fails_with_a_reason(service):
    service.webhook("http://nobody.invalid/", ["unknown.test"])
    sent = service.publish("unknown.test")
    shown = service.settled(sent["event_id"], "failed", 60)
    assert "name" in str(shown["last_error"]).lower() or "name" in str(shown["attempts"]).lower()
    wait_until(lambda: service.call("GET", "/healthz").status_code == 200)
