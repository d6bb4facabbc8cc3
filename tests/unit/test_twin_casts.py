"""Casts in PostgreSQL's expressions: those that the server leaves, and somebody's."""

from __future__ import annotations

import pytest

from alembic_lockstep.probe.twin.postgresql.spelling import default_form, normal_form


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("lower(body::character varying(10)::text)", "lower(body::character varying(20)::text)"),
        ("(body::character varying(10))", "(body)"),
        ("CHECK (code::text = 'abc'::character(2)::text)", "CHECK (code::text = 'abc'::text)"),
        ("tags::character varying(5)[]", "tags::character varying(6)[]"),
    ],
)
def test_a_cast_that_cuts_a_text_is_compared(first: str, second: str) -> None:
    assert normal_form(first) != normal_form(second)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("lower(body::text)", "lower(body)"),
        ("ARRAY['x'::character varying, 'y'::character varying]::text[]", "ARRAY['x', 'y']"),
        ("code = 'z'::bpchar", "code = 'z'"),
        (
            "code::text = ANY ((ARRAY['x'::character varying, 'y'::character varying])::text[])",
            "code::text = ANY (ARRAY[('x'::character varying)::text, 'y'::text])",
        ),
    ],
)
def test_a_cast_that_the_server_leaves_is_idle(first: str, second: str) -> None:
    assert normal_form(first) == normal_form(second)


@pytest.mark.parametrize(
    ("first", "second", "kind"),
    [
        ("1000::bigint + (random() * 100)::bigint", "1000::bigint", "bigint"),
        ("1000::bigint + 1", "1000::bigint + 2", "bigint"),
        ("'x'::text || 'y'::text", "'x'::text || 'z'::text", "text"),
        ("1.6::integer", "1.6", "numeric(10,2)"),
        ("1.66::numeric(3,1)", "1.66", "numeric(10,2)"),
        ("'abc'::character varying(2)", "'abc'::character varying", "character varying(9)"),
        ("'{}'::json #> '{a}'::text[]", "'{}'::json", "json"),
    ],
)
def test_what_follows_a_casts_literal_in_a_default_is_compared(
    first: str, second: str, kind: str
) -> None:
    assert default_form(first, kind) != default_form(second, kind)


@pytest.mark.parametrize(
    ("first", "second", "kind"),
    [
        ("1000::bigint", "1000", "bigint"),
        ("(-1)::bigint", "'-1'::integer", "bigint"),
        ("0::numeric::double precision", "0.0", "double precision"),
        ("'0'::numeric(10,2)", "0.00", "numeric(10,2)"),
        ("'abc'::character varying(9)", "'abc'::character varying", "character varying(9)"),
        ("'{\"a\":1}'::text::json", "'{\"a\": 1}'::json", "json"),
    ],
)
def test_a_literal_default_is_what_it_is_in_the_columns_type(
    first: str, second: str, kind: str
) -> None:
    assert default_form(first, kind) == default_form(second, kind)


@pytest.mark.parametrize(
    ("actual", "expected"),
    [
        ("a >= 0::numeric::double precision", "a >= 0::double precision"),
        ("a::numeric >= '-1'::integer::numeric", "a >= '-1'::integer"),
        ("a = ANY (ARRAY[1::numeric, 2::numeric]::double precision[])", "a = ANY (ARRAY[1, 2])"),
        ("(a::double precision + b::numeric::double precision) > 0.5", "(a + b::numeric) > 0.5"),
        ("a >= '2020-01-01'::date", "a >= '2020-01-01 00:00:00+00'::timestamp with time zone"),
        (
            "a < '2020-01-01 10:00:00'::timestamp without time zone",
            "a < '2020-01-01 10:00:00+01'::timestamp with time zone",
        ),
        (
            "a = ANY (ARRAY['2020-01-01'::date]::timestamp with time zone[])",
            "a = ANY (ARRAY['2020-01-01 00:00:00+00'::timestamp with time zone])",
        ),
    ],
)
def test_what_the_alteration_of_a_type_leaves_in_an_expression_is_idle(
    actual: str, expected: str
) -> None:
    assert normal_form(actual) == normal_form(expected)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("a / 2::numeric > 1::numeric", "a / 2 > 1"),  # of integers it is a whole number
        ("a::integer > 1", "a > 1"),
        ("a > 1.5::integer", "a > 1.5"),
        ("a::numeric(3,1) > 1", "a > 1"),
        ("a >= '2020-01-01'::date", "a >= '2020-01-01 10:00:00'::timestamp without time zone"),
        ("a >= '2020-01-01'::date", "a >= '2020-01-02'::date"),
    ],
)
def test_a_cast_that_makes_another_value_is_compared(first: str, second: str) -> None:
    assert normal_form(first) != normal_form(second)
