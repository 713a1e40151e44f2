"""The test kit for authors of transports and drivers, which the built-in ones pass too. It needs no test runner.

* `auricle.transports.testing.trio.check_transport` and `auricle.transports.testing.asyncio.check_transport`: does a
  `Wire` keep the promises of `auricle.transports.wire`?
* `auricle.transports.testing.driver.check_driver`: does a driver keep the ten rules, on virtual time?

Both raise `AssertionError` with one sentence that names the rule broken. docs/extending.md shows how to use them.
"""
