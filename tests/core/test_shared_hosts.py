"""Which hosts carry much else."""

from agent.core.model import BadInput
from agent.core.shared_hosts import ADDRESS, KNOWN_SHARED, PUBLIC_SUFFIX, WELL_KNOWN, SharedHosts, read_table

TABLE = ["# words", "", "files.example  # files", "=kit.example"]


class Suffixes:
    """Knows `example`, and `pages.example` as one where customers have their own names."""

    def suffix(self, name):
        return b"pages.example" if name.endswith(b"pages.example") else name.split(b".")[-1]

    def registrable(self, name):
        labels = self.suffix(name).count(b".") + 2
        return b".".join(name.split(b".")[-labels:])


def hosts():
    return SharedHosts(TABLE, [b"famous.example"], Suffixes())


def test_a_host_is_shared_for_a_reason():
    reasons = {
        b"files.example": KNOWN_SHARED,
        b"eu.files.example": KNOWN_SHARED,
        b"kit.example": KNOWN_SHARED,
        b"pages.example": PUBLIC_SUFFIX,
        b"example": PUBLIC_SUFFIX,
        b"famous.example": WELL_KNOWN,
        b"docs.famous.example": WELL_KNOWN,
        b"192.0.2.7": ADDRESS,
        b"2001:db8::7": ADDRESS,
    }
    for host, reason in reasons.items():
        assert hosts().why(host) == reason, host


def test_a_site_of_its_own_and_a_customers_name_are_not():
    for host in (b"bad.example", b"www.bad.example", b"customer.kit.example", b"customer.pages.example"):
        assert hosts().why(host) is None, host


def test_a_table_that_says_nothing_is_refused():
    for lines in ([], ["# only words", "=alone.example"], ["a..b"], ["files.example", "="]):
        try:
            read_table(lines)
        except BadInput:
            continue
        raise AssertionError(lines)
