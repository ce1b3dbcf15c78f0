"""The figures of the house, as far as they are limits and not aims, and the names that the design fixes."""

from __future__ import annotations

import ast
import re

from streams import wire
from streams.settings import load_labels
from tests.repository.source import Function, Module, modules, test_modules

MAX_LINES = 400
MAX_TEST_LINES = 500  # tables of cases read faster than code
MAX_PARAMETERS = 8


def parameters(function: Function) -> list[ast.arg]:
    given = function.args
    return [a for a in (*given.posonlyargs, *given.args, *given.kwonlyargs) if a.arg not in ("self", "cls")]


def functions() -> list[tuple[Module, Function]]:
    return [(module, function) for module in modules() for function in module.functions]


def test_every_function_is_annotated() -> None:
    bare = [
        f"{module.where}:{function.lineno} {function.name}"
        for module, function in functions()
        if function.returns is None or any(a.annotation is None for a in parameters(function))
    ]
    assert not bare


def test_no_function_takes_more_than_eight_parameters() -> None:
    many = [
        f"{module.where}:{function.lineno} {function.name}"
        for module, function in functions()
        if len(parameters(function)) > MAX_PARAMETERS
    ]
    assert not many


def test_no_boolean_is_passed_by_place() -> None:
    flags = [
        f"{module.where}:{function.lineno} {function.name}({a.arg})"
        for module, function in functions()
        for a in (*function.args.posonlyargs, *function.args.args)
        if a.annotation is not None
        and ast.unparse(a.annotation) == "bool"
        # a setter's one argument, and what click hands over, have no place to be wrong about
        and len(parameters(function)) > 1
        and not any("option" in ast.unparse(d) or "command" in ast.unparse(d) for d in function.decorator_list)
    ]
    assert not flags


def test_no_module_is_longer_than_anyone_reads() -> None:
    assert not {m.where: m.lines for m in modules() if m.lines > MAX_LINES}
    assert not {m.where: m.lines for m in test_modules() if m.lines > MAX_TEST_LINES}


def test_a_module_says_what_it_is_for() -> None:
    assert not [m.where for m in modules() if m.lines > 15 and not ast.get_docstring(m.tree)]


def test_annotations_are_not_evaluated() -> None:
    wrong = []
    for module in (*modules(), *test_modules()):
        code = [node for node in module.tree.body if not isinstance(node, ast.Expr)]
        first = code[0] if code else None
        if code and not (isinstance(first, ast.ImportFrom) and first.module == "__future__"):
            wrong.append(module.where)
    assert not wrong


def test_a_broad_except_raises_again_or_is_argued() -> None:
    """There is one boundary a process; cleaning up and raising again is none."""
    bare = []
    for module in modules():
        lines = module.path.read_text(encoding="utf-8").splitlines()
        for node in ast.walk(module.tree):
            if isinstance(node, ast.ExceptHandler):
                broad = node.type is None or ast.unparse(node.type) in ("Exception", "BaseException")
                around = "".join(lines[node.lineno - 2 : node.lineno + 2])
                argued = re.search(r"#(?! noqa: [A-Z0-9]+$)\s*\S+.{15,}", around)
                if broad and not argued and not isinstance(node.body[-1], ast.Raise):
                    bare.append(f"{module.where}:{node.lineno}")
    assert not bare


# --- names


def test_kafka_topics_and_groups_are_named_as_the_design_says() -> None:
    labels = load_labels()
    names = [t.name for t in wire.kafka_topics(labels)]
    groups = [wire.LABEL_GROUP, wire.DUPLICATES_GROUP, wire.SINK_GROUP + "files", wire.PUBLISH_TRANSACTIONS + "reuters"]
    assert len(set(names)) == len(names)
    # Kafka's metric names make "." and "_" one, so a name has one of them only; it takes 249 letters
    assert all(re.fullmatch(r"news(\.[a-z]+(-[a-z]+)*)+", name) and len(name) <= 249 for name in names)
    assert all(re.fullmatch(r"newswire(\.[a-z]+)+", group) for group in groups)


def test_dead_letters_are_not_named_by_an_abbreviation() -> None:
    abbreviated = re.compile(r"(?i)(?<![a-z])(dlt|dlq|dlx)(?![a-z])")
    assert not [m.where for m in modules() if abbreviated.search(m.path.read_text(encoding="utf-8"))]


def test_a_kafka_topic_is_called_kafka_topic() -> None:
    """A bare `topic` is a label of news: where Kafka is spoken to, no parameter or field of ours that is a text is one."""
    kafka = [m for m in modules() if m.name.startswith("streams.kafka")]
    assert kafka
    wrong = [
        f"{module.where}:{function.lineno} {function.name}({a.arg})"
        for module in kafka
        for function in module.functions
        for a in parameters(function)
        if a.arg == "topic" and "str" in ast.unparse(a.annotation or ast.Constant(""))
    ]
    for module in kafka:
        fields = [n for n in ast.walk(module.tree) if isinstance(n, ast.AnnAssign)]
        wrong += [f"{module.where}:{n.lineno} {ast.unparse(n)}" for n in fields if ast.unparse(n.target) == "topic"]
    assert not wrong


def literals(module: Module) -> list[tuple[int, str]]:
    """The strings of a module but for its docstrings, with their lines."""
    documentation = {
        id(node.body[0].value)
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Module | ast.ClassDef | Function) and node.body and isinstance(node.body[0], ast.Expr)
    }
    return [
        (node.lineno, node.value)
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation
    ]


def test_the_names_of_kafka_topics_stand_in_wire_alone() -> None:
    fixed = {t.name for t in wire.kafka_topics(load_labels())} | {wire.TOPIC_STREAM, wire.REGION_STREAM}
    others = [m for m in modules() if m.name != "streams.wire"]
    assert not [f"{m.where}:{line} {text}" for m in others for line, text in literals(m) if text in fixed]
