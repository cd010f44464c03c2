"""Filter patterns: AWS's own examples, what is malformed, and generated patterns judged a second time."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiowatchtower.testing import CloudWatchLogs
from aiowatchtower.testing._patterns import PatternError, parse

TRAIL = json.dumps(
    {
        "eventType": "UpdateTrail",
        "sourceIPAddress": "111.111.111.111",
        "arrayKey": ["value", "another value"],
        "objectList": [{"name": "a", "id": 1}, {"name": "b", "id": 2}],
        "SomeObject": None,
        "ThisFlag": True,
        "cluster.name": "c",
        "latency": 50.5,
        "numbers": [1000, 1],
    }
)
USER = json.dumps(
    {
        "user": {"id": 1, "email": "John.Stiles@example.com"},
        "users": [
            {"id": 2, "email": "John.Doe@example.com"},
            {"id": 3, "email": "Jane.Doe@example.com"},
        ],
        "actions": ["GET", "PUT", "DELETE"],
        "coordinates": [[0, 1, 2], [4, 5, 6], [7, 8, 9]],
    }
)
ACCESS = '127.0.0.1 Prod frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 404 1534'
LINE = "INFO 09/25/2014 12:00:00 GET /service/resource/67 1200"
PART = "INFO 09/25/2014 12:00:01 POST /service/resource/67/part/111 1310"
FAILED = "ERROR 09/25/2014 12:00:02 Failed to process request"
BAD, UNAUTHORIZED = "[ERROR 400] BAD REQUEST", "[ERROR 401] UNAUTHORIZED REQUEST"
MISSING, OTHER = "[ERROR 419] MISSING ARGUMENTS", "[INFO] REQUEST FAILED"

# Pattern, messages that match, messages that do not: from AWS's pages on filter patterns where not marked.
DOCUMENTED = [
    ("", [BAD, "{}"], []),
    ('" "', [BAD, "x"], []),
    ("ERROR", [BAD, MISSING, "Exiting with ERRORCODE: -1"], [OTHER, "error"]),
    ("ERROR ARGUMENTS", [MISSING], [BAD, UNAUTHORIZED]),
    ("?ERROR ?FAILED", [BAD, OTHER], ["[WARN] x"]),
    ("?ERROR ?ARGUMENTS REQUEST", [OTHER, BAD], [MISSING]),
    ('"BAD REQUEST"', [BAD], [UNAUTHORIZED]),
    ("ERROR -ARGUMENTS", [BAD], [MISSING, OTHER]),
    ('"ERROR" - "Exiting"', [BAD], ["Exiting with ERRORCODE: -1"]),
    ("%AUTHORIZED%", [UNAUTHORIZED, "[SUCCESS 200] AUTHORIZED REQUEST"], [BAD]),
    ("%^[hc]at%", ["hat", "cat food"], ["a hat"]),
    ("%[hc]at$%", ["a hat"], ["hats", "hat\n"]),
    ("%colou?r%", ["color", "colour"], ["colr"]),
    (r"%10\.10\.0\.1%", ["10.10.0.1"], ["10010,051"]),
    ("%10.10.0.1%", ["10010,051"], ["10.10.1"]),
    ("%ab+c%", ["abc", "abbc"], ["ac"]),
    ("%a{3,5}%", ["aaa"], ["aa"]),
    ("%ab{,1}c%", ["ac", "abc"], ["abbc"]),
    (r"%\[.\]%", ["[a]", "[]]"], ["[]"]),
    (r"%\x28%", ["("], [")"]),
    ("%^starting|^shutting down%", ["shutting down now"], ["not starting"]),
    ('{ $.eventType = "UpdateTrail" }', [TRAIL], [USER, "text", "[1]", "7"]),
    ("{ $.sourceIPAddress != 123.123.* }", [TRAIL], [USER]),
    ("{ $.sourceIPAddress = 111.* }", [TRAIL], []),
    ('{ $.arrayKey[0] = "value" }', [TRAIL], []),
    ('{ $.arrayKey[1] = "value" }', [], [TRAIL]),
    ("{ $.eventType = %Trail% }", [TRAIL], []),
    ("{ $.arrayKey[*] = %val.{2}% }", [TRAIL], []),
    (r"{ $.* = %111\.111\.111\.1[0-9]{1,2}% }", [TRAIL], [USER]),
    ("{ $.['cluster.name'] = \"c\" }", [TRAIL], []),
    ("{ $.objectList[1].id = 2 }", [TRAIL], []),
    ("{ $.objectList[*].id = 2 }", [TRAIL], []),
    ("{ $.objectList[*].id = 3 }", [], [TRAIL]),
    ("{ $.SomeObject IS NULL }", [TRAIL], [USER]),
    ("{ $.ThisFlag IS TRUE }", [TRAIL], [USER]),
    ("{ $.ThisFlag IS FALSE }", [], [TRAIL]),
    ("{ $.SomeOtherObject NOT EXISTS }", [TRAIL], []),
    ("{ $.SomeObject NOT EXISTS }", [], [TRAIL]),
    ("{ $.latency < 50 }", [], [TRAIL]),
    ("{ $.latency >= 50.5 }", [TRAIL], []),
    ("{ $.numbers[0] = 1e+3 }", [TRAIL], []),
    ("{ $.numbers[0] != 1e-3 }", [TRAIL], []),
    ("{ $.latency = * }", [TRAIL], [USER]),
    # An array is no value: neither = nor != matches.
    ("{ $.arrayKey = 1 }", [], [TRAIL]),
    ("{ $.arrayKey != 1 }", [], [TRAIL]),
    ('{ ($.user.id = 1) && ($.users[0].email = "John.Doe@example.com") }', [USER], [TRAIL]),
    (
        '{ $.user.email = "John.Stiles@example.com" || $.coordinates[0][1] = "x" && $.actions[2] = "x" }',
        [USER],
        [],
    ),
    (
        '{ ($.user.email = "John.Stiles@example.com" || $.coordinates[0][1] = "x") && $.actions[2] = "x" }',
        [],
        [USER],
    ),
    (
        '{ ($.user.id = 2 && $.users[0].email = "nonmatch") || $.actions[2] = "GET" }',
        [],
        [USER],
    ),
    (
        r"[ip=%127\.0\.0\.[1-9]%, user, username, timestamp, request =*.html*, status_code = 4*, bytes]",
        [ACCESS],
        [LINE],
    ),
    ("[..., request =*.html*, status_code = 4*, bytes]", [ACCESS], [LINE]),
    ("[..., status_code, bytes > 1534]", [], [ACCESS]),
    ("[ip, user, ..., status_code = 404, bytes]", [ACCESS], [LINE]),
    (
        "[ip, user, username, timestamp, request =*.html*, status_code = 404 || status_code = 410, bytes]",
        [ACCESS],
        [],
    ),
    ("[w1=ERROR, w2]", [FAILED], [LINE, "ERROR"]),
    ("[w1=ERROR || w1=INFO, w2]", [FAILED, LINE], []),
    ("[w1!=ERROR && w1!=WARNING, w2]", [LINE], [FAILED]),
    ("[logLevel, date, time, method, url=%/service/resource/[0-9]+$%, ms]", [LINE], [PART, FAILED]),
]


@pytest.mark.parametrize(
    ("pattern", "hits", "misses"), DOCUMENTED, ids=[pattern for pattern, *_ in DOCUMENTED]
)
def test_documented_patterns(pattern, hits, misses):
    """AWS's own examples match what AWS's pages say, and nothing else."""
    matches = parse(pattern)
    assert [message for message in hits if not matches(message)] == []
    assert [message for message in misses if matches(message)] == []


MALFORMED = [
    *("foo-bar", "a=b", '"open', "?", "ERROR %x%", "%", "%%", "%a!%", "%(a)%", "%é%", "%a**%"),
    *("%[a%", "%*a%", "%a{}%", r"%\b%", "-", "a ?%x%"),
    *("{", "{}", "{ $.a }", "{ $.a = }", "{ $.a = 1", "{ $.a = 1 } x", "{ a = 1 }", "{ $.a == 1 }"),
    *("{ $.a < x }", '{ $.a > "1" }', "{ $.a = a-b }", "{ $.a EXISTS }", "{ $.a IS NOT NULL }"),
    *("{ $.a IS 1 }", "{ $.a = 1 && }", "{ ($.a = 1 }", "{ $.*.b.* = 1 }", "{ $.a = $.b }"),
    "{ $.a[*] = 1 || $.b[*] = 1 || $.c[*] = 1 || $.d[*] = 1 }",
    "{ $.a = %x% || $.b = %x% || $.c = %x% }",
    "{ $.a = %(% }",
    *("[", "[]x", "[a", "[a, b = ]", "[a = 1 &&]", "[a = 1 || b = 2]", "[..., a, ...]", "[a b]"),
    *("[a > x]", "[a = 1 a = 2]", "[= 1]", "[a = [b]]"),
]


@pytest.mark.parametrize("pattern", MALFORMED)
def test_malformed_pattern_is_refused(pattern):
    """What the grammar does not know is an error of the request, and no empty result."""
    with pytest.raises(PatternError):
        parse(pattern)
    cloudwatch = CloudWatchLogs()
    cloudwatch.respond("CreateLogGroup", {"logGroupName": "/app"})
    members: dict[str, object] = {"logGroupName": "/app", "filterPattern": pattern}
    answer = cloudwatch.respond("FilterLogEvents", members)
    assert (answer.status, answer.error_code) == (400, "InvalidParameterException")
    assert answer.error_message.startswith("Invalid filter pattern: ")


@given(st.text(alphabet='ab ?-%"{}[]$.,=&|<>!()1*\\', max_size=12), st.text(max_size=8))
def test_any_text_is_a_pattern_or_an_error(pattern, message):
    """No pattern makes the service fail in another way."""
    try:
        matches = parse(pattern)
    except PatternError:
        return
    assert matches(message) in (True, False)


# A second evaluator, which knows nothing of the first: patterns are drawn as trees, written as text for the
# service, and judged here as trees.

WORDS = st.sampled_from(["error", "warn", "ab", "b", "a_1"])
MESSAGES = st.lists(WORDS | st.sampled_from(["err", "a", "1"]), max_size=5).map(" ".join)


@given(st.lists(st.tuples(st.sampled_from(["", "-", "?"]), WORDS), min_size=1), MESSAGES)
def test_terms_are_judged_alike(terms, message):
    """Every generated list of terms matches as the rules say it does."""
    pattern = " ".join(
        sign + f'"{word}"' * (sign != "") + word * (sign == "") for sign, word in terms
    )
    plain = [(sign, word) for sign, word in terms if sign != "?"]
    expected = True
    for sign, word in plain:
        if (message.find(word) >= 0) == (sign == "-"):
            expected = False
    if not plain:
        expected = sum(message.count(word) for _, word in terms) > 0
    assert parse(pattern)(message) is expected


KEYS = st.sampled_from(["a", "b", "list"])
VALUES = (
    st.integers(-3, 3)
    | st.sampled_from(["x", "xy", "yx", "1", ""])
    | st.booleans()
    | st.none()
    | st.lists(st.integers(0, 2), max_size=2)
)
DOCUMENTS = st.dictionaries(KEYS, VALUES | st.dictionaries(KEYS, VALUES, max_size=2), max_size=3)
PATHS = st.lists(KEYS, min_size=1, max_size=2)
LEAVES = st.one_of(
    st.tuples(
        st.just("number"),
        PATHS,
        st.sampled_from(["=", "!=", "<", "<=", ">", ">="]),
        st.integers(-3, 3),
    ),
    st.tuples(
        st.just("text"),
        PATHS,
        st.sampled_from(["=", "!="]),
        st.sampled_from(["x", "x*", "*x", "*y*", "xy"]),
    ),
    st.tuples(st.just("is"), PATHS, st.sampled_from(["NULL", "TRUE", "FALSE"]), st.none()),
    st.tuples(st.just("absent"), PATHS, st.none(), st.none()),
    st.tuples(st.just("element"), PATHS, st.integers(0, 2), st.integers(0, 2)),
    st.tuples(st.just("any"), PATHS, st.none(), st.integers(0, 2)),
)
TREES = st.recursive(
    LEAVES,
    lambda inner: st.tuples(st.sampled_from(["&&", "||"]), inner, inner),
    max_leaves=5,
)


def _written(tree):
    kind = tree[0]
    if kind in ("&&", "||"):
        # Only what needs parentheses has them, so that precedence is tried as well.
        parts = [
            f"({_written(part)})" if kind == "&&" and part[0] == "||" else _written(part)
            for part in tree[1:]
        ]
        return f" {kind} ".join(parts)
    path = "$." + ".".join(tree[1])
    return {
        "number": f"{path} {tree[2]} {tree[3]}",
        "text": f'{path} {tree[2]} "{tree[3]}"',
        "is": f"{path} IS {tree[2]}",
        "absent": f"{path} NOT EXISTS",
        "element": f"{path}[{tree[2]}] = {tree[3]}",
        "any": f"{path}[*] = {tree[3]}",
    }[kind]


NOTHING = object()


def _walk(document, path):
    for key in path:
        if type(document) is not dict or key not in document:
            return NOTHING
        document = document[key]
    return document


def _judge(tree, document):
    kind = tree[0]
    if kind == "&&":
        return _judge(tree[1], document) and _judge(tree[2], document)
    if kind == "||":
        return _judge(tree[1], document) or _judge(tree[2], document)
    return _judge_leaf(tree, _walk(document, tree[1]))


def _judge_leaf(tree, value):
    kind = tree[0]
    if kind == "absent":
        return value is NOTHING
    if kind == "is":
        return value is {"NULL": None, "TRUE": True, "FALSE": False}[tree[2]]
    if kind in ("element", "any"):
        elements = value if type(value) is list else []
        return tree[3] in (elements if kind == "any" else elements[tree[2] : tree[2] + 1])
    judge = _judge_number if kind == "number" else _judge_text
    return type(value) in (int, str) and judge(tree, value)


def _judge_number(tree, value):
    sign, bound = tree[2], tree[3]
    if sign in ("=", "!="):
        same = value == bound if type(value) is int else value == str(bound)
        return same == (sign == "=")
    if type(value) is str and not re.fullmatch("[0-9]+", value):
        return False
    difference = int(value) - bound
    return {
        "<": difference < 0,
        "<=": difference <= 0,
        ">": difference > 0,
        ">=": difference >= 0,
    }[sign]


def _judge_text(tree, value):
    sign, text = tree[2], tree[3]
    shape = "".join(".*" if letter == "*" else letter for letter in text)
    return (re.fullmatch(shape, str(value)) is not None) == (sign == "=")


@given(TREES, DOCUMENTS)
def test_json_expressions_are_judged_alike(tree, document):
    """Every generated expression holds for a document exactly when a second evaluator says so."""
    matches = parse("{ " + _written(tree) + " }")
    assert matches(json.dumps(document)) is bool(_judge(tree, document))


FIELDS = st.lists(st.sampled_from(["GET", "POST", "404", "500", "7", "x"]), min_size=1, max_size=4)
CONDITIONS = st.one_of(
    st.none(),
    st.tuples(st.sampled_from(["=", "!="]), st.sampled_from(["GET", "4*", "404", "*"])),
    st.tuples(st.sampled_from(["<", ">", "<=", ">="]), st.sampled_from(["404", "7"])),
)


@given(st.lists(CONDITIONS, min_size=1, max_size=4), st.integers(-1, 4), FIELDS)
def test_columns_are_judged_alike(conditions, ellipsis, fields):
    """Every generated row of fields, with an ellipsis anywhere or none, matches as the second evaluator says."""
    names = [f"w{n}" + ("" if c is None else " ".join(c)) for n, c in enumerate(conditions)]
    has_ellipsis = 0 <= ellipsis <= len(names)
    if has_ellipsis:
        names.insert(ellipsis, "...")
    message = " ".join(fields)

    if len(fields) < len(conditions):
        expected = False
    else:
        if has_ellipsis:
            behind = len(conditions) - ellipsis
            seen = fields[:ellipsis] + fields[len(fields) - behind :] * (behind > 0)
        else:
            last = len(conditions) - 1
            seen = [*fields[:last], " ".join(fields[last:])]
        expected = all(map(_holds, conditions, seen))
    assert parse(f"[{', '.join(names)}]")(message) is expected


def _holds(condition, field):
    if condition is None:
        return True
    sign, text = condition
    if sign in ("=", "!="):
        shape = "(?s)" + text.replace("*", ".*")
        return (re.fullmatch(shape, field) is not None) == (sign == "=")
    if not field.isdigit():
        return False
    order = (int(field) > int(text)) - (int(field) < int(text))
    return order in {"<": [-1], ">": [1], "<=": [-1, 0], ">=": [0, 1]}[sign]
