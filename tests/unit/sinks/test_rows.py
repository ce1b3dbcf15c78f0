"""Records as rows: in the order of the tables, each record once, U+0000 and what is not UTF-8."""

from __future__ import annotations

import json

import pytest

from streams.errors import InvalidError
from streams.kafka.link import Record
from streams.sinks.rows import ArticleRow, fresh_rows, rows_of
from streams.sinks.sql_schema import ARTICLES
from tests.contract.sink_cases import LABELS, NAME, Graveyard, record, records
from tests.items import as_bytes, labelled_json


def test_a_row_has_the_columns_of_the_table_in_their_order() -> None:
    assert ["id", *ArticleRow._fields] == [column.name for column in ARTICLES.c]


def test_each_record_comes_once_and_places_move_on() -> None:
    grave = Graveyard()
    places = {(NAME, 0): 2}
    given = [*records(0, 0, 4), Record(NAME, 0, 4, b"k", None, [], 0), record(0, 5, b"{}"), *records(1, 7, 8)]
    found = [(r.partition, r.offset, rows is not None) for r, rows in fresh_rows(given, places, LABELS, grave)]
    assert found == [(0, 2, True), (0, 3, True), (0, 4, False), (0, 5, False), (1, 7, True)]
    assert places == {(NAME, 0): 6, (NAME, 1): 8}
    assert [r.offset for r, _ in grave.buried] == [5]


def test_a_nul_becomes_the_character_for_what_cannot_be_shown() -> None:
    made = labelled_json(version="1\x00", headlines=[{"value": "a\x00b \\u0000"}])
    row = rows_of(record(0, 0, as_bytes(made)), LABELS).article
    assert (row.version, row.headline) == ("1\ufffd", "a\ufffdb \\u0000")
    assert json.loads(row.item)["headlines"] == [{"value": "a\ufffdb \\u0000"}]


def test_what_is_not_utf_8_in_a_member_that_is_not_read_is_refused() -> None:
    value = as_bytes(labelled_json(slugline="WWW")).replace(b"WWW", b"\xff")
    with pytest.raises(InvalidError, match="not JSON in UTF-8"):
        rows_of(record(0, 0, value), LABELS)
