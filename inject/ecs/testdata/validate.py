"""Holds task definitions against the ECS API, as botocore knows it.

Standard input is a JSON list of objects: "where" (for messages), "kind" (api,
described or template) and "task". Prints a line for each thing that is wrong.
"""
import json
import sys

from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.validate import ParamValidator

model = ServiceModel(Loader().load_service_model("ecs", "service-2"))
shape = model.operation_model("RegisterTaskDefinition").input_shape
described = model.operation_model("DescribeTaskDefinition").output_shape.members["taskDefinition"]

# What a function of CloudFormation may give, by the type that is wanted.
GIVEN = {"string": "x", "integer": 1, "long": 1, "boolean": True, "list": [], "map": {}, "structure": {}}


def computed(value):
    return isinstance(value, dict) and len(value) == 1 and next(iter(value)).split("::")[0] in ("Ref", "Fn")


def lower(value, shape):
    """Writes a template's properties as the API does."""
    if shape is not None and computed(value):
        return GIVEN[shape.type_name]
    if isinstance(value, list):
        return [lower(v, getattr(shape, "member", None)) for v in value]
    if not isinstance(value, dict):
        return value
    if shape is None or shape.type_name == "map":
        return {k: lower(v, getattr(shape, "value", None)) for k, v in value.items()}
    names = [(k[:1].lower() + k[1:], v) for k, v in value.items()]
    return {k: lower(v, shape.members.get(k)) for k, v in names}


for one in json.load(sys.stdin):
    task = one["task"]
    if one["kind"] == "template":
        task = lower(task, shape)
    if one["kind"] == "described":  # registering does not take what only answers have
        task = {k: v for k, v in task.items() if k in shape.members or k not in described.members}
    report = ParamValidator().validate(task, shape)
    if report.has_errors():
        print(one["where"], report.generate_report().replace("\n", "; "))
