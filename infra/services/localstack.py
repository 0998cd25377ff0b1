"""LocalStack in host mode: from its Python packages, without Docker, on 127.0.0.1 only.

4.14 is the last free release. It wants Python 3.13 (3.11 answers CreateStream with 500) and exactly the packages of
localstack-constraints.txt. Its Kinesis backend comes from npm when Kinesis is used for the first time.
"""

import json
import shutil
import urllib.request

from . import python, state
from .report import Missing
from .service import Service

PYTHON_VERSION = "3.13"
ANSWER_WAIT_MAX_S = 5
# The first call to Kinesis installs the backend and starts it.
WARM_UP_WAIT_MAX_S = 180


class LocalStack(Service):
    name = "localstack"
    # From its start to the first answer.
    start_wait_max_s = 60

    def __init__(self):
        self.version = state.setting("LOCALSTACK_VERSION")
        self.port = int(state.setting("LOCALSTACK_PORT"))

    def install(self):
        """Installs what it needs, once."""
        for program in ("node", "npm"):
            if not shutil.which(program):
                raise Missing(f"LocalStack's Kinesis needs {program}: apt-get install nodejs npm")
        self.python = python.environment(
            self.folder / "venv",
            PYTHON_VERSION,
            [f"localstack-core[runtime]=={self.version}", f"localstack=={self.version}"],
            state.INFRA / "localstack-constraints.txt",
            f"localstack: installing {self.version} from its Python packages (510 MB, 1 to 2 minutes)",
        )

    def command(self, port):
        return [str(self.python), "-m", "localstack.runtime.main"]

    def environment(self, port):
        loopback = str(state.INFRA / "services" / "loopback.cjs").replace("\\", "\\\\").replace('"', '\\"')
        return {
            "GATEWAY_LISTEN": f"127.0.0.1:{port}",
            "GATEWAY_SERVER": "hypercorn",
            "SERVICES": state.setting("LOCALSTACK_SERVICES"),
            "FILESYSTEM_ROOT": str(self.folder / "root"),
            "OVERRIDE_IN_DOCKER": "0",
            "DNS_ADDRESS": "0",
            "DISABLE_EVENTS": "1",
            "SKIP_SSL_CERT_DOWNLOAD": "1",
            "KINESIS_PERSISTENCE": "0",
            "KINESIS_SHARD_LIMIT": "10000",
            "KINESIS_ON_DEMAND_STREAM_COUNT_LIMIT": "1000",
            "NODE_OPTIONS": f'--require "{loopback}"',
        }

    def answers(self, endpoint):
        """Whether it serves there: its version, or None."""
        try:
            with urllib.request.urlopen(f"{endpoint}/_localstack/health", timeout=ANSWER_WAIT_MAX_S) as answer:
                return json.load(answer).get("version")
        except (OSError, ValueError):
            return None

    def warm_up(self, endpoint):
        """Uses Kinesis once, which installs and starts its backend."""
        scope = "test/20260101/us-east-1/kinesis/aws4_request"
        request = urllib.request.Request(
            endpoint,
            data=b"{}",
            headers={
                "Content-Type": "application/x-amz-json-1.1",
                "X-Amz-Target": "Kinesis_20131202.ListStreams",
                "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0",
            },
        )
        with urllib.request.urlopen(request, timeout=WARM_UP_WAIT_MAX_S) as answer:
            json.load(answer)["StreamNames"]
