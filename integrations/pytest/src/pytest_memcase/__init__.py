"""Cases of memcase as tests of pytest: `plugin` is what pytest calls, `program` what calls memcase."""
