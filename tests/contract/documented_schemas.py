"""The JSON Schemas of the documentation's examples, written out anew: same shapes, other words."""

from __future__ import annotations

from typing import Any

__all__ = ["SCHEMAS", "closed"]

TEXT = {"type": "string"}


def closed(**properties: Any) -> dict[str, Any]:
    """An object as strict mode wants it."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def word(*words: str) -> dict[str, Any]:
    return {"type": "string", "enum": list(words)}


def array(items: Any) -> dict[str, Any]:
    return {"type": "array", "items": items}


SCHEMAS: dict[str, dict[str, Any]] = {
    "product review": closed(
        product_name=TEXT,
        rating={"type": "number"},
        sentiment=word("positive", "negative", "neutral"),
        key_features=array(TEXT),
    ),
    "array without items": {
        "type": "object",
        "properties": {"product_name": TEXT, "key_features": {"type": "array"}},
    },
    "query, nested and open": {
        "type": "object",
        "properties": {
            "query": TEXT,
            "query_type": word("SELECT", "INSERT", "UPDATE", "DELETE"),
            "tables_used": array(TEXT),
            "validation_status": {
                "type": "object",
                "properties": {"is_valid": {"type": "boolean"}, "syntax_errors": array(TEXT)},
                "required": ["is_valid", "syntax_errors"],
                "additionalProperties": False,
            },
        },
        "required": ["query", "query_type", "tables_used", "validation_status"],
    },
    "support ticket, optional fields": {
        "type": "object",
        "properties": {
            "category": word("api", "billing", "bug"),
            "urgency_score": {"type": "number"},
            "customer_info": {
                "type": "object",
                "properties": {"name": TEXT, "company": TEXT, "tier": word("free", "paid")},
                "required": ["name", "tier"],
            },
            "requires_escalation": {"type": "boolean"},
            "follow_up_date": {"type": "string", "format": "date-time"},
        },
        "required": ["category", "urgency_score", "customer_info", "requires_escalation"],
    },
    "steps": closed(steps=array(closed(explanation=TEXT, output=TEXT)), final_answer=TEXT),
    "anyOf": closed(
        payment_method={
            "anyOf": [
                closed(card_number=TEXT, expiry_date=TEXT, cvv=TEXT),
                closed(account_number=TEXT, routing_number=TEXT),
            ]
        }
    ),
    "$ref to $defs": {
        **closed(
            milestones=array({"$ref": "#/$defs/milestone"}), project_status=word("planning", "done")
        ),
        "$defs": {"milestone": closed(title=TEXT, deadline=TEXT, completed={"type": "boolean"})},
    },
    "recursive by #": closed(
        employee_id=TEXT,
        position=word("CEO", "Manager", "Intern"),
        direct_reports=array({"$ref": "#"}),
        contact_info=array(closed(type=word("email", "phone"), value=TEXT)),
    ),
    "recursive by $defs, or null": {
        **closed(file_system={"$ref": "#/$defs/file_node"}),
        "$defs": {
            "file_node": closed(
                name=TEXT,
                type=word("file", "directory"),
                size={"type": "number"},
                children={"anyOf": [array({"$ref": "#/$defs/file_node"}), {"type": "null"}]},
            )
        },
    },
    "integers and limits": closed(
        age={"type": "integer", "minimum": 0, "exclusiveMaximum": 130},
        share={"type": "number", "exclusiveMinimum": 0, "maximum": 1},
        code={"type": "string", "pattern": "^[A-Z]{2}-[0-9]{3}$"},
        day={"type": "string", "format": "date"},
        two={"type": "array", "items": TEXT, "minItems": 2, "maxItems": 2},
    ),
}
