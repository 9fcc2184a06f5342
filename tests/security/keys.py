"""Keys as an issuer of tokens has them, made with openssl, and tokens signed with them."""
import json
import re
import subprocess
import time

from harness.tokens import encode


def openssl(*arguments, stdin=b""):
    return subprocess.run(["openssl", *arguments], input=stdin, check=True, capture_output=True).stdout


class IssuerKey:
    """A key pair of one algorithm: `public` and `private` are PEM files."""

    _MAKE = {"RS256": ("RSA", "rsa_keygen_bits:2048"), "ES256": ("EC", "ec_paramgen_curve:P-256"), "EdDSA": ("ED25519", None)}

    def __init__(self, folder, algorithm, kid):
        self.algorithm, self.kid = algorithm, kid
        self.private, self.public = f"{folder}/{kid}.key", f"{folder}/{kid}.pem"
        kind, option = self._MAKE[algorithm]
        openssl("genpkey", "-algorithm", kind, *(["-pkeyopt", option] if option else []), "-out", self.private)
        openssl("pkey", "-in", self.private, "-pubout", "-out", self.public)

    def toml(self):
        return f'[auth.keys."{self.kid}"]\nalgorithm = "{self.algorithm}"\nfile = "{self.public}"\n'

    def public_pem(self):
        with open(self.public, "rb") as file:
            return file.read()

    def public_der(self):
        return openssl("pkey", "-in", self.private, "-pubout", "-outform", "DER")

    def jwk(self):
        """The public key as in a JWK set (RFC 7517)."""
        common = {"kid": self.kid, "use": "sig", "alg": self.algorithm}
        if self.algorithm == "RS256":
            modulus = re.search(rb"Modulus=([0-9A-F]+)", openssl("rsa", "-pubin", "-in", self.public, "-noout", "-modulus"))
            return {**common, "kty": "RSA", "n": encode(bytes.fromhex(modulus[1].decode())), "e": "AQAB"}
        if self.algorithm == "ES256":
            point = self.public_der()[-64:]
            return {**common, "kty": "EC", "crv": "P-256", "x": encode(point[:32]), "y": encode(point[32:])}
        return {**common, "kty": "OKP", "crv": "Ed25519", "x": encode(self.public_der()[-32:])}

    def sign(self, text):
        """The signature as it stands in a token."""
        if self.algorithm == "EdDSA":
            # openssl signs a file with Ed25519, not what comes from a pipe.
            with open(f"{self.private}.text", "wb") as file:
                file.write(text)
            return openssl("pkeyutl", "-sign", "-rawin", "-inkey", self.private, "-in", f"{self.private}.text")
        made = openssl("dgst", "-sha256", "-sign", self.private, stdin=text)
        return made if self.algorithm == "RS256" else _halves(made)

    def token(self, sub="anna", ttl=300, header=(), **claims):
        """`header` replaces members of the header; None leaves one out, also of the claims."""
        head = _given({"alg": self.algorithm, "kid": self.kid, **dict(header)})
        text = f'{encode(head)}.{encode(_given({"sub": sub, "exp": int(time.time()) + ttl, **claims}))}'
        return f"{text}.{encode(self.sign(text.encode()))}"


def jwks(keys):
    return json.dumps({"keys": [key.jwk() for key in keys]})


def _given(members):
    return {name: value for name, value in members.items() if value is not None}


def _halves(der):
    """r and s, 32 bytes each, of an ECDSA signature in DER (RFC 7518, section 3.4)."""
    out, at = b"", 2
    for _ in range(2):
        assert der[at] == 2
        size = der[at + 1]
        out += der[at + 2:at + 2 + size].lstrip(b"\0").rjust(32, b"\0")
        at += 2 + size
    return out
