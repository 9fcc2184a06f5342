"""The least that a report of progress could cost Redis on this machine: a function that only makes the calls which `jobcast_report`
cannot do without, and puts nothing together but a record of the usual length. Machines differ by a factor of two, this ratio hardly does."""
import os
import time

import redis

CALLS, AT_ONCE, JOBS = 40_000, 1_000, 1_000
LIBRARY = """#!lua name=least
local padding = '%s'
redis.register_function('least_report', function(keys, args)
  local key = keys[1] .. ':job:' .. args[1]
  local had = redis.call('HMGET', key, 'now', 'front', 'back')
  local time = redis.call('TIME')
  local version = string.format('%%d', (had[1] or 0) + 1)
  local record = '{"id":"' .. args[1] .. '","version":' .. version .. ',"percent":' .. args[3] .. ',"message":"' .. args[5] .. '"' .. padding .. '}'
  redis.call('HSET', key, 'now', version, 'doc', record, 'message', args[5])
  redis.call('PUBLISH', keys[1] .. ':event:' .. args[1], version .. ' p ' .. record)
  return {'ok', tonumber(version), ''}
end)
""" % ("x" * 250)


def cpu_us(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) * 1_000_000 / os.sysconf("SC_CLK_TCK")


def measure(url, pid):
    """Calls a second, and microseconds of redis-server's CPU a call, as compare.py keeps them."""
    client = redis.Redis.from_url(url)
    client.execute_command("FUNCTION", "LOAD", "REPLACE", LIBRARY)
    before, begun = cpu_us(pid), time.monotonic()
    for first in range(0, CALLS, AT_ONCE):
        calls = client.pipeline(transaction=False)
        for n in range(first, first + AT_ONCE):
            calls.execute_command("FCALL", "least_report", 1, "least", f"job-{n % JOBS}", "percent", n // JOBS, "message", f"Page {n} of {CALLS}")
        calls.execute()
    spent, took = cpu_us(pid) - before, time.monotonic() - begun
    client.execute_command("FUNCTION", "DELETE", "least")
    for n in range(JOBS):
        client.delete(f"least:job:job-{n}")
    return {"reports": CALLS / took, "redis_cpu": spent / CALLS}
