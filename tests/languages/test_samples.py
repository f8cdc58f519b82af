"""One sample per language: every public symbol with its exact signature, nothing else, nothing silent."""

from pathlib import Path

import pytest

from tta_orchestrate.registry import load, names

SAMPLES = Path(__file__).parent / "samples"


def read(language, file):
    path = f"src/{file}"
    plugin = load("languages", language)
    text = (SAMPLES / file).read_text(encoding="utf-8")
    return plugin.read(path, plugin.key(path, {path}), text)


def signatures(module):
    return {symbol.path: symbol.signature for symbol in module.public()}


EXPECTED = {
    ("typescript", "sample.ts"): {
        "add": "function add(a: number, b: number = 2): number",
        "Thing": "class Thing<T> extends Base implements Other",
        "Thing.x": "readonly x?: number = 1",
        "Thing.constructor": "constructor(private q: string, ...rest: T[])",
        "Thing.make": "static async make(a: Record<string, (x: number) => void>): Promise<void>",
        "Thing.p": "get p(): number",
        "arrow": "const arrow = async (a: string): Promise<string>",
        "LIMIT": "const LIMIT: number = 3",
        "Shape": "interface Shape",
        "Shape.area": "area: number",
        "Shape.scale": "scale(by: number): Shape",
        "Id": "type Id = string | number",
        "Color": "enum Color",
        "Color.Red": "Red = 1",
        "Color.Green": "Green",
        "late": "const late = ()",
    },
    ("typescript", "sample.tsx"): {"App": "const App = ({ name }: { name: string })"},
    ("javascript", "sample.js"): {
        "greet": 'function greet(name = "x")',
        "K": "class K",
        "K.m": "m(a)",
        "K.s": "static s = 1",
    },
    ("java", "Sample.java"): {
        "Demo": "@Deprecated public sealed class Demo<T> extends Other implements I",
        "Demo.MAX": "public static final int MAX = 1, MIN = 0",
        "Demo.MIN": "public static final int MAX = 1, MIN = 0",
        "Demo.Demo": "public Demo(int z)",
        "Demo.say": "public String say(final int a, String... b) throws java.io.IOException",
        "Demo.say~2": "public void say(int a)",
        "Demo.K": "public enum K",
        "Demo.K.ONE": "ONE",
        "Demo.K.TWO": "TWO",
        "Demo.K.n": "public int n()",
        "Demo.R": "public record R(int a, String b)",
        "Demo.Inner": "public interface Inner",
        "Demo.Inner.m": "void m()",
        "Demo.Inner.n": "default int n()",
    },
    ("kotlin", "Sample.kt"): {
        "Thing": 'open class Thing(val a: Int, private val b: String = "x") : Base(), I',
        "Thing.m": "suspend fun m(x: Int = 1, vararg y: String): String",
        "Thing.p": "val p: Int",
        "Thing.K": "const val K = 1",
        "R": "data class R(val a: Int)",
        "O": "object O",
        "O.z": "fun z()",
        "I": "interface I",
        "I.i": "fun i()",
        "Fi": "fun interface Fi",
        "Fi.go": "fun go()",
        "En": "enum class En",
        "En.ONE": "ONE",
        "En.TWO": "TWO",
        "ext": "fun <T> List<T>.ext(a: Int): T",
        "TA": "typealias TA = Map<String, Int>",
        "top": 'val top: String = "a"',
    },
    ("go", "sample.go"): {
        "A": "type A",
        "A.X": 'X int `json:"x"`',
        "A.M": "func (a *A) M(x int, ys ...string) (string, error)",
        "F": "func F[T any](a T) T",
        "I": "type I",
        "I.Do": "Do(x int) error",
        "Al": "type Al = int",
        "C1": "const C1 = 1",
        "V": "var V, W int = 1, 2",
        "W": "var V, W int = 1, 2",
    },
    ("rust", "sample.rs"): {
        "A": "pub struct A<T>",
        "A.x": "pub x: i32",
        "A.new": "pub fn new(x: i32) -> Self",
        "Tr": "pub trait Tr",
        "Tr.t": "fn t(&self)",
        "Tr.Out": "type Out",
        "E": "pub enum E",
        "E.A": "A",
        "E.B": "B(i32)",
        "f": "pub fn f<const N: usize>(a: [u8; N]) -> Result<(), String>",
        "K": "pub const K: i32 = 1",
        "m": "pub mod m",
        "m.inner": "pub fn inner()",
        "mm": "macro_rules! mm { () => {} }",
    },
}


@pytest.mark.parametrize(("language", "file"), sorted(EXPECTED))
def test_every_public_symbol_has_its_exact_signature(language, file):
    module = read(language, file)
    assert module.problems == ()
    assert signatures(module) == EXPECTED[language, file]


@pytest.mark.parametrize(
    ("language", "file", "symbol", "summary", "parameters"),
    [
        ("typescript", "sample.ts", "add", "Adds numbers.", {"a": "the first `x`", "b": "the second"}),
        ("javascript", "sample.js", "greet", "Greets.", {"name": "who"}),
        ("java", "Sample.java", "Demo.say", "Says.", {"a": "the a", "b": "the b"}),
        ("kotlin", "Sample.kt", "Thing", "A thing.", {"a": "the a", "b": "the b"}),
        ("go", "sample.go", "A", "A is it.\n\nMore on A.", {}),
        ("rust", "sample.rs", "A", "A pair.", {}),
    ],
)
def test_doc_comments_are_taken_apart(language, file, symbol, summary, parameters):
    found = next(s for s in read(language, file).walk() if s.path == symbol)
    assert found.doc.text.strip() == summary
    assert {f.name: f.text for f in found.doc.parameters} == parameters


@pytest.mark.parametrize(
    ("language", "file", "symbol", "raised"),
    [
        ("typescript", "sample.ts", "add", ("RangeError",)),
        ("java", "Sample.java", "Demo.say", ("java.io.IOException", "IllegalStateException")),
        ("kotlin", "Sample.kt", "Thing.m", ("IllegalStateException",)),
    ],
)
def test_what_the_code_raises_is_read_from_the_code(language, file, symbol, raised):
    found = next(s for s in read(language, file).walk() if s.path == symbol)
    assert found.raises == raised


@pytest.mark.parametrize(
    ("language", "broken"),
    [
        ("typescript", "export function ok() {}\nexport function (\n"),
        ("javascript", "export function ok() {}\nexport function (\n"),
        ("java", "public class ok { public void m( }"),
        ("kotlin", "fun ok() {}\nfun ((\n"),
        ("go", "package p\nfunc ok() {}\nfunc (\n"),
        ("rust", "pub fn ok() {}\npub fn (\n"),
        ("python", "def ok():\n    pass\n\ndef (\n"),
    ],
)
def test_a_broken_file_says_where_and_keeps_what_can_be_read(language, broken):
    plugin = load("languages", language)
    module = plugin.read("x", "x", broken)
    assert module.problems
    assert "ok" in {symbol.name for symbol in module.walk()}


@pytest.mark.parametrize("language", names("languages"))
def test_snippets_are_told_from_nonsense(language):
    plugin = load("languages", language)
    good = {
        "python": "x = f(1)",
        "go": "x := f(1)",
        "rust": "let x = f(1);",
        "java": "int x = f(1);",
        "kotlin": "val x = f(1)",
    }
    assert plugin.parses(good.get(language, "const x = f(1);"))
    assert not plugin.parses("f((((")
