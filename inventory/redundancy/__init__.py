"""The redundancy proof: which single element cuts a LUN off a host, shown from what hosts, switches and arrays tell
(facts/san.md 3, docs/adr/0025). Pure: plain dataclasses in, plain dataclasses out."""
