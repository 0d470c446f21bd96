"""Draw the cookbook's invoices, `data/invoices/*.png`, and write down what stands on them.

    python tests/refresh_invoices.py

The companies do not exist. `invoices.json` tells what is printed, not what should be: on one
invoice the lines do not add up to the sum below them, which the notebook has to find.
"""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "notebooks" / "data" / "invoices"
DPI = 100
INVOICES: list[dict[str, Any]] = [
    {
        "file": "harbour_1042.png",
        "supplier": "Harbour Tyre Works",
        "number": "HT-1042",
        "date": "2026-03-03",
        "items": [
            {"article": "Inner tube", "count": 20, "price": 3.20, "amount": 64.00},
            {"article": "Tyre 28 inch", "count": 10, "price": 14.50, "amount": 145.00},
        ],
        "net": 209.00,
        "vat": 41.80,
        "total": 250.80,
    },
    {
        "file": "bright_7731.png",
        "supplier": "Bright Lamp Company",
        "number": "7731",
        "date": "2026-03-12",
        "items": [
            {"article": "Front light", "count": 12, "price": 11.00, "amount": 132.00},
            {"article": "Rear light", "count": 12, "price": 6.50, "amount": 78.00},
        ],
        "net": 210.00,
        "vat": 42.00,
        "total": 252.00,
    },
    {
        "file": "miller_88.png",
        "supplier": "Miller and Daughters",
        "number": "M-88",
        "date": "2026-03-19",
        "items": [
            {"article": "Saddle", "count": 4, "price": 32.00, "amount": 128.00},
            {"article": "Bell", "count": 25, "price": 4.00, "amount": 100.00},
        ],
        "net": 238.00,  # ten too many, and the tax on it as well
        "vat": 47.60,
        "total": 285.60,
    },
    {
        "file": "harbour_1067.png",
        "supplier": "Harbour Tyre Works",
        "number": "HT-1067",
        "date": "2026-03-30",
        "items": [
            {"article": "Tyre 26 inch", "count": 8, "price": 13.00, "amount": 104.00},
            {"article": "Rim tape", "count": 30, "price": 1.20, "amount": 36.00},
        ],
        "net": 140.00,
        "vat": 28.00,
        "total": 168.00,
    },
]


def draw(invoice: dict[str, Any]) -> bytes:
    """The invoice as a PNG of few colours."""
    from matplotlib.figure import Figure
    from PIL import Image

    figure = Figure(figsize=(4.8, 4.6), dpi=DPI, facecolor="white")

    def write(text: str, x: float, y: float, size: float = 11, align: str = "left") -> None:
        figure.text(x, y, text, fontsize=size, ha=align, va="center", color="0.1")

    def line(y: float) -> None:
        figure.add_artist(_line(y))

    write(invoice["supplier"], 0.06, 0.92, 17)
    write(f"Invoice {invoice['number']}", 0.06, 0.83, 12)
    write(f"Date {invoice['date']}", 0.94, 0.83, 12, "right")
    line(0.76)
    for x, name in ((0.58, "Count"), (0.76, "Price"), (0.94, "Amount")):
        write(name, x, 0.71, 10, "right")
    write("Article", 0.06, 0.71, 10)
    height = 0.62
    for item in invoice["items"]:
        write(item["article"], 0.06, height, 12)
        write(str(item["count"]), 0.58, height, 12, "right")
        write(f"{item['price']:.2f}", 0.76, height, 12, "right")
        write(f"{item['amount']:.2f}", 0.94, height, 12, "right")
        height -= 0.10
    line(height + 0.03)
    for name, label in (("net", "Net"), ("vat", "VAT 20%"), ("total", "Total EUR")):
        height -= 0.06
        write(label, 0.06, height, 12)
        write(f"{invoice[name]:.2f}", 0.94, height, 12, "right")
        height -= 0.03
    write("Payable within 30 days. Thank you!", 0.5, 0.06, 9, "center")
    drawn, small = io.BytesIO(), io.BytesIO()
    figure.savefig(drawn, format="png")
    Image.open(drawn).convert("L").quantize(16).save(small, "PNG", optimize=True)
    return small.getvalue()


def _line(y: float) -> Any:
    from matplotlib.lines import Line2D

    return Line2D([0.06, 0.94], [y, y], color="0.4", linewidth=1)


def main() -> None:
    """Write the pictures, and `invoices.json` beside them."""
    FOLDER.mkdir(exist_ok=True)
    for invoice in INVOICES:
        data = draw(invoice)
        (FOLDER / invoice["file"]).write_bytes(data)
        print(f"{invoice['file']}: {len(data):,} bytes")
    (FOLDER / "invoices.json").write_text(json.dumps(INVOICES, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
