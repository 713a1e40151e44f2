"""The kit for authors of transports and drivers: what ours have to pass, yours can pass too. No test runner needed.

* `auricle.transports.testing.trio.check_transport` and `auricle.transports.testing.asyncio.check_transport`: does your
  `Wire` keep the promises of `auricle.transports.wire`?
* `auricle.transports.testing.driver.check_driver`: does your driver keep the ten rules, on virtual time?

Both raise `AssertionError` with one sentence that names the rule broken. docs/extending.md shows how to use them.
"""
