"""Creating jobs at the gateway."""
import json
import time
import urllib.error
import urllib.request

_DELAYS = (0, 0.2, 0.6, 1.2)  # seconds before each try


class GatewayAway(Exception):
    """It does not answer, or asks to come back later."""


def create(gateway, key, **fields):
    """The id of the new job. The key makes trying again safe: however often it arrives, there is one job."""
    request = urllib.request.Request(f"{gateway}/api/jobs", json.dumps(fields).encode(),
                                     {"Content-Type": "application/json", "Idempotency-Key": key})
    for delay in _DELAYS:
        time.sleep(delay)
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return json.load(answer)["id"]
        except urllib.error.HTTPError as error:
            if error.code not in (429, 503):
                raise
        except OSError:  # refused, reset, timed out
            pass
    raise GatewayAway
