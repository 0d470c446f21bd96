"""How answers look: golden renderings, accessibility, sizes."""
