"""Where things are; secrets come from the environment."""

import os

DATABASE = os.environ.get("SHOP_DATABASE", "shop.db")
BUCKET = "shop-invoices"
