"""JSON Web Tokens made by hand, good ones and forged ones, and gateways that ask for them."""
import base64
import hashlib
import hmac
import json
import time

SECRET = "a secret of the application, 32 bytes or more"
LINK_SECRET = "a secret of the gateways for watch links"
API_KEY = "jck_an-api-key-that-tests-made-up-themselves-000000"


def auth_toml(more=""):
    """A configuration with an HS256 secret, a publisher and one that may publish invoices alone."""
    return f"""
[auth]
secret = "{SECRET}"
link_secrets = ["{LINK_SECRET}"]
leeway = "0s"
{more}
[auth.publishers.backend]
hashes = ["{key_hash(API_KEY)}"]
[auth.publishers.billing]
hashes = ["{key_hash(API_KEY + '-billing')}"]
types = ["invoice"]
"""


def key_hash(key):
    return "sha256:" + hashlib.sha256(key.encode()).hexdigest()


def encode(data):
    raw = data if isinstance(data, bytes) else json.dumps(data).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def sign(header, claims, secret=SECRET):
    text = f"{encode(header)}.{encode(claims)}"
    return f"{text}.{encode(hmac.new(secret.encode(), text.encode(), 'sha256').digest())}"


def token(sub=None, ttl=300, secret=SECRET, **claims):
    claims = {"exp": int(time.time()) + ttl, **({"sub": sub} if sub else {}), **claims}
    return sign({"alg": "HS256", "typ": "JWT"}, claims, secret)


def bearer(credentials):
    return {"Authorization": f"Bearer {credentials}"}


PUBLISHER = bearer(API_KEY)
BILLING = bearer(API_KEY + "-billing")
