-- What the configuration says of all jobs (`ns:policy`) and of one type (`ns:policy:<type>`); jobcast_policies writes both.
local policies = {} do

function policies.of_all(ns)
  local p = call('HMGET', ns .. ':policy', 'create_on_report', 'lease_ms', 'retention_ms', 'abandoned_ms', 'max_result', 'max_input')
  return {
    create_on_report = p[1] ~= '0', lease = tonumber(p[2] or 60000), retention = tonumber(p[3] or 86400000),
    abandoned = tonumber(p[4] or 604800000), max_result = tonumber(p[5] or 65536), max_input = tonumber(p[6] or 65536),
  }
end

-- How long a job that was offered to workers has to begin, where its type does not say.
local OFFERED_START_TIMEOUT = 300000

function policies.of_type(ns, type, global)
  local p = call('HMGET', ns .. ':policy:' .. type, 'lease_ms', 'start_timeout_ms', 'max_attempts', 'backoff_base_ms',
    'backoff_factor', 'backoff_cap_ms', 'dispatch', 'user_retry', 'grace_ms', 'on_stall')
  local max, grace = tonumber(p[3] or 1), tonumber(p[9] or nil)
  local start_timeout = tonumber(p[2] or 0)
  return {
    lease = tonumber(p[1] or global and global.lease or 60000), start_timeout = start_timeout, max = max,
    base = tonumber(p[4] or 5000), factor = tonumber(p[5] or 2), cap = tonumber(p[6] or 600000), dispatch = p[7] == '1', user_retry = p[8],
    grace = grace or 0, on_stall = p[10] or grace and (max > 1 and 'retry' or 'fail') or 'flag',
    offered_start_timeout = start_timeout > 0 and start_timeout or OFFERED_START_TIMEOUT,
  }
end

-- Written while a job is not over, for libraries before 1.15: this one judges anew with every outcome (`followers.refuse_retry`).
function policies.offers_retry(policy, made)
  if policy.user_retry then return policy.user_retry == '1' and '1' or nil end
  return made and '1' or nil
end

function policies.lazily(ns)
  local policy
  return function()
    policy = policy or policies.of_all(ns)
    return policy
  end
end

end
