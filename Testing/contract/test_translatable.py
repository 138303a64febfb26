"""Sentences that Slicer's process shows are marked for translation, in the way in which Slicer's tools find them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from string import Formatter

PACKAGE = Path(__file__).parents[2] / "MedAISeg" / "MedAISegLib"

SHOWN = [
    *sorted(PACKAGE.glob("slicer_ui/*.py")),
    *sorted(PACKAGE.glob("slicer_io/*.py")),
    *sorted(PACKAGE.glob("core/*.py")),
    *(
        PACKAGE / "app" / f"{name}.py"
        for name in (
            "checks", "child", "client", "colours", "contrast", "endings", "exchange", "fit", "interpreter", "match",
            "messages", "proposal",
        )
    ),
    *(PACKAGE / "readers" / f"dicom_{name}.py" for name in ("geometry", "header", "series")),
    *(PACKAGE / "models" / f"{name}.py" for name in ("catalogue", "published")),
    PACKAGE / "exporters" / "atomic.py",
]  # fmt: skip
"""Where a sentence is made in Slicer's process. What the worker alone says comes from there ready-made, in English."""

NO_SENTENCES = {
    "app/contrast.py": {"TE {}, TR {} ms", "{}, TI {} ms"},
    "core/classification.py": {"{}, slice {}"},
    "core/data_home.py": {"Application Support"},
    "core/node_description.py": {"Binary labelmap"},
    "core/progress.py": {"load model"},
    "core/terminology.py": {"Anatomical Structure", "Morphologically Altered Structure"},
    "core/terminology_table.py": {"Body Substance", "Physical object"},
    "core/terminology_tag.py": {
        "Segmentation category and type - 3D Slicer General Anatomy list", "Anatomic codes - DICOM master list",
    },
    "slicer_io/class_placing.py": {"{}, frame {}"},
    "slicer_io/class_table.py": {"{} (class)"},
    "slicer_io/completeness.py": {"unsigned char", "signed char", "unsigned short", "unsigned int", "long long"},
    "slicer_io/export.py": {"segments of {}", "drawn by hand"},
    "slicer_io/labelmaps.py": {"Closed surface"},
    "slicer_io/pip_failures.py": {"No module named pip"},
    "slicer_io/runs.py": {"this frame", "all frames"},
    "slicer_io/sample_data.py": {
        "MedAISeg T1 hippocampus, DICOM", "T1 hippocampus sample", "MR signal intensity", "no units",
    },
    "slicer_io/sequences.py": {"{} sequence"},
    "slicer_io/volume_node.py": {"{} acquisition transform"},
    "slicer_ui/about.py": {"The MedAISeg contributors"},
    "slicer_ui/provenance_text.py": {"MedAISeg {}"},
    "slicer_ui/result_control.py": {"Closed surface"},
    "slicer_ui/results_view.py": {"dicom database"},
    "slicer_ui/run_view.py": {"load model"},
}  # fmt: skip
"""Words for machines, for files and for what is kept in the scene, and names that are the same in every language."""

SENTENCE = re.compile(r"[A-Za-z]{2,}\W* \W*([A-Za-z]{2,}|\{\})|\{\}\W* \W*[a-z]{2,}")
PATTERN = re.compile(r"[|\\<\[]|\) ?\?|--")
"""What regular expressions, options and HTML have, and sentences do not."""

EXTRACTED = re.compile(r'(?<=[^_])_\((\s*?".+?"\s*?)\)', re.DOTALL)
"""What Slicer's update_translations.py takes for a text; it reads the source, not the program."""

ERRORS = re.compile(r"\w*(Error|Required)|Notice|CheckLine")
OF_PROGRAMMERS = ("ValueError", "TypeError", "RuntimeError", "AttributeError", "KeyError")
"""What they say is for the log."""


def marks(tree: ast.AST) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "_":
            yield node


def name_of(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def text_of(node: ast.AST) -> str | None:
    """A literal; what is filled in stands as ``{}``."""
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def unmarked(node: ast.AST, *, shown: bool = False) -> Iterator[str]:
    """Sentences outside ``_()``, and whatever has letters where errors, notices and checks take their texts."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        if node.func.id == "_" or node.func.id in OF_PROGRAMMERS:
            return
        if ERRORS.fullmatch(node.func.id):
            texts = node.args[1:2] if node.func.id in ("Notice", "CheckLine") else node.args[:1]
            for text in (*texts, *(keyword.value for keyword in node.keywords)):
                yield from unmarked(text, shown=True)
            return
    text = text_of(node)
    if text is not None:
        letters = re.search("[A-Za-z]", text.replace("{}", "")) if shown else None
        if letters or (SENTENCE.search(text) and not PATTERN.search(text)):
            yield text
        return
    if isinstance(node, (ast.Subscript, ast.Compare)):
        shown = False
    body = node.body if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) else []
    for child in ast.iter_child_nodes(node):
        is_docstring = child in body and isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant)
        if not is_docstring:
            inside = shown and not (isinstance(child, ast.keyword) or isinstance(node, ast.Call))
            yield from unmarked(child, shown=inside)


def parsed(paths: Iterable[Path]) -> Iterator[tuple[str, ast.Module]]:
    for path in paths:
        yield name_of(path), ast.parse(path.read_text(encoding="utf-8"))


def test_no_sentence_is_left_unmarked() -> None:
    found = {name: set(unmarked(tree)) - NO_SENTENCES.get(name, set()) for name, tree in parsed(SHOWN)}
    assert {name: sentences for name, sentences in found.items() if sentences} == {}


def test_marked_texts_are_found_by_the_tools_of_slicer() -> None:
    """One plain literal each, in double quotes, without a comma after it."""
    for path in PACKAGE.rglob("*.py"):
        source = path.read_text(encoding="utf-8")
        wanted = [ast.literal_eval(call.args[0]) for call in marks(ast.parse(source))]
        found = [ast.literal_eval(f"({match[1]})") for match in EXTRACTED.finditer(source)]
        assert sorted(found) == sorted(wanted), name_of(path)


def placeholders(text: str) -> set[str]:
    return {name for _before, name, _form, _kind in Formatter().parse(text) if name is not None}


def test_marked_texts_are_filled_in_by_name_where_they_are_made() -> None:
    for name, tree in parsed(SHOWN):
        for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)):
            filled = [
                {keyword.arg for keyword in node.keywords}
                for node in ast.walk(function)
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "format"
            ]
            for call in marks(function):
                wanted = placeholders(ast.literal_eval(call.args[0]))
                assert not wanted or any(wanted <= names for names in filled), (name, ast.unparse(call))


def test_texts_are_translated_when_they_are_shown_and_not_at_import() -> None:
    for name, tree in parsed(SHOWN):
        functions = [node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.Lambda))]
        later = {id(call) for function in functions for call in marks(function)}
        assert [ast.unparse(call) for call in marks(tree) if id(call) not in later] == [], name


def test_the_mark_is_no_name_of_anything_else() -> None:
    for name, tree in parsed(SHOWN):
        if any(marks(tree)):
            nodes = list(ast.walk(tree))
            names = [node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)]
            assert "_" not in names + [node.arg for node in nodes if isinstance(node, ast.arg)], name


def test_an_unmarked_sentence_is_found() -> None:
    seen = lambda code: list(unmarked(ast.parse(code)))
    assert seen("raise InputError('broken')") == ["broken"]
    assert seen("raise InputError(_('broken'), where=f'frame {n}')") == ["frame {}"]
    assert seen("text = f'{name} is missing'") == ["{} is missing"]
    assert seen("yield CheckLine(Severity.STOP, f'{name}: {why}', name)") == []
    assert seen("'A docstring of words.'\nnotice = Notice('no-such-code', message)") == []
    assert seen("raise ValueError('for the log only')") == []
