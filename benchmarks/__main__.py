"""Every benchmark, one after the other."""

import sys

from benchmarks import (
    audit_size,
    auditing,
    choices,
    decision,
    decision_log,
    guard,
    learning,
    ledger,
    lists,
    pages,
    policy_size,
    proxy,
    reading,
    recognition,
)

BENCHMARKS = (
    audit_size,
    auditing,
    choices,
    decision,
    decision_log,
    guard,
    learning,
    ledger,
    lists,
    policy_size,
    reading,
    recognition,
    proxy,
    pages,
)


def main() -> int:
    for benchmark in BENCHMARKS:
        print((benchmark.__doc__ or "").splitlines()[0])
        for line in benchmark.run():
            print(f"  {line}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
