"""The runner's own rules, written down once more: what it takes for a command, and how it reads its files.

After actions/runner ``ActionCommand.cs``, ``ActionCommandManager.cs`` and ``FileCommandManager.cs``.
"""

import re
from dataclasses import dataclass, field

KNOWN = {"add-mask", "add-matcher", "add-path", "debug", "echo", "endgroup", "error", "group", "internal-set-repo-path",
         "notice", "remove-matcher", "save-state", "set-env", "set-output", "stop-commands", "warning"}  # fmt: skip
PER_TYPE = 10


@dataclass
class Command:
    name: str
    properties: dict
    data: str


def parse(line):
    """Return the command in a line of output, or None; the newer syntax is tried first, as the runner does."""
    return _newer(line) or _older(line)


def _newer(line):
    line = line.lstrip()
    if not line.startswith("::"):
        return None
    end = line.find("::", 2)
    if end < 0:
        return None
    name, _, rest = line[2:end].partition(" ")
    if name.lower() not in KNOWN:
        return None
    properties = dict(one.split("=", 1) for one in rest.strip().split(",") if "=" in one)
    return Command(
        name.lower(), {key.strip(): _plain(value) for key, value in properties.items()}, _plain(line[end + 2 :])
    )


def _older(line):
    start = line.find("##[")
    end = line.find("]", start)
    if start < 0 or end < 0:
        return None
    name, _, rest = line[start + 3 : end].partition(" ")
    if name.lower() not in KNOWN:
        return None
    properties = dict(one.split("=", 1) for one in rest.split(";") if "=" in one)
    return Command(name.lower(), properties, line[end + 1 :])


def _plain(text):
    for code, char in (
        ("%3B", ";"),
        ("%0D", "\r"),
        ("%0A", "\n"),
        ("%3A", ":"),
        ("%2C", ","),
        ("%5D", "]"),
        ("%25", "%"),
    ):
        text = text.replace(code, char)
    return text


@dataclass
class Log:
    """What the runner made of a step's output."""

    commands: list = field(default_factory=list)
    text: list = field(default_factory=list)
    masks: list = field(default_factory=list)
    outputs: dict = field(default_factory=dict)
    issues: list = field(default_factory=list)


def read_log(output):
    """Return what the runner makes of *output*; ``ReadLine`` of .NET ends lines at CR, LF and both."""
    log, stopped = Log(), None
    for line in re.split("\r\n|\r|\n", output):
        if stopped is not None:
            if line.strip() == f"::{stopped}::":
                stopped = None
            else:
                log.text.append(line)
            continue
        command = parse(line)
        if command is None:
            log.text.append(line)
            continue
        log.commands.append(command)
        match command.name:
            case "stop-commands":
                stopped = command.data
            case "add-mask":
                log.masks.append(command.data)
            case "set-output":
                log.outputs[command.properties.get("name")] = command.data
            case "error" | "warning" | "notice":
                same = sum(one.name == command.name for one in log.issues)
                if same < PER_TYPE:
                    log.issues.append(command)
    return log


def read_file(text):
    """Return the names and values of an environment file.

    Raises ValueError where the runner fails the step.
    """
    values, lines, index = {}, text.split("\n"), 0
    while index < len(lines):
        line = lines[index].removesuffix("\r")
        index += 1
        if not line:
            continue
        equals, heredoc = line.find("="), line.find("<<")
        if equals >= 0 and (heredoc < 0 or equals < heredoc):
            name, _, value = line.partition("=")
        elif heredoc >= 0 and (equals < 0 or heredoc < equals):
            name, _, delimiter = line.partition("<<")
            if not name or not delimiter:
                raise ValueError(f"invalid format {line!r}")
            body = []
            while True:
                if index >= len(lines):
                    raise ValueError(f"no closing {delimiter!r}")
                if lines[index] == delimiter:
                    index += 1
                    break
                body.append(lines[index])
                index += 1
            value = "\n".join(body)
        else:
            raise ValueError(f"invalid format {line!r}")
        values[name] = value
    return values
