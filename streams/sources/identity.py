"""The identity of an item: the same item read twice, from two places or on two days, gets the same uri.

Order of trust: the publisher's uri; its guid, which is its own only within its host; the address, freed of everything
that changes while the page stays the same; title and date. All but the first are hashed into `urn:newswire:item:`.
"""

from __future__ import annotations

import hashlib
import re

import yarl

from streams.errors import InvalidError

PREFIX = "urn:newswire:item:"
# Campaign, click and session marks. Not in the list on purpose: ref, source, id, p, page: some sites address articles
# by them (ready-made cleaners that drop them turned ?p=123 and ?id=5 into the front page).
_TRACKING = re.compile(
    r"(?:utm|mtm|pk|piwik|matomo|hsa|at|ns|vero)_\w*|_hs(?:enc|mi)|__twitter_impression|"
    r"(?:fb|g|dc|y|tw|ms|tt|igs?h|wbr|gbr)clid|gclsrc|igsh(?:id)?|mc_[ce]id|msclkid|mkt_tok|ref_(?:src|url)|"
    r"xtor|cmpid|ocid|wt_mc|s_cid|ito|spm|guccounter|guce_referr\w*|phpsessid|jsessionid|sid|aspsessionid\w*",
    re.IGNORECASE,
)
_SESSION_IN_PATH = re.compile(r";jsessionid=[^/?#]*", re.IGNORECASE)
_DEVICE_HOST = re.compile(r"^(?:www\d?|m|mobile|mobil|amp)\.(?=[^.]+\.)")
_AMP_PATH = re.compile(r"^/amp(?=/)|/amp(?:\.html)?/?$")
# hashlib lets go of the interpreter lock from 2,048 bytes on, and the producer's thread keeps it for up to 5 ms: 70 us
# an item where hashing takes 3
_PIECE_BYTES = 2_000
_DEFAULT_PORTS = {"http": 80, "https": 443}
_AMP_QUERY = frozenset({"amp", "outputtype", "amp_js_v"})


def canonical_url(url: str) -> str:
    """The address that still opens the page: host in lower case, query sorted, no default port, user, fragment, marks.

    `#!` fragments stay: single-page sites keep the article there. Raises InvalidError: not http(s) with a host.
    """
    return str(_canonical(url))


def url_key(url: str) -> str:
    """The address as an identity, which may not open: canonical_url without scheme, www, m, amp and slash at the end.

    Raises InvalidError.
    """
    address = _canonical(url)
    host = _DEVICE_HOST.sub("", address.raw_host or "")
    port = f":{address.explicit_port}" if address.explicit_port else ""
    path = _AMP_PATH.sub("", address.raw_path).rstrip("/")
    pairs = [(name, value) for name, value in address.query.items() if name.lower() not in _AMP_QUERY]
    query = yarl.URL.build(path="/", query=pairs).raw_query_string
    fragment = address.raw_fragment
    return f"{host}{port}{path}{'?' if query else ''}{query}{'#' if fragment else ''}{fragment}"


def guid_uri(guid: str, host: str) -> str:
    """The uri of an item that its publisher names, within one host."""
    return _urn("guid", _DEVICE_HOST.sub("", host.lower()), guid.strip())


def url_uri(url: str) -> str:
    """The uri of an item that has an address. Raises InvalidError."""
    return _urn("url", url_key(url))


def text_uri(source: str, title: str, date: str | None, text: str) -> str:
    """The uri of an item without name and address: of its source, title and date; without a date its text decides."""
    return _urn("title", source, title, date) if date else _urn("text", source, title, text)


def _urn(kind: str, *parts: str) -> str:
    name = "\n".join((kind, *parts)).encode()
    digest = hashlib.blake2b(digest_size=16)
    for start in range(0, len(name), _PIECE_BYTES):
        digest.update(name[start : start + _PIECE_BYTES])
    return PREFIX + digest.hexdigest()


def _canonical(url: str) -> yarl.URL:
    try:
        address = yarl.URL(url.strip())
        if address.scheme not in {"http", "https"} or not address.raw_host:
            raise InvalidError(f"url: {url[:200]!r} is not an address of http or https")
        kept = sorted((n, v) for n, v in address.query.items() if not _TRACKING.fullmatch(n))
        fragment = address.fragment if address.fragment.startswith("!") else ""
        host = address.raw_host.lower().rstrip(".")
        port = address.explicit_port
        bare = yarl.URL.build(
            scheme=address.scheme,
            host=f"[{host}]" if ":" in host else host,
            port=None if port == _DEFAULT_PORTS[address.scheme] else port,
            path=_SESSION_IN_PATH.sub("", address.raw_path),
            encoded=True,
        )
        return yarl.URL(str(bare.with_query(kept or None).with_fragment(fragment or None)))
    except (ValueError, UnicodeError) as error:
        raise InvalidError(f"url: {url[:200]!r} is not an address: {error}") from error
