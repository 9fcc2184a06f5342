"""Certificates for servers on 127.0.0.1."""
import subprocess


def make_certificate(folder, name="server"):
    """A self-signed certificate for 127.0.0.1; answers the paths of certificate and key."""
    certificate, key = f"{folder}/{name}.pem", f"{folder}/{name}.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}",
                    "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate],
                   check=True, capture_output=True)
    return certificate, key
