import time,logging
from tests.mailroom import *
def test_a(project):
    t=time.monotonic(); o=small_office(project,30); print("office",time.monotonic()-t)
    with FakeSmtp() as s:
        t=time.monotonic(); r=o.run(*SEND,"--json",**way_to(s)); print("send",time.monotonic()-t, r.code)
        everybody_once(o,s,30)
        t=time.monotonic(); r=o.run(*SEND,"--json",**way_to(s)); print("again",time.monotonic()-t, r.code)
        t=time.monotonic(); p=o.start(*SEND,"--json",**way_to(s)); p.communicate(); print("proc",time.monotonic()-t, r.code)
