"""DNS against dnslib: every message of the corpus, random messages that dnslib wrote, and what we write ourselves."""

import json
import lzma
import re
from contextlib import suppress
from functools import cache
from ipaddress import ip_address
from pathlib import Path

import dnslib
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.core import dns, wire
from agent.core.model import BadInput
from agent.core.names import canonical, parse, to_wire
from tests.core.whole import from_wire

CORPUS = Path(__file__).parents[3] / "shared" / "data" / "wire" / "dns.jsonl.xz"

# Messages that one side reads and the other refuses, by capture and frame. Beside these: labels that are not UTF-8,
# which are fine in DNS but not in dnslib.
UNREAD = "what is broken lies in data that the walk does not look into"
UPDATE = "a response to an update: records without data, an error to dnslib"
OPERATION = "another operation than a query, which peek refuses"
DISAGREED = {
    ("ndpi/fuzz-2006-06-26-2594.pcap", 18): UNREAD,
    ("ndpi/fuzz-2006-06-26-2594.pcap", 142): UNREAD,
    ("ndpi/fuzz-2006-06-26-2594.pcap", 345): UNREAD,
    ("zeek/dns-edns-ecs-weirds.pcap", 5): UNREAD,
    ("zeek/dns__loc-invalid-length.pcap", 1): UNREAD,
    ("zeek/dns__dynamic-update.pcap", 2): UPDATE,
    ("zeek/dns__dynamic-update.pcap", 4): UPDATE,
    ("ndpi/fuzz-2006-06-26-2594.pcap", 184): OPERATION,
    ("ndpi/fuzz-2006-06-26-2594.pcap", 256): OPERATION,
    ("zeek/dns__dns_notify2.pcap", 2): OPERATION,
    ("ndpi/dns-exf.pcap", 2): "OPT counted as the answer, and the answer not counted",
    ("ndpi/fuzz-2006-06-26-2594.pcap", 409): "a record longer than the message; dnslib reads its name and no further",
    ("zeek/dns-svcb-rdlength-mismatch.pcap", 1): "a service record of 2 bytes; dnslib reads into the next record",
    ("zeek/dns__conn-count-too-large.pcap", 1): "ten questions, which peek refuses (RFC 9619)",
    ("zeek/dns__dns-edns-bad-length.pcap", 1): "an EDNS option cut short; dnslib drops it",
}
UNSURE = {"malformed", "truncated", "disputed", "not_utf8", "other_opcode"}  # where the ground truth is none


@cache
def corpus() -> list[dict]:
    if not CORPUS.exists():
        return []
    with lzma.open(CORPUS) as lines:
        return [json.loads(line) for line in lines]


def messages() -> list[tuple[tuple[str, int], bytes, dict]]:
    if not corpus():
        pytest.skip(f"not here: {CORPUS}")
    return [((row["pcap"], row["frame"]), bytes.fromhex(row["message"]), row) for row in corpus()]


def is_query(message: bytes) -> bool:
    return len(message) < 3 or not message[2] & 0x80


def read(message: bytes) -> wire.Question | dns.DnsResponse | None:
    try:
        return wire.peek(message) if is_query(message) else dns.walk(message)
    except BadInput:
        return None


def dnslib_reads(message: bytes) -> dnslib.DNSRecord | None:
    try:
        return dnslib.DNSRecord.parse(message)
    except dnslib.DNSError:
        return None


def labels_of(label: dnslib.DNSLabel) -> bytes:
    return canonical([bytes(part) for part in label.label])


def opt_of(record: dnslib.DNSRecord) -> dnslib.RR | None:
    found = [extra for extra in record.ar if extra.rtype == wire.OPT]
    return found[0] if found else None


def same_question(ours: wire.Question, theirs: dnslib.DNSRecord) -> None:
    question, opt = theirs.q, opt_of(theirs)
    assert (ours.name, ours.qtype, ours.qclass) == (labels_of(question.qname), question.qtype, question.qclass)
    assert (ours.edns is None) == (opt is None)
    if opt is not None and ours.edns is not None:
        flags = (opt.ttl >> 16 & 0xFF, bool(opt.ttl & 0x8000))
        assert (ours.edns.size, ours.edns.version, ours.edns.dnssec) == (opt.rclass, *flags)


def before_opt(theirs: dnslib.DNSRecord) -> list[dnslib.RR]:
    types = [record.rtype for record in theirs.ar]
    return theirs.rr + theirs.auth + theirs.ar[: types.index(wire.OPT) if wire.OPT in types else None]


def same_answer(ours: dns.DnsResponse, theirs: dnslib.DNSRecord) -> None:
    opt = opt_of(theirs)
    assert ours.rcode == theirs.header.rcode | ((opt.ttl >> 24 << 4) if opt else 0)
    assert ours.truncated == bool(theirs.header.tc)
    records = [record for record in theirs.rr if record.rclass == wire.IN]
    assert ours.chain == [labels_of(target) for record in records for target in targets(record)]
    assert ours.addresses == [address for record in records for address in addresses(record)]
    ttls = [record.ttl if record.ttl < 1 << 31 else 0 for record in before_opt(theirs)]
    assert ours.min_ttl == (min(ttls) if ttls else None)
    zones = [record for record in theirs.auth if record.rtype == wire.SOA]
    if zones:
        assert ours.soa_negative_ttl == min(zones[-1].ttl, zones[-1].rdata.times[4])
    if theirs.questions:
        assert ours.found == any(theirs.q.qtype in (record.rtype, wire.ANY) for record in theirs.rr)


def targets(record: dnslib.RR) -> list[dnslib.DNSLabel]:
    if record.rtype == wire.CNAME:
        return [record.rdata.label]
    if record.rtype in (wire.HTTPS, wire.SVCB):
        target = dnslib.DNSLabel(service(record).target)
        return [target] if target.label else []
    return []


def service(record: dnslib.RR) -> dnslib.HTTPS:
    """The data of HTTPS or SVCB, which are written alike; dnslib knows the first only."""
    if isinstance(record.rdata, dnslib.HTTPS):
        return record.rdata
    return dnslib.HTTPS.parse(dnslib.DNSBuffer(record.rdata.data), len(record.rdata.data))


def addresses(record: dnslib.RR) -> list[bytes]:
    if record.rtype in (wire.A, wire.AAAA):
        return [bytes(record.rdata.data)]
    if record.rtype not in (wire.HTTPS, wire.SVCB):
        return []
    hints = [(value, {4: 4, 6: 16}[key]) for key, value in service(record).params if key in (4, 6)]
    return [bytes(value[at : at + size]) for value, size in hints for at in range(0, len(value), size)]


def test_both_read_the_same_messages_of_the_corpus() -> None:
    met = set()
    for key, message, row in messages():
        if (read(message) is None) != (dnslib_reads(message) is None) and "not_utf8" not in row["tags"]:
            assert key in DISAGREED, (key, row["tags"])
            met.add(key)
    assert met == set(DISAGREED), "an exception that is none any more"


def test_both_read_the_same_out_of_the_corpus() -> None:
    compared = 0
    for _, message, _ in messages():
        ours, theirs = read(message), dnslib_reads(message)
        if ours is None or theirs is None:
            continue
        compared += 1
        if isinstance(ours, wire.Question):
            same_question(ours, theirs)
        else:
            same_answer(ours, theirs)
    assert compared > 1900


def plain_name(text: str) -> bytes:
    """A name as tshark prints it: control characters as octal escapes."""
    raw = re.sub(rb"\\([0-7]{3})", lambda octal: bytes([int(octal[1], 8)]), text.encode())
    return canonical(raw.split(b".")) if raw not in (b"", b"<Root>") else b""


def test_the_corpus_agrees_with_its_ground_truth() -> None:
    compared = 0
    for key, message, row in messages():
        ours = read(message)
        if ours is None or UNSURE & set(row["tags"]) or key in DISAGREED:
            continue
        compared += 1
        assert row["is_response"] == (not is_query(message))
        if isinstance(ours, wire.Question):
            assert (ours.name, ours.qtype) == (plain_name(row["qname"]), row["qtype"]), key
        else:
            truth = [record["data"] for record in row["answers"] if record["type"] in ("A", "AAAA")]
            aliases = [plain_name(record["data"]) for record in row["answers"] if record["type"] == "CNAME"]
            if row["qtype"] in (wire.HTTPS, wire.SVCB):  # whose targets and hints the ground truth leaves out
                assert ours.chain[: len(aliases)] == aliases, key
                continue
            assert ours.addresses == [ip_address(text).packed for text in truth], key
            assert ours.chain == aliases, key
    assert compared > 1900


def test_what_we_write_for_the_corpus_is_read_by_dnslib() -> None:
    for _, message, row in messages():
        question = read(message)
        if not isinstance(question, wire.Question) or "not_utf8" in row["tags"]:
            continue
        written = (
            (dns.blocked(message, question, dns.NULL, 10, "Phishing: list 1"), wire.NOERROR),
            (dns.blocked(message, question, dns.NXDOMAIN_STYLE, 10, "Phishing: list 1"), wire.NXDOMAIN),
            (dns.servfail(message, question, dns.EDE_NETWORK_ERROR, "no answer"), wire.SERVFAIL),
            (dns.refused(message, question), wire.REFUSED),
            (dns.nodata(message, question, 10), wire.NOERROR),
            (dns.nxdomain(message, question, 10), wire.NXDOMAIN),
        )
        for answer, rcode in written:
            assert answer[12 : question.end] == message[12 : question.end], "also in its case"
            checked_reply(dnslib.DNSRecord.parse(answer), message, question, rcode)
        sent = dnslib.DNSRecord.parse(dns.forwarded(message, question, 77))
        assert (sent.header.id, sent.header.qr, labels_of(sent.q.qname)) == (77, 0, question.name)
        assert opt_of(sent) is None or not opt_of(sent).rdata


def checked_reply(reply: dnslib.DNSRecord, message: bytes, question: wire.Question, rcode: int) -> None:
    asked = dnslib.DNSHeader.parse(dnslib.DNSBuffer(message))
    head = reply.header
    assert (head.id, head.qr, head.opcode, head.rd, head.ra) == (asked.id, 1, 0, asked.rd, 1)
    assert (head.tc, head.aa, head.rcode, len(reply.questions)) == (0, 0, rcode, 1)
    opt = opt_of(reply)
    assert (opt is None) == (question.edns is None)
    if opt is not None and question.edns is not None:
        assert (opt.rclass, bool(opt.ttl & 0x8000), opt.ttl >> 16) == (1232, question.edns.dnssec, 0)
        assert all(option.code == 15 for option in opt.rdata)


def test_answers_of_the_corpus_can_be_kept_and_served() -> None:
    """Settled, aged, and given to another client, dnslib reads the same records with smaller TTLs."""
    served = 0
    for _, message, _ in messages():
        answer, before = read(message), dnslib_reads(message)
        if not isinstance(answer, dns.DnsResponse) or before is None or len(before.questions) != 1:
            continue
        end = wire.skip_questions(message)
        asked = dnslib.DNSRecord.question("x").pack()[:12] + message[12:end]
        if read(asked) is None:
            continue
        question = wire.peek(asked)
        settled = dns.normalised(message, question, answer)
        after = dnslib.DNSRecord.parse(dns.readdressed(dns.aged(settled, 100), asked, question))
        assert after.header.id == dnslib.DNSRecord.parse(asked).header.id
        assert [extra for extra in after.ar if extra.rtype == wire.OPT] == []
        for old, new in zip(before_opt(before), after.rr + after.auth + after.ar, strict=True):
            ttl = max(0, old.ttl - 100) if old.ttl < 1 << 31 else 0
            assert (new.rname, new.rtype, new.ttl) == (old.rname, old.rtype, ttl)
            assert vars(new.rdata) == vars(old.rdata)
        cut = dnslib.DNSRecord.parse(dns.truncated(settled, len(settled) - 1))
        assert (cut.header.tc, cut.rr, cut.auth, cut.ar) == (1, [], [], [])
        served += 1
    assert served > 900


# Random messages, written by dnslib

label = st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_ *", min_size=1, max_size=20)
name = st.lists(label.map(str.encode), min_size=1, max_size=6).map(dnslib.DNSLabel)
ttl = st.integers(0, (1 << 31) - 1)


@st.composite
def resource(draw: st.DrawFn, owners: st.SearchStrategy) -> dnslib.RR:
    kind = draw(st.sampled_from(["A", "AAAA", "CNAME", "TXT", "MX", "SOA", "NS"]))
    data = {
        "A": st.binary(min_size=4, max_size=4).map(lambda raw: dnslib.A(list(raw))),
        "AAAA": st.binary(min_size=16, max_size=16).map(lambda raw: dnslib.AAAA(list(raw))),
        "CNAME": name.map(dnslib.CNAME),
        "NS": name.map(dnslib.NS),
        "TXT": st.binary(max_size=40).map(dnslib.TXT),
        "MX": name.map(dnslib.MX),
        "SOA": st.builds(lambda a, b, t: dnslib.SOA(a, b, (1, 2, 3, 4, t)), name, name, ttl),
    }[kind]
    return dnslib.RR(draw(owners), getattr(dnslib.QTYPE, kind), ttl=draw(ttl), rdata=draw(data))


@st.composite
def reply(draw: st.DrawFn) -> bytes:
    asked = draw(name)
    owners = st.just(asked) | name
    record = dnslib.DNSRecord(
        dnslib.DNSHeader(id=draw(st.integers(0, 65535)), qr=1, rcode=draw(st.integers(0, 5))),
        q=dnslib.DNSQuestion(asked, draw(st.sampled_from([1, 5, 28, 65, 255]))),
    )
    for add in (record.add_answer, record.add_auth, record.add_ar):
        add(*draw(st.lists(resource(owners), max_size=5)))
    if draw(st.booleans()):
        record.add_ar(dnslib.EDNS0(udp_len=draw(st.integers(0, 65535)), ext_rcode=draw(st.integers(0, 255))))
    return bytes(record.pack())


@given(reply())
def test_what_dnslib_writes_is_read(message: bytes) -> None:
    ours = dns.walk(message)
    same_answer(ours, dnslib.DNSRecord.parse(message))
    assert ours.body_end <= len(message)
    for size in (len(message) - 1, len(message) // 2, 11):
        with pytest.raises(BadInput):
            dns.walk(message[:size])


@given(reply(), st.integers(0, 1 << 32))
def test_ageing_touches_nothing_but_ttls(message: bytes, seconds: int) -> None:
    aged = dns.aged(message, seconds)
    inside = {at + index for at in dns.ttl_offsets(message) for index in range(4)}
    assert len(aged) == len(message)
    assert {at for at in range(len(message)) if aged[at] != message[at]} <= inside
    if not seconds:
        assert aged == message


@given(name, st.integers(0, 65535), st.integers(0, 65535), st.booleans(), st.booleans())
def test_case_never_matters_to_the_key(asked: dnslib.DNSLabel, qtype: int, id: int, edns: bool, do: bool) -> None:
    def key(wire_name: bytes, cookie: bytes) -> bytes:
        record = dnslib.DNSRecord(dnslib.DNSHeader(id=id, rd=1), q=dnslib.DNSQuestion("x", qtype))
        if edns:
            options = [dnslib.EDNSOption(10, cookie)] if cookie else []
            record.add_ar(dnslib.EDNS0(udp_len=1232, flags="do" if do else "", opts=options))
        packed = record.pack()
        message = packed[:12] + wire_name + packed[15:]
        return dns.cache_key(message, wire.peek(message))

    raw = to_wire(canonical(list(asked.label)))
    assert key(raw, b"") == key(raw.upper(), b"12345678")


@given(reply(), st.lists(st.tuples(st.integers(0, 65535), st.integers(0, 255)), min_size=1, max_size=8))
def test_a_mutated_message_is_a_value_or_bad_input(message: bytes, changes: list[tuple[int, int]]) -> None:
    mutated = bytearray(message)
    for at, byte in changes:
        mutated[at % len(mutated)] = byte
    for start in (bytes(mutated), bytes(mutated[:2]) + b"\1\0" + bytes(mutated[4:])):
        total(start)


@given(st.binary(max_size=600))
def test_random_bytes_are_a_value_or_bad_input(message: bytes) -> None:
    total(message)
    total(message[:2] + b"\1\0\0\1" + message[6:])
    total(message[:2] + b"\x81\x80\0\1\0\2\0\1\0\1" + message[12:])


def total(message: bytes) -> None:
    for action in (wire.peek, dns.walk, dns.ttl_offsets, from_wire, parse, dns.malformed):
        with suppress(BadInput):
            action(message)
