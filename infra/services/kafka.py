"""Apache Kafka: one node, with a listener for each way to authenticate, and an issuer of OAuth tokens beside it.

Every `up` makes it from nothing: storage, certificates, users.
"""

import json
import shutil
import sys

from . import certificates, kafka_node, state, token_endpoint, wire
from .service import Process, Service

# Users and their passwords: by PLAIN, both forms of SCRAM, and OAuth. The last three may do less than all.
USERS = {
    "pelton": "pelton-secret",
    "stranger": "stranger-secret",
    "no-topics": "no-topics-secret",
    "no-groups": "no-groups-secret",
}
# As Azure Event Hubs has it. By PLAIN only.
CONNECTION_STRING_USER = "$ConnectionString"
CONNECTION_STRING = (
    "Endpoint=sb://pelton.servicebus.example/;SharedAccessKeyName=pelton;SharedAccessKey=cGVsdG9uLXNlY3JldA=="
)
SUPER_USERS = ("ANONYMOUS", "pelton", CONNECTION_STRING_USER)
RULES = [
    ("User:no-topics", wire.GROUP, wire.READ),
    ("User:no-groups", wire.TOPIC, wire.READ),
]

# The listeners of the broker: their security, and what they show to their clients.
LISTENERS = {
    "plaintext": ("PLAINTEXT", None),
    "sasl_ssl": ("SASL_SSL", "server.pem"),
    "ssl": ("SSL", "server.pem"),
    "mtls": ("SSL", "server.pem"),
    "misnamed": ("SSL", "misnamed.pem"),
}
PORTS = (*LISTENERS, "controller", "token_endpoint")


class Kafka(Service):
    name = "kafka"
    # From its start to the first answer.
    start_wait_max_s = 120

    def __init__(self):
        self.version = kafka_node.version()
        self.node = kafka_node.Node(self.name, 1)
        self.nodes = [self.node]
        self.tls = state.STATE / self.name / "tls"
        self.tokens = state.STATE / self.name / "token-endpoint"

    def ports(self):
        first = int(state.setting(self.port_setting))
        return {name: first + offset for offset, name in enumerate(PORTS)}

    def endpoint(self, ports):
        return f"127.0.0.1:{ports['plaintext']}"

    def listeners(self, ports):
        others = {name: f"127.0.0.1:{ports[name]}" for name in LISTENERS if name != "plaintext"}
        return {**others, "token_endpoint": self._token_url(ports), "certificates": str(self.tls)}

    def folders(self):
        return [self.tokens, self.node.folder]

    def install(self):
        certificates.require()
        kafka_node.install()

    def prepare(self, ports):
        for folder in (self.tls, self.tokens):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
        self.node.write(self._settings(ports))
        scram = [
            f"--add-scram=SCRAM-SHA-{bits}=[name={user},password={password}]"
            for bits in (256, 512)
            for user, password in USERS.items()
        ]
        formatting = self.node.formatting(scram)
        certificates.make(self.tls)
        self._jwks.write_text(json.dumps({"keys": [self._token_key()]}))
        kafka_node.formatted([formatting])

    def processes(self, ports):
        clients = [f"{user}:{password}" for user, password in USERS.items()]
        issue = [sys.executable, token_endpoint.__file__, str(ports["token_endpoint"]), str(self.tls / "token-issuer.key")]
        return [Process(self.tokens, [*issue, *clients]), self.node_process(self.node)]

    def node_process(self, node):
        """The process of a node, also after it was stopped."""
        return node.process([("org.apache.kafka.sasl.oauthbearer.allowed.urls", self._jwks.as_uri())])

    def answers(self, endpoint):
        """Whether it serves there: its version, or None."""
        return kafka_node.version_at(self.name, endpoint, {self.node.number})

    def warm_up(self, endpoint):
        wire.allow(endpoint, RULES)

    @property
    def _jwks(self):
        return self.tls / "token-issuer.jwks.json"

    def _token_url(self, ports):
        return f"http://127.0.0.1:{ports['token_endpoint']}/token"

    def _token_key(self):
        """The public key of the issuer of tokens, as brokers look it up."""
        modulus = token_endpoint.base64url(certificates.modulus(self.tls / "token-issuer.key"))
        return {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": token_endpoint.KEY_ID, "n": modulus, "e": "AQAB"}

    def _settings(self, ports):
        addresses = {name.upper(): f"{name.upper()}://127.0.0.1:{ports[name]}" for name in LISTENERS}
        controller = f"127.0.0.1:{ports['controller']}"
        securities = [f"{name.upper()}:{security}" for name, (security, _) in LISTENERS.items()]
        return {
            "listeners": ",".join([*addresses.values(), f"CONTROLLER://{controller}"]),
            "advertised.listeners": ",".join(addresses.values()),
            "listener.security.protocol.map": ",".join([*securities, "CONTROLLER:PLAINTEXT"]),
            "inter.broker.listener.name": "PLAINTEXT",
            "controller.listener.names": "CONTROLLER",
            "controller.quorum.voters": f"{self.node.number}@{controller}",
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": ";".join(f"User:{user}" for user in SUPER_USERS),
            # A client certificate stands for the user of its common name.
            "ssl.principal.mapping.rules": "RULE:^.*CN=([^,]+).*$/$1/",
            **kafka_node.copies(1),
            **self._tls_settings(),
            **self._sasl_settings(),
        }

    def _tls_settings(self):
        settings = {"ssl.truststore.type": "PEM", "ssl.truststore.location": self.tls / "ca.pem"}
        for name, (_, shown) in LISTENERS.items():
            if shown:
                settings[f"listener.name.{name}.ssl.keystore.type"] = "PEM"
                settings[f"listener.name.{name}.ssl.keystore.location"] = self.tls / shown
                settings[f"listener.name.{name}.ssl.client.auth"] = "required" if name == "mtls" else "none"
        return settings

    def _sasl_settings(self):
        users = {**USERS, CONNECTION_STRING_USER: CONNECTION_STRING}
        modules = "org.apache.kafka.common.security"
        plain = " ".join(f'user_{user}="{password}"' for user, password in users.items())
        scram = f"{modules}.scram.ScramLoginModule required;"
        listener = "listener.name.sasl_ssl"
        oauth = f"{listener}.oauthbearer"
        return {
            f"{listener}.sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER",
            f"{listener}.plain.sasl.jaas.config": f"{modules}.plain.PlainLoginModule required {plain};",
            f"{listener}.scram-sha-256.sasl.jaas.config": scram,
            f"{listener}.scram-sha-512.sasl.jaas.config": scram,
            f"{oauth}.sasl.jaas.config": f"{modules}.oauthbearer.OAuthBearerLoginModule required;",
            f"{oauth}.sasl.server.callback.handler.class": f"{modules}.oauthbearer.OAuthBearerValidatorCallbackHandler",
            f"{oauth}.sasl.oauthbearer.jwks.endpoint.url": self._jwks.as_uri(),
            f"{oauth}.sasl.oauthbearer.expected.issuer": token_endpoint.ISSUER,
            f"{oauth}.sasl.oauthbearer.expected.audience": token_endpoint.AUDIENCE,
            # Without it, a connection outlives the token that it was opened with.
            f"{oauth}.connections.max.reauth.ms": "3600000",
        }
