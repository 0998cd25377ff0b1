"""Keys and certificates for listeners with TLS and for their clients, made by openssl.

In: an empty folder. Out: PEM files in it, of a private authority, of a server at 127.0.0.1 and of clients, right and wrong ones.
They are for tests: their keys are no secret.

    ca.pem                           the authority; clients trust it
    server.pem                       for the server: key, certificate for 127.0.0.1 and localhost
    misnamed.pem                     for the server: a certificate of the authority for another name
    client.pem, client.key           a client certificate of the authority, with its key (PKCS#8)
    client-pbes1.key                 that key, encrypted with PBES1
    client-pbes2.key                 that key, encrypted with PBES2
    client-chain.pem, -chain.key     a client certificate of an intermediate authority, followed by the latter's own
    foreign-ca.pem                   an authority that the server does not know
    foreign-client.pem, -client.key  a client certificate of it
    token-issuer.key                 signs OAuth tokens
"""

import shutil

from . import processes
from .report import Missing

# Of the encrypted keys.
KEY_PASSWORD = "key-secret"

DAYS = "3650"
# A key of the one kind is made at once, one of the other takes a while.
ELLIPTIC = ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")
RSA = ("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048")

CONFIGURATION = """
[req]
distinguished_name = name
[name]
[ca]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[server]
basicConstraints = CA:FALSE
extendedKeyUsage = serverAuth
subjectAltName = IP:127.0.0.1, DNS:localhost
[misnamed]
basicConstraints = CA:FALSE
extendedKeyUsage = serverAuth
subjectAltName = DNS:kafka.invalid
[client]
basicConstraints = CA:FALSE
extendedKeyUsage = clientAuth
"""


def require():
    if not shutil.which("openssl"):
        raise Missing("the certificates of the listeners are made by openssl: apt-get install openssl")


def make(folder):
    """Makes all of them. The name of the clients is `pelton`."""
    (folder / "openssl.cnf").write_text(CONFIGURATION)
    for authority in ("ca", "foreign-ca"):
        _self_signed(folder, authority)
    _issued(folder, "intermediate", "ca", "ca", "/CN=Pelton test intermediate")
    _issued(folder, "server", "ca", "server", "/CN=127.0.0.1")
    _issued(folder, "misnamed", "ca", "misnamed", "/CN=kafka.invalid")
    _issued(folder, "client", "ca", "client", "/CN=pelton/O=Pelton", RSA)
    _issued(folder, "client-chain", "intermediate", "client", "/CN=pelton/O=Pelton")
    _issued(folder, "foreign-client", "foreign-ca", "client", "/CN=pelton/O=Pelton")
    for server in ("server", "misnamed"):
        _append(folder / f"{server}.pem", folder / f"{server}.key")
    _append(folder / "client-chain.pem", folder / "intermediate.pem")
    _encrypted(folder, "client-pbes1.key", ["-v1", "PBE-SHA1-3DES"])
    _encrypted(folder, "client-pbes2.key", ["-v2", "aes-256-cbc"])
    _key(folder / "token-issuer.key", RSA)


def modulus(key):
    """The modulus of an RSA key, as bytes."""
    told = processes.finish(["openssl", "rsa", "-in", key, "-noout", "-modulus"])
    return bytes.fromhex(told.strip().removeprefix("Modulus="))


def _key(path, kind=ELLIPTIC):
    processes.finish(["openssl", "genpkey", *kind, "-out", path])


def _self_signed(folder, name):
    _key(folder / f"{name}.key")
    settings = ["-config", folder / "openssl.cnf", "-extensions", "ca", "-subj", f"/CN=Pelton test {name}", "-days", DAYS]
    files = ["-key", folder / f"{name}.key", "-out", folder / f"{name}.pem"]
    processes.finish(["openssl", "req", "-x509", "-new", *settings, *files])


def _issued(folder, name, authority, extensions, subject, kind=ELLIPTIC):
    _key(folder / f"{name}.key", kind)
    request = folder / f"{name}.csr"
    settings = ["-config", folder / "openssl.cnf", "-subj", subject, "-key", folder / f"{name}.key"]
    processes.finish(["openssl", "req", "-new", *settings, "-out", request])
    by = ["-CA", folder / f"{authority}.pem", "-CAkey", folder / f"{authority}.key", "-CAcreateserial", "-days", DAYS]
    adding = ["-extfile", folder / "openssl.cnf", "-extensions", extensions]
    processes.finish(["openssl", "x509", "-req", "-in", request, *by, *adding, "-out", folder / f"{name}.pem"])
    request.unlink()


def _encrypted(folder, name, scheme):
    files = ["-in", folder / "client.key", "-out", folder / name]
    processes.finish(["openssl", "pkcs8", "-topk8", *scheme, "-passout", f"pass:{KEY_PASSWORD}", *files])


def _append(path, other):
    path.write_text(path.read_text() + other.read_text())
