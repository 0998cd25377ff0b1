"""Reads YAML as AWS's tools do: with PyYAML, JSON first.

Each line of the input is a document as a JSON string. Each line of the output says what it is: {"tree": NODE}, {"empty": true}, or
{"refused": REASON}. A node is one of

    ["n", START]               nothing
    ["s", START, END, TEXT]    a single value, numbers and booleans resolved
    ["l", START, [NODE, ...]]
    ["m", START, [[KEY, START, NODE], ...]]    sorted by key

START and END count characters; both are null for JSON.
"""

import json
import sys

import yaml

# As many lists and maps inside each other as Pelton reads.
DEPTH_MAX = 64
YAML = "tag:yaml.org,2002:"


class Refused(Exception):
    pass


def whole(text):
    """Two halves of a character are that character; half a character is U+FFFD."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


class Reader:
    def __init__(self, text):
        self.loader = yaml.SafeLoader(text)
        self.anchors = {}
        # By the id of a value's node: the name that it is as a key, and whether that is `<<`, which merges.
        self.written = {}
        self.depth = 0

    def document(self):
        self.loader.get_event()
        if isinstance(self.loader.get_event(), yaml.StreamEndEvent):
            return None
        root = self.node(self.loader.get_event(), False)
        self.loader.get_event()
        if not isinstance(self.loader.get_event(), yaml.StreamEndEvent):
            raise Refused("second document")
        return root

    def node(self, event, resolves_keys):
        """`resolves_keys`: whether keys are looked up by values, as those of the section `Mappings`."""
        if isinstance(event, yaml.AliasEvent):
            if self.anchors.get(event.anchor) is None:
                raise Refused("unknown or recursive alias")
            return self.anchors[event.anchor]
        if event.anchor in self.anchors:
            raise Refused("duplicate anchor")
        if event.anchor is not None:
            self.anchors[event.anchor] = None
        tag = None if event.tag == "!" else event.tag
        start = event.start_mark.index
        if isinstance(event, yaml.ScalarEvent):
            node = self.scalar(event, start)
        else:
            self.depth += 1
            if self.depth > DEPTH_MAX:
                raise Refused("too deep")
            if isinstance(event, yaml.SequenceStartEvent):
                node = ["l", start, self.items(resolves_keys)]
            else:
                node = ["m", start, self.entries(resolves_keys)]
            self.depth -= 1
        if tag is not None and tag.startswith("!"):
            name = tag[1:] if tag[1:] in ("Ref", "Condition") else "Fn::" + tag[1:]
            node = ["m", start, [[name, start, node]]]
        if event.anchor is not None:
            self.anchors[event.anchor] = node
        return node

    def resolved(self, event):
        if event.tag not in (None, "!"):
            return event.tag
        return self.loader.resolve(yaml.ScalarNode, event.value, event.implicit)

    def scalar(self, event, start):
        resolved = self.resolved(event)
        text = whole(event.value)
        if resolved == YAML + "null" or (text == "" and resolved.startswith("!")):
            node = ["n", start]
            self.written[id(node)] = ("null", False)
            return node
        if resolved == YAML + "bool":
            if text.lower() not in self.loader.bool_values:
                raise Refused("constructor")
            text = "true" if self.loader.bool_values[text.lower()] else "false"
        if resolved == YAML + "int":
            try:
                text = str(self.loader.construct_yaml_int(yaml.ScalarNode(resolved, event.value)))
            except (ValueError, IndexError):
                raise Refused("constructor")
        node = ["s", start, event.end_mark.index, text]
        self.written[id(node)] = (whole(event.value), resolved == YAML + "merge")
        return node

    def items(self, resolves_keys):
        items = []
        while not isinstance(event := self.loader.get_event(), yaml.SequenceEndEvent):
            items.append(self.node(event, resolves_keys))
        return items

    def entries(self, resolves_keys):
        own, merged = {}, {}
        while not isinstance(event := self.loader.get_event(), yaml.MappingEndEvent):
            key = self.node(event, resolves_keys)
            if key[0] not in "ns":
                raise Refused("unhashable key")
            name, is_merge = self.written[id(key)]
            if key[0] == "s" and resolves_keys:
                name = key[3]
            is_section = self.depth == 1 and name == "Mappings"
            value = self.node(self.loader.get_event(), resolves_keys or is_section)
            if is_merge:
                merged.update(self.merged(value))
            else:
                own[name] = [name, key[1], value]
        merged.update(own)
        return [merged[name] for name in sorted(merged)]

    def merged(self, node):
        if node[0] == "m":
            return {entry[0]: entry for entry in node[2]}
        if node[0] != "l" or any(item[0] != "m" for item in node[2]):
            raise Refused("merge")
        merged = {}
        for item in reversed(node[2]):
            merged.update(self.merged(item))
        return merged


def json_node(value):
    if value is None:
        return ["n", None]
    if isinstance(value, bool):
        return ["s", None, None, "true" if value else "false"]
    if isinstance(value, (str, int, float)):
        return ["s", None, None, whole(str(value))]
    if isinstance(value, list):
        return ["l", None, [json_node(item) for item in value]]
    entries = {whole(key): entry for key, entry in value.items()}
    return ["m", None, [[key, None, json_node(entries[key])] for key in sorted(entries)]]


def judge(text):
    try:
        return {"tree": json_node(json.loads(text, parse_float=str))}
    except ValueError:
        pass
    try:
        root = Reader(text).document()
        return {"empty": True} if root is None else {"tree": root}
    except Refused as refused:
        return {"refused": str(refused)}
    except yaml.YAMLError as error:
        return {"refused": " ".join(str(error).split())}
    except (ValueError, OverflowError) as error:
        return {"refused": "constructor: " + str(error)}


for line in sys.stdin:
    print(json.dumps(judge(json.loads(line))), flush=True)
