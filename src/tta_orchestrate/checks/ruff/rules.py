"""Which of ruff's rules are asked for, and what each means here: code, severity, category, confidence, title, reason.

Taken in: what is wrong at run time or opens a hole. Left out: style, taste, metrics, and what cries wolf.
``docs/review-rules.md`` is this table in prose; a test keeps the two together.
"""

from collections.abc import Mapping
from typing import Final

from tta_orchestrate.domain.finding import Category, Rule, Severity

_SEVERITY: Final = {"!": Severity.CRITICAL, "H": Severity.HIGH, "M": Severity.MEDIUM, "L": Severity.LOW}
_CATEGORY: Final = {
    "bug": Category.BUG,
    "sec": Category.SECURITY,
    "rel": Category.RELIABILITY,
    "perf": Category.PERFORMANCE,
    "test": Category.TESTING,
}

# code | severity | category | confidence in percent | title | reason
_TABLE: Final = """
F402|M|bug|80|Import shadowed by a loop variable|After the loop the module's name means something else
F501|H|bug|95|Invalid percent format|Raises ValueError when it runs
F502|H|bug|95|Percent format expects a mapping|Raises TypeError when it runs
F503|H|bug|95|Percent format expects a sequence|Raises TypeError when it runs
F504|M|bug|90|Unused named argument in a percent format|A value that was meant to be shown is not
F505|H|bug|95|Missing argument in a percent format|Raises KeyError when it runs
F506|H|bug|95|Mixed positional and named percent format|Raises TypeError when it runs
F507|H|bug|95|Wrong number of values in a percent format|Raises TypeError when it runs
F508|H|bug|95|A star in a percent format needs a sequence|Raises TypeError when it runs
F509|H|bug|95|Unknown percent format character|Raises ValueError when it runs
F521|H|bug|95|Invalid str.format string|Raises ValueError when it runs
F522|M|bug|90|Unused named argument in str.format|A value that was meant to be shown is not
F523|M|bug|90|Unused positional argument in str.format|A value that was meant to be shown is not
F524|H|bug|95|Missing argument in str.format|Raises KeyError or IndexError when it runs
F525|H|bug|95|Automatic and manual numbering mixed in str.format|Raises ValueError when it runs
F601|M|bug|90|Dictionary key repeated|The later value silently wins
F602|M|bug|80|Dictionary key variable repeated|The later value silently wins
F631|H|bug|99|Assertion on a tuple|A tuple that is not empty is always true, so nothing is checked
F632|H|bug|95|`is` compared with a literal|Identity of equal values is an accident of the interpreter
F633|H|bug|95|`>>` applied to print|Raises TypeError in Python 3
F634|H|bug|99|Condition on a tuple|A tuple that is not empty is always true
F701|H|bug|95|`break` outside a loop|The module cannot be compiled
F702|H|bug|95|`continue` outside a loop|The module cannot be compiled
F704|H|bug|95|`yield` outside a function|The module cannot be compiled
F706|H|bug|95|`return` outside a function|The module cannot be compiled
F707|H|bug|95|Bare `except` is not the last handler|The module cannot be compiled
F811|M|bug|70|Name defined again before it was used|The first definition (often a test) is silently lost
F821|H|bug|90|Undefined name|Raises NameError when this line runs
F822|M|bug|90|Undefined name in __all__|A star import of the module fails
F823|H|bug|90|Local variable read before it is assigned|Raises UnboundLocalError when this line runs
F901|M|bug|95|raise NotImplemented|NotImplemented is no exception: TypeError is raised instead
B002|M|bug|95|`++` or `--` is no operator in Python|It does nothing
B003|M|bug|90|Assignment to os.environ|The process environment does not change; use clear() and update()
B005|M|bug|80|strip() with several characters|It strips any of the characters, not the word
B006|M|bug|90|Mutable default argument|All calls share and change one object
B012|M|bug|90|`return`, `break` or `continue` in finally|It swallows the exception that is on its way
B015|M|bug|85|Comparison without effect|The result is thrown away; an assertion or an assignment was meant
B016|H|bug|95|Literal raised|Raises TypeError instead of what was meant
B017|L|test|80|assertRaises(Exception)|The test passes on any failure, a typing error included
B018|L|bug|60|Expression without effect|The value is thrown away; a call or an assignment is missing
B019|M|perf|75|Cache on a method|The cache keeps every instance alive for the life of the process
B020|H|bug|90|Loop variable overwrites what it iterates|After the loop the collection is gone
B021|L|bug|90|f-string as docstring|It is evaluated and thrown away; there is no docstring
B022|M|bug|95|contextlib.suppress without an exception|Nothing is suppressed
B023|H|bug|75|Closure over a loop variable|When called later every closure sees the last value
B025|M|bug|95|Exception caught twice in one try|The second handler never runs
B026|M|bug|75|Star argument after a keyword argument|The values land in other parameters than the order suggests
B029|M|bug|95|except with an empty tuple|The handler never runs
B030|H|bug|95|except with something that is no exception|Raises TypeError when an exception arrives
B031|M|bug|80|Group of itertools.groupby used twice|It is empty the second time
B032|M|bug|90|Annotation where an assignment was meant|`:` declares a type and assigns nothing
B034|M|bug|85|re.sub with positional count or flags|Flags passed in the place of count change nothing but the count
B035|M|bug|90|Static key in a dict comprehension|All entries but the last are lost
B039|M|bug|90|Mutable default of a ContextVar|All contexts share and change one object
PLE0100|M|bug|95|`yield` in __init__|Creating an object raises TypeError
PLE0101|M|bug|95|Value returned from __init__|Creating an object raises TypeError
PLE0115|H|bug|95|Name both nonlocal and global|The module cannot be compiled
PLE0117|H|bug|95|nonlocal without a binding|The module cannot be compiled
PLE0118|H|bug|95|Name used before its global declaration|The module cannot be compiled
PLE0237|M|bug|90|Assignment to an attribute that __slots__ does not have|Raises AttributeError when it runs
PLE0241|H|bug|95|Base class given twice|The class statement raises TypeError
PLE0302|M|bug|85|Special method with a wrong number of parameters|Python's call of it raises TypeError
PLE0303|M|bug|90|__len__ returns no non-negative integer|len() raises TypeError or ValueError
PLE0304|M|bug|90|__bool__ returns no bool|Conditions on the object raise TypeError
PLE0305|M|bug|90|__index__ returns no integer|Indexing with the object raises TypeError
PLE0307|M|bug|90|__str__ returns no string|str() raises TypeError
PLE0308|M|bug|90|__bytes__ returns no bytes|bytes() raises TypeError
PLE0309|M|bug|90|__hash__ returns no integer|hash() raises TypeError
PLE0604|M|bug|95|Something else than a string in __all__|A star import of the module raises TypeError
PLE0605|M|bug|90|Invalid form of __all__|A star import of the module fails
PLE0643|H|bug|90|Index beyond the end of a sequence|Raises IndexError when it runs
PLE0704|M|bug|80|Bare raise outside a handler|Raises RuntimeError when no exception is active
PLE1132|H|bug|95|Keyword argument given twice|Raises TypeError when it runs
PLE1142|H|bug|90|await outside an async function|The module cannot be compiled
PLE1205|M|bug|90|Too many arguments for a logging message|The message is lost, a traceback goes to stderr
PLE1206|M|bug|90|Too few arguments for a logging message|The message is lost, a traceback goes to stderr
PLE1300|H|bug|95|Unknown format character|Raises ValueError when it runs
PLE1307|H|bug|90|Format and type of the value disagree|Raises TypeError when it runs
PLE1310|M|bug|85|strip() with repeated characters|It strips characters, not a word
PLE1507|M|bug|90|Environment variable name is no string|Raises TypeError when it runs
PLE1519|M|bug|90|singledispatch on a method|It dispatches on self
PLE1520|M|bug|90|singledispatchmethod on a function|Raises when it is called
PLE1700|H|bug|95|`yield from` in an async function|The module cannot be compiled
PLR0124|M|bug|80|Comparison of a value with itself|The result is constant; another name was meant
PLR0206|M|bug|95|Property with parameters|Reading it raises TypeError
PLR1708|M|bug|85|StopIteration raised in a generator|It becomes RuntimeError
PLW0127|L|bug|90|Variable assigned to itself|It does nothing; another name was meant
PLW0129|M|bug|95|Assertion on a string literal|It is always true, so nothing is checked
PLW0133|H|bug|95|Exception made but not raised|The error is never reported
PLW0177|M|bug|95|Comparison with NaN|NaN equals nothing, itself included
PLW0211|L|bug|80|Static method with self|It receives an argument in place of the instance
PLW0245|H|bug|95|super without brackets|Raises AttributeError when it runs
PLW0406|M|bug|90|Module imports itself|Its names do not exist yet
PLW0711|M|bug|95|Exceptions joined with a boolean operator|Only one of them is caught
PLW1501|M|bug|95|Invalid mode for open|Raises ValueError when it runs
PLW1507|M|bug|85|copy.copy of os.environ|Changes of the copy change the process environment
PLW1508|M|bug|80|Environment default of a wrong type|The variable is a string when set, something else when not
PLW1509|M|rel|80|preexec_fn with threads|It can deadlock the child
PLW2101|M|rel|95|Lock made inside the with statement|Nobody else can hold it: nothing is protected
RUF006|M|rel|85|Task without a reference|The event loop may drop it before it is done
RUF008|M|bug|90|Mutable default in a dataclass|All instances share and change one object
RUF009|L|bug|70|Call in a dataclass default|It runs once, at import, for all instances
RUF016|H|bug|90|Index of an invalid type|Raises TypeError when it runs
RUF018|L|bug|90|Assignment in an assertion|Under -O the name is never bound
RUF024|M|bug|90|Mutable value in dict.fromkeys|All keys share and change one object
RUF026|M|bug|90|default_factory as a keyword of defaultdict|It becomes an entry; missing keys raise KeyError
RUF030|M|bug|95|print as an assertion message|The message is None
RUF032|M|bug|85|Decimal from a float literal|The float's rounding error is kept exactly
RUF033|M|bug|90|Default in __post_init__|It is not the field's default
RUF034|M|bug|80|Both branches are the same|The condition decides nothing; one branch is wrong
RUF040|L|bug|90|Assertion message that is no string|Often the second half of a comparison: nothing compares it
RUF049|M|bug|90|dataclass on an Enum|Members compare and hash wrongly
RUF060|M|bug|90|Membership in an empty collection|The result is constant
RUF017|L|perf|85|Lists joined with sum|Takes time with the square of the length
ASYNC105|H|bug|90|trio call without await|It never runs
ASYNC210|M|perf|85|Blocking HTTP call in an async function|The whole event loop waits
ASYNC220|M|perf|80|Blocking process start in an async function|The whole event loop waits
ASYNC221|M|perf|85|Blocking process run in an async function|The whole event loop waits
ASYNC222|M|perf|85|Blocking wait in an async function|The whole event loop waits
ASYNC250|M|perf|85|Blocking input in an async function|The whole event loop waits
ASYNC251|M|perf|95|time.sleep in an async function|The whole event loop waits
LOG002|L|bug|90|getLogger with a wrong name|`__file__` and the like do not match the logger hierarchy
LOG014|L|bug|85|exc_info outside a handler|There is no exception to log
G101|H|bug|90|Logging extra overwrites a record field|Raises KeyError when it runs
PIE794|M|bug|90|Class attribute defined twice|The first definition is silently lost
PIE796|M|bug|90|Enum value used twice|The second member becomes an alias of the first
SIM220|M|bug|90|`a and not a`|Always false
SIM221|M|bug|90|`a or not a`|Always true
SIM222|M|bug|85|`... or True`|Always true
SIM223|M|bug|85|`... and False`|Always false
FAST003|M|bug|85|Path parameter that the function does not take|The value in the URL is dropped
INT001|M|bug|90|f-string in a gettext call|It is formatted before the lookup: never translated
INT002|M|bug|90|str.format in a gettext call|It is formatted before the lookup: never translated
INT003|M|bug|90|Percent format in a gettext call|It is formatted before the lookup: never translated
T100|M|rel|99|Debugger call left in the code|The program stops and waits for a terminal
E722|L|rel|70|Bare except|It swallows KeyboardInterrupt and SystemExit too
W605|L|rel|90|Invalid escape sequence|A warning today, a syntax error in a later Python
YTT101|M|bug|90|sys.version[:3]|Gives 3.1 on Python 3.10 and later
YTT102|M|bug|90|sys.version[2]|Gives 1 on Python 3.10 and later
YTT103|M|bug|90|sys.version compared as text|3.10 sorts before 3.9
YTT201|M|bug|90|sys.version_info[0] == 3|Turns false with the next major version
YTT204|M|bug|90|sys.version_info.minor compared alone|Wrong with the next major version
YTT301|M|bug|90|sys.version[0]|Wrong from version 10 on
YTT302|M|bug|90|sys.version compared with a short text|Wrong from version 10 on
S102|M|sec|70|exec|Runs any text as code: fatal when any of it comes from outside
S103|M|sec|85|Permissive file mode|Other users of the machine can change or run the file
S110|L|rel|60|try, except, pass|The error leaves no trace
S112|L|rel|60|try, except, continue|The error leaves no trace
S113|M|rel|85|HTTP request without a timeout|It can wait for ever
S201|H|sec|90|Flask debug mode|The debugger runs any code that a visitor sends
S202|H|sec|75|extractall without a filter|An archive can write outside the folder
S301|M|sec|60|pickle of foreign data|Loading it runs code that the data chooses
S302|M|sec|60|marshal of foreign data|Crafted data crashes the interpreter or worse
S304|M|sec|85|Insecure cipher|It can be broken
S305|M|sec|85|Insecure cipher mode|Equal blocks stay visible
S306|M|sec|90|mktemp|Another process can take the name first
S307|H|sec|75|eval|Runs any text as code: fatal when any of it comes from outside
S308|M|sec|55|mark_safe|What is marked is not escaped: cross-site scripting when any of it comes from outside
S312|M|sec|80|Telnet|Passwords travel in clear
S321|M|sec|70|FTP|Passwords travel in clear
S323|H|sec|90|Unverified TLS context|Anybody on the way can read and change the traffic
S324|L|sec|60|Weak hash function|MD5 and SHA-1 can be collided; fine only where nothing depends on it
S501|H|sec|95|TLS certificate not checked|Anybody on the way can read and change the traffic
S502|H|sec|90|Insecure TLS version|It can be broken
S503|M|sec|85|Insecure default TLS version|It can be broken
S504|L|sec|60|TLS version not given|The default may be insecure
S505|H|sec|90|Weak cryptographic key|It is short enough to be broken
S506|H|sec|90|yaml.load without a safe loader|The document can run code
S507|H|sec|90|SSH host key not checked|Anybody on the way can play the server
S508|M|sec|85|Insecure SNMP version|Requests travel in clear
S509|M|sec|85|Weak SNMP encryption|Requests can be read or forged
S602|H|sec|80|Process started through a shell|Whatever reaches the command line is run
S604|M|sec|60|shell=True in a call|Whatever reaches the command line is run
S605|H|sec|75|os.system and the like|Whatever reaches the command line is run
S608|H|sec|60|SQL put together from text|A value can change the statement; pass it as a parameter
S609|M|sec|80|Wildcard in a shell command|A file name can become an option
S610|M|sec|70|Django extra()|Raw SQL: a value can change the statement
S611|M|sec|60|Django RawSQL|A value can change the statement
S612|H|sec|85|logging.config.listen|Whoever connects can run code
S701|H|sec|80|Jinja2 without autoescape|Cross-site scripting when any value comes from outside
S702|M|sec|70|Mako template|Nothing is escaped by default: cross-site scripting
S704|M|sec|65|Markup of a text that is not constant|It is not escaped: cross-site scripting
"""


def _parse(row: str) -> tuple[str, Rule]:
    code, severity, category, confidence, title, why = row.split("|")
    rule = Rule(
        id=f"ruff/{code}",
        title=title,
        category=_CATEGORY[category],
        severity=_SEVERITY[severity],
        why=f"{why}.",
        confidence=int(confidence) / 100,
    )
    return code, rule


RULES: Final[Mapping[str, Rule]] = dict(_parse(row) for row in _TABLE.strip().splitlines())
"""By ruff's own code."""
SHELL_RULES: Final = frozenset({"S602", "S605"})
"""ruff says of these "seems safe" when the command is a literal: then they are worth a low finding at most."""
