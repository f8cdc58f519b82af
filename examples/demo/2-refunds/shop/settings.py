"""Where things are; secrets come from the environment."""

import os

DATABASE = os.environ.get("SHOP_DATABASE", "shop.db")
BUCKET = "shop-invoices"
AWS_ACCESS_KEY_ID = "@@AWS_KEY_ID@@"
AWS_SECRET_ACCESS_KEY = "@@AWS_SECRET@@"
