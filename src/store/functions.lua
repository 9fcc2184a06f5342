#!lua name=jobcast
-- The jobcast function library: everything that must be atomic, and the only place where a job's state changes.
-- Contract: docs/functions.md. KEYS[1] is the namespace; every other key is derived from it and shares its slot.
-- `math` and friends are looked up inside functions: at load time Redis 7.0 does not have them.

local VERSION = '1.1'

local FINAL = {done = true, failed = true, cancelled = true}
local STATUSES = {pending = true, processing = true, retrying = true, done = true, failed = true, cancelled = true}
local MAX_TIME = 9007199254740991

-- What the caller did wrong. Raised as a table and turned into an error reply at the entry: `JOBCAST <field>: <what to change>`.
local function refuse(field, detail)
  error({jobcast = 'JOBCAST ' .. field .. ': ' .. detail}, 0)
end

---------------------------------------------------------------------------------------------------------------- text
-- Free text is never refused for its bytes, only for its length: broken UTF-8 becomes U+FFFD, control characters are
-- escaped. What leaves here is a JSON string on one line, so that no text can end a line of an event stream.

local ESCAPES = {['"'] = '\\"', ['\\'] = '\\\\', ['\n'] = '\\n', ['\r'] = '\\r', ['\t'] = '\\t'}
local function escape(c) return ESCAPES[c] or string.format('\\u%04x', string.byte(c)) end

-- How many bytes the well-formed UTF-8 sequence at `i` takes, or nil (Unicode 15, table 3-7).
local function sequence(s, i)
  local a, b, c, d = string.byte(s, i, i + 3)
  local function tail(x) return x and x >= 0x80 and x <= 0xbf end
  if a < 0x80 then return 1 end
  if a >= 0xc2 and a <= 0xdf then return tail(b) and 2 or nil end
  if a >= 0xe0 and a <= 0xef then
    local low, high = a == 0xe0 and 0xa0 or 0x80, a == 0xed and 0x9f or 0xbf
    return b and b >= low and b <= high and tail(c) and 3 or nil
  end
  if a >= 0xf0 and a <= 0xf4 then
    local low, high = a == 0xf0 and 0x90 or 0x80, a == 0xf4 and 0x8f or 0xbf
    return b and b >= low and b <= high and tail(c) and tail(d) and 4 or nil
  end
  return nil
end

-- Calls `bad` with the position of each byte that is part of no sequence; stops when it answers true.
local function each_bad_byte(s, bad)
  local i = string.find(s, '[\128-\255]')
  while i do
    local n = sequence(s, i)
    if not n and bad(i) then return end
    i = string.find(s, '[\128-\255]', i + (n or 1))
  end
end

local function repaired(s)
  local parts, from = {}, 1
  each_bad_byte(s, function(i)
    parts[#parts + 1] = string.sub(s, from, i - 1)
    parts[#parts + 1] = '\239\191\189'
    from = i + 1
  end)
  if #parts == 0 then return s end
  parts[#parts + 1] = string.sub(s, from)
  return table.concat(parts)
end

local function quoted(s)
  if string.find(s, '[%z\1-\31"\\\127-\255]') then s = string.gsub(repaired(s), '[%z\1-\31"\\\127]', escape) end
  return '"' .. s .. '"'
end

------------------------------------------------------------------------------------------------------------ raw JSON
-- `result`, `input`, `notify` are kept as sent: cjson would turn [] into {} and round numbers. That makes this check a
-- security boundary, because cjson alone accepts raw newlines in strings (which forge events), NaN, 0x1F and 01.

local function is_number(token)
  local rest = string.match(token, '^%-?0(.*)$') or string.match(token, '^%-?[1-9]%d*(.*)$')
  if not rest then return false end
  rest = string.match(rest, '^%.%d+(.*)$') or rest
  return rest == '' or string.match(rest, '^[eE][+-]?%d+$') ~= nil
end

-- The text with every string taken out, for looking at what stands between them.
local function without_strings(s)
  local parts, from = {}, 1
  while true do
    local open = string.find(s, '"', from, true)
    if not open then break end
    parts[#parts + 1] = string.sub(s, from, open - 1)
    local i = open + 1
    while true do
      i = string.find(s, '["\\]', i)
      if not i then return nil end
      if string.byte(s, i) == 34 then break end
      i = i + 2
    end
    from = i + 1
  end
  parts[#parts + 1] = string.sub(s, from)
  return table.concat(parts, ' ')
end

local function raw_json(field, s, limit)
  if #s > limit then refuse(field, 'at most ' .. limit .. ' bytes of JSON, this has ' .. #s) end
  s = string.gsub(s, '[\r\n\t]', ' ')
  if string.find(s, '[%z\1-\31]') then refuse(field, 'no control characters in JSON; escape them as \\u00XX') end
  each_bad_byte(s, function() refuse(field, 'JSON must be valid UTF-8') end)
  local bare = without_strings(s)
  if not bare or not string.find(s, '[^ ]') or not pcall(cjson.decode, s) then refuse(field, 'this is not valid JSON') end
  local depth = 0
  for bracket in string.gmatch(bare, '[%[%]{}]') do
    if bracket == '[' or bracket == '{' then
      depth = depth + 1
      if depth > 32 then refuse(field, 'JSON may be nested 32 deep') end
    else
      depth = depth - 1
    end
  end
  for token in string.gmatch(bare, '[^ %[%]{},:]+') do
    if token ~= 'true' and token ~= 'false' and token ~= 'null' and not is_number(token) then
      refuse(field, 'this is not valid JSON: ' .. string.sub(string.gsub(token, '[^%w.+-]', '?'), 1, 20) .. ' is no value')
    end
  end
  return s
end

-------------------------------------------------------------------------------------------------------------- values

local function number(field, s, lowest, highest)
  local n = is_number(s) and tonumber(s) or nil
  if not n or n < lowest or n > highest then
    refuse(field, 'a number from ' .. lowest .. ' to ' .. string.format('%.0f', highest))
  end
  return n
end

local function integer(field, s, lowest, highest)
  local n = string.match(s, '^%-?%d+$') and tonumber(s) or nil
  if not n or n < lowest or n > highest then
    refuse(field, 'a whole number from ' .. lowest .. ' to ' .. string.format('%.0f', highest))
  end
  return n
end

-- As JSON, without losing digits and without an exponent for what is whole.
local function digits(n)
  if n == math.floor(n) then return string.format('%.0f', n) end
  return string.format('%.10g', n)
end

local function text(field, s, limit)
  if #s > limit then refuse(field, 'at most ' .. limit .. ' bytes, this has ' .. #s) end
  return s
end

local function name(field, s, limit)
  if #s < 1 or #s > limit or string.find(s, '[^%w._:-]') then
    refuse(field, '1 to ' .. limit .. ' of the characters A-Z a-z 0-9 . _ : -')
  end
  return s
end

local function link(field, s)
  text(field, s, 2000)
  local lower = string.lower(s)
  if not (string.find(lower, '^https?://[^/]') or string.find(s, '^/[^/\\]') or s == '/') or string.find(s, '[%z\1-\32"<>\\^`{|}\127]') then
    refuse(field, 'an http or https address, or a path that begins with /')
  end
  return s
end

local function one_of(field, s, allowed)
  for _, one in ipairs(allowed) do if s == one then return s end end
  refuse(field, 'one of ' .. table.concat(allowed, ', '))
end

local function encoded(s)
  return (string.gsub(s, '[^%w%-._~]', function(c) return string.format('%%%02X', string.byte(c)) end))
end

local function now()
  local t = redis.call('TIME')
  return tonumber(t[1]) * 1000 + math.floor(tonumber(t[2]) / 1000)
end

-------------------------------------------------------------------------------------------------------------- fields
-- One table says what each field of a report or of a creation may be.

local function bounded(limit) return function(field, s) return text(field, s, limit) end end
local function present(limit)
  return function(field, s)
    if s == '' then refuse(field, 'a text that is not empty') end
    return text(field, s, limit)
  end
end
local function amount(field, s) return digits(number(field, s, 0, MAX_TIME)) end

local COMMON = {
  type = function(field, s) return name(field, s, 64) end,
  owner = present(128), tenant = present(128), group = present(128),
  max_attempts = function(field, s) return integer(field, s, 1, 1000) end,
  by = function(field, s) return name(field, s, 64) end,
}

local REPORT = {
  status = function(field, s) return one_of(field, s, {'pending', 'processing', 'retrying', 'done', 'failed', 'cancelled'}) end,
  attempt = function(field, s) return integer(field, s, 1, 1000000) end,
  lease = function(field, s) return number(field, s, 1, 604800) end,
  percent = function(field, s) return number(field, s, 0, 100) end,
  current = amount, total = amount,
  unit = bounded(100), step = bounded(100), message = bounded(500),
  eta = function(field, s) return digits(integer(field, s, 0, MAX_TIME)) end,
  ['error.code'] = bounded(128), ['error.title'] = bounded(200), ['error.detail'] = bounded(2000), ['error.action'] = bounded(2000),
  ['error.severity'] = function(field, s) return one_of(field, s, {'low', 'high'}) end,
  ['error.retryable'] = function(field, s) return one_of(field, s, {'true', 'false'}) end,
  ['error.link'] = link, ['error.reference'] = bounded(128),
  result = function(_, s) return s end,
  retry_in = function(field, s) return number(field, s, 0, 31536000) end,
  retry_at = function(field, s) return integer(field, s, 0, MAX_TIME) end,
}

local CREATE = {
  notify = function(_, s) return s end, input = function(_, s) return s end,
  request = bounded(128),
  keyed = function(field, s) return one_of(field, s, {'1'}) end,
}

-- Reads `field value ...` from args[first] on. Labels come back in `labels`.
local function read_fields(args, first, own)
  if (#args - first + 1) % 2 ~= 0 then refuse(string.sub(args[#args], 1, 64), 'every field needs a value') end
  local out = {}
  for i = first, #args, 2 do
    local field, value = args[i], args[i + 1]
    local label = string.match(field, '^labels%.(.*)$')
    if label then
      name(field, label, 64)
      out.labels = out.labels or {}
      if out.labels[label] then refuse(field, 'given twice') end
      out.labels[label] = text(field, value, 200)
    else
      local read = own[field] or COMMON[field]
      if not read then
        refuse(string.gsub(string.sub(field, 1, 64), '[^%w._:-]', '?'), 'this is not a field; see docs/functions.md')
      end
      if out[field] ~= nil then refuse(field, 'given twice') end
      out[field] = read(field, value)
    end
  end
  return out
end

-------------------------------------------------------------------------------------------------------------- record
-- A job's hash holds its fields one by one, text already in JSON's form, so that building the record is one
-- concatenation; and `doc`, the record as it was last published.

local KEPT = {
  'v', 'status', 'attempt', 'max', 'type', 'created', 'updated', 'started', 'finished', 'locked', 'retry_at', 'owner', 'tenant',
  'group', 'stalled', 'cancel', 'percent', 'current', 'total', 'unit', 'step', 'message', 'eta', 'error', 'labels', 'result',
  'lease', 'retries', 'made', 'work', 'expires', 'retention', 'abandoned',
}

local function load(ns, id)
  local key = ns .. ':job:' .. id
  local values = redis.call('HMGET', key, unpack(KEPT))
  if not values[1] then return nil end
  local job = {id = id, key = key, stored = {}}
  for i, field in ipairs(KEPT) do
    local value = values[i] or nil
    job[field] = value
    job.stored[field] = value
  end
  job.v, job.attempt, job.max = tonumber(job.v), tonumber(job.attempt), tonumber(job.max)
  job.updated = tonumber(job.updated)
  return job
end

local function can(job)
  if FINAL[job.status] then
    return job.status ~= 'done' and job.retries == '1' and '["retry"]' or '[]'
  end
  return job.cancel and '[]' or '["cancel"]'
end

local function record(job)
  local p, n = {}, 0
  local function put(key, value)
    if value then
      p[n + 1], p[n + 2], p[n + 3] = key, value, ','
      n = n + 3
    end
  end
  put('{"id":"', job.id)
  p[n] = '",'
  put('"version":', digits(job.v))
  put('"updated_at":', digits(job.updated))
  put('"type":"', job.type)
  p[n] = '",'
  put('"status":"', job.status)
  p[n] = '",'
  put('"attempt":', digits(job.attempt))
  put('"max_attempts":', digits(job.max))
  p[n + 1] = '"progress":{'
  n = n + 1
  local before = n
  put('"percent":', job.percent)
  put('"current":', job.current)
  put('"total":', job.total)
  put('"unit":', job.unit)
  put('"step":', job.step)
  put('"message":', job.message)
  put('"eta":', job.eta)
  if n > before then p[n] = '},' else p[n + 1] = '},' n = n + 1 end
  put('"stalled":', job.stalled and 'true' or 'false')
  put('"cancel_requested":', job.cancel and 'true' or 'false')
  put('"can":', can(job))
  put('"created_at":', job.created)
  put('"started_at":', job.started)
  put('"finished_at":', job.finished)
  put('"locked_at":', job.locked)
  put('"retry_at":', job.retry_at)
  put('"owner":', job.owner and quoted(job.owner))
  put('"tenant":', job.tenant and quoted(job.tenant))
  put('"group":', job.group and quoted(job.group))
  put('"error":', job.error)
  put('"labels":', job.labels)
  put('"result":', job.result)
  p[n] = '}'
  return table.concat(p)
end

local function scope_of(job)
  if not job.owner then return nil end
  return encoded(job.tenant or '') .. '/' .. encoded(job.owner)
end

------------------------------------------------------------------------------------------------------------ policies

local function global_policy(ns)
  local p = redis.call('HMGET', ns .. ':policy', 'create_on_report', 'lease_ms', 'retention_ms', 'abandoned_ms', 'max_result', 'max_input')
  return {
    create_on_report = p[1] ~= '0', lease = tonumber(p[2] or 60000), retention = tonumber(p[3] or 86400000),
    abandoned = tonumber(p[4] or 604800000), max_result = tonumber(p[5] or 65536), max_input = tonumber(p[6] or 65536),
  }
end

local function type_policy(ns, type, global)
  local p = redis.call('HMGET', ns .. ':policy:' .. type, 'lease_ms', 'start_timeout_ms', 'max_attempts', 'backoff_base_ms',
    'backoff_factor', 'backoff_cap_ms', 'dispatch', 'user_retry')
  return {
    lease = tonumber(p[1] or global.lease), start_timeout = tonumber(p[2] or 0), max = tonumber(p[3] or 1),
    base = tonumber(p[4] or 5000), factor = tonumber(p[5] or 2), cap = tonumber(p[6] or 600000), dispatch = p[7] == '1', user_retry = p[8],
  }
end

-- A job that was created can be run again from what was stored; one that only reported itself cannot, unless its type says so.
local function offers_retry(policy, made)
  if policy.user_retry then return policy.user_retry == '1' and '1' or nil end
  return made and '1' or nil
end

--------------------------------------------------------------------------------------------------------------- store

local function deadline(ns, job, at)
  if at then redis.call('ZADD', ns .. ':deadlines', digits(at), job.id) else redis.call('ZREM', ns .. ':deadlines', job.id) end
end

-- Lifetimes are renewed only when under half: EXPIRE on each report would cost as much as the report.
local function keep_alive(ns, job, at)
  local span = tonumber(FINAL[job.status] and job.retention or job.abandoned)
  local wanted = at + span
  if job.retry_at and tonumber(job.retry_at) + span > wanted then wanted = tonumber(job.retry_at) + span end
  local have = tonumber(job.expires or 0)
  if have >= at + span / 2 and have <= at + span * 2 and not job.status_changed and have >= tonumber(job.retry_at or 0) then return end
  job.expires = digits(wanted)
  redis.call('PEXPIREAT', job.key, job.expires)
  redis.call('PEXPIREAT', ns .. ':log:' .. job.id, job.expires)
end

-- Writes what changed, and tells everyone. flags: a set of letters.
local function save(ns, job, at, flags, by)
  job.v = job.v + 1
  job.updated = at > (job.updated or 0) and at or job.updated
  local scope = scope_of(job)
  local doc = record(job)
  job.doc = doc
  job.status_changed = flags.s
  if flags.s or flags.n or flags.o or flags.c then
    local entry = {'version', digits(job.v), 'at', digits(at), 'status', job.status, 'attempt', digits(job.attempt), 'by', by or 'worker'}
    if job.error and (job.status == 'failed' or job.status == 'retrying') then
      entry[#entry + 1], entry[#entry + 2] = 'error', job.error
    end
    redis.call('XADD', ns .. ':log:' .. job.id, 'MAXLEN', '256', '*', unpack(entry))
  end
  -- The first write creates the hash, so its lifetime can only be set after it.
  local set, gone = {'doc', doc}, {}
  local function diff()
    for _, field in ipairs(KEPT) do
      local value, old = job[field], job.stored[field]
      if type(value) == 'number' then value = digits(value) end
      if value ~= old then
        if value == nil then gone[#gone + 1] = field else set[#set + 1] = field set[#set + 1] = value end
        job.stored[field] = value
      end
    end
  end
  diff()
  redis.call('HSET', job.key, unpack(set))
  if #gone > 0 then redis.call('HDEL', job.key, unpack(gone)) end
  local before = job.expires
  keep_alive(ns, job, at)
  if job.expires ~= before then
    redis.call('HSET', job.key, 'expires', job.expires)
    job.stored.expires = job.expires
  end
  if scope and (flags.s or flags.n or flags.o) then
    local index = ns .. ':owner:' .. scope
    redis.call('ZADD', index, digits(at), job.id)
    redis.call('ZREMRANGEBYSCORE', index, '-inf', '(' .. digits(at - tonumber(job.abandoned)))
    redis.call('PEXPIRE', index, job.abandoned)
  end
  if flags.f then
    redis.call('XADD', ns .. ':finished', 'MAXLEN', '~', '1000000', '*', 'id', job.id, 'type', job.type, 'status', job.status,
      'version', digits(job.v), 'attempt', digits(job.attempt), 'owner', job.owner or '', 'tenant', job.tenant or '', 'at', digits(at))
  end
  local letters = (flags.p and 'p' or '') .. (flags.s and 's' or '') .. (flags.f and 'f' or '') .. (flags.n and 'n' or '') .. (flags.o and 'o' or '')
  if letters == '' then letters = '-' end
  local message = digits(job.v) .. ' ' .. letters .. ' ' .. doc
  redis.call('PUBLISH', ns .. ':event:' .. job.id, message)
  if scope then redis.call('PUBLISH', ns .. ':feed:' .. scope, job.id .. ' ' .. message) end
end

local function drop_work(ns, job)
  if job.work then
    redis.call('XDEL', ns .. ':work:' .. job.type, job.work)
    job.work = nil
  end
end

local function put_work(ns, job)
  local input = redis.call('HGET', job.key, 'input') or ''
  job.work = redis.call('XADD', ns .. ':work:' .. job.type, '*', 'id', job.id, 'type', job.type, 'attempt', digits(job.attempt), 'input', input)
end

local function put_command(ns, job, op)
  redis.call('XADD', ns .. ':commands', 'MAXLEN', '~', '100000', '*', 'id', job.id, 'type', job.type, 'op', op, 'attempt', digits(job.attempt))
end

---------------------------------------------------------------------------------------------------------- transitions

local function fresh(ns, id, at, type, global, policy, made)
  return {
    id = id, key = ns .. ':job:' .. id, stored = {}, v = 0, status = 'pending', attempt = 1, max = policy.max, type = type,
    created = digits(at), updated = 0, lease = digits(policy.lease), retries = offers_retry(policy, made), made = made and '1' or nil,
    retention = digits(global.retention), abandoned = digits(global.abandoned),
  }
end

local function clear_progress(job)
  for _, field in ipairs({'percent', 'current', 'total', 'unit', 'step', 'message', 'eta'}) do job[field] = nil end
end

-- Owner, tenant and type may go from unset to a value once. Answers whether one did.
local function set_ownership(job, f)
  local changed = false
  for _, field in ipairs({'owner', 'tenant'}) do
    if f[field] then
      if job[field] and job[field] ~= f[field] then refuse(field, 'this job has another one, and it cannot change') end
      changed = changed or not job[field]
      job[field] = f[field]
    end
  end
  if f.type and f.type ~= job.type then
    if job.type ~= 'default' or job.v == 0 then
      if job.v > 0 then refuse('type', 'this job has another one, and it cannot change') end
    else
      changed = true
      job.type = f.type
    end
  end
  local scope = scope_of(job)
  if scope and #scope > 256 then refuse('owner', 'tenant and owner, percent-encoded, may take 256 bytes together') end
  return changed
end

local function set_labels(job, labels)
  if not labels then return end
  local all = {}
  if job.labels then
    for key, value in pairs(cjson.decode(job.labels)) do all[key] = value end
  end
  for key, value in pairs(labels) do all[key] = value ~= '' and value or nil end
  local keys = {}
  for key in pairs(all) do keys[#keys + 1] = key end
  if #keys > 16 then refuse('labels', 'at most 16 labels') end
  table.sort(keys)
  local parts = {}
  for _, key in ipairs(keys) do parts[#parts + 1] = '"' .. key .. '":' .. quoted(all[key]) end
  job.labels = #parts > 0 and '{' .. table.concat(parts, ',') .. '}' or nil
end

local ERROR_FIELDS = {'code', 'title', 'detail', 'action', 'severity', 'link', 'reference'}
local function error_of(f)
  local parts = {}
  for _, field in ipairs(ERROR_FIELDS) do
    local value = f['error.' .. field]
    if value and value ~= '' then parts[#parts + 1] = '"' .. field .. '":' .. quoted(value) end
  end
  local given = #parts > 0 or f['error.retryable'] ~= nil
  if not given then return nil end
  parts[#parts + 1] = '"retryable":' .. (f['error.retryable'] == 'true' and 'true' or 'false')
  return '{' .. table.concat(parts, ',') .. '}'
end

local function set_progress(job, f)
  for _, field in ipairs({'unit', 'step', 'message'}) do
    if f[field] then job[field] = f[field] ~= '' and quoted(f[field]) or nil end
  end
  for _, field in ipairs({'current', 'total', 'eta'}) do
    if f[field] then job[field] = f[field] end
  end
  local percent = f.percent
  if not percent and (f.current or f.total) and job.current and job.total and tonumber(job.total) > 0 then
    percent = math.min(100, math.floor(tonumber(job.current) / tonumber(job.total) * 1000) / 10)
  end
  if percent and percent >= tonumber(job.percent or 0) then job.percent = digits(percent) end
end

local function backoff(policy, attempt)
  local span = math.min(policy.cap, policy.base * policy.factor ^ math.min(attempt - 1, 60))
  return math.floor(span / 2 + math.random() * span / 2)
end

local function begin_attempt(job, attempt)
  job.attempt = attempt
  if job.max < attempt then job.max = attempt end
  clear_progress(job)
  job.retry_at = nil
end

-- Applies a checked report to the job. Answers nil, or why it is ignored; flags are set on the way.
local function apply(ns, job, f, at, flags, global)
  if FINAL[job.status] then return 'final' end
  if f.attempt and f.attempt < job.attempt then return 'stale_attempt' end
  local status = f.status or job.status
  if status == 'pending' and job.status ~= 'pending' then return 'transition' end

  if set_ownership(job, f) then flags.o = true end
  if f.type and flags.o then
    local policy = type_policy(ns, job.type, global())
    job.lease, job.retries = digits(policy.lease), offers_retry(policy, job.made)
    if not f.max_attempts and job.max == 1 then job.max = policy.max end
  end
  if f.group then job.group = f.group end
  if f.max_attempts then job.max = math.max(f.max_attempts, job.attempt) end
  set_labels(job, f.labels)
  if f.lease then job.lease = digits(f.lease * 1000) end
  if f.attempt and f.attempt > job.attempt then
    begin_attempt(job, f.attempt)
    flags.s = true
  end
  if status ~= 'done' and f.result then refuse('result', 'goes with status done') end
  if f.result then job.result = raw_json('result', f.result, global().max_result) end
  set_progress(job, f)
  local failure = error_of(f)
  if failure and status ~= 'failed' and status ~= 'retrying' then refuse('error', 'goes with status failed or retrying') end

  local was = job.status
  if status == 'failed' and f['error.retryable'] == 'true' and job.attempt < job.max then status = 'retrying' end
  if status == 'retrying' and (was ~= 'retrying' or f.status == 'retrying' or f.status == 'failed') then
    job.error = failure
    local policy = type_policy(ns, job.type, global())
    local due = f.retry_at or at + (f.retry_in and f.retry_in * 1000 or backoff(policy, job.attempt))
    begin_attempt(job, job.attempt + 1)
    job.retry_at = digits(math.floor(due))
    job.started, job.locked, job.stalled = nil, nil, nil
    drop_work(ns, job)
    deadline(ns, job, due)
    flags.s = true
  elseif f.retry_at or f.retry_in then
    refuse(f.retry_at and 'retry_at' or 'retry_in', 'goes with status retrying')
  end
  job.status = status
  if status ~= was then flags.s = true end
  if status == 'processing' then
    job.started = job.started or digits(at)
    job.locked = digits(at)
    job.retry_at, job.error = nil, nil
    if job.stalled then job.stalled, flags.c = nil, true end
    deadline(ns, job, at + tonumber(job.lease))
  elseif FINAL[status] then
    job.finished = digits(at)
    job.stalled, job.retry_at, job.cancel = nil, nil, status == 'cancelled' and job.cancel or nil
    if status == 'done' then job.percent = '100' job.error = nil end
    if status == 'failed' then job.error = failure or '{"title":"The job failed.","retryable":false}' end
    if status == 'cancelled' then job.error = nil end
    drop_work(ns, job)
    deadline(ns, job, nil)
    flags.f = true
  elseif status == 'pending' then
    job.locked = nil
  end
  return nil
end

---------------------------------------------------------------------------------------------------------- entry points

local function check_call(keys, args, what)
  if #keys ~= 1 then refuse('keys', 'one key, the namespace: FCALL ' .. what .. ' 1 jobcast ...') end
end

-- `FCALL jobcast_report 1 jobcast <id> field value ...`: KEYS[1] is the namespace.
local function entry(what, body)
  return function(keys, args)
    local ok, answer = pcall(function()
      check_call(keys, args, what)
      return body(keys[1], args)
    end)
    if ok then return answer end
    if type(answer) == 'table' and answer.jobcast then return redis.error_reply(answer.jobcast) end
    return redis.error_reply(type(answer) == 'table' and answer.err or tostring(answer))
  end
end

local function id_of(args, what)
  if not args[1] then refuse('id', 'missing; FCALL ' .. what .. ' 1 jobcast <id> ...') end
  return name('id', args[1], 128)
end

local function lazily(ns)
  local policy
  return function()
    policy = policy or global_policy(ns)
    return policy
  end
end

local function report(ns, args)
  local id = id_of(args, 'jobcast_report')
  local f = read_fields(args, 2, REPORT)
  local at = now()
  local global = lazily(ns)
  local job, flags = load(ns, id), {}
  if not job then
    if not global().create_on_report then return {'ignored:unknown', 0, ''} end
    local type = f.type or 'default'
    job = fresh(ns, id, at, type, global(), type_policy(ns, type, global()), false)
    if f.attempt then job.attempt = f.attempt job.max = math.max(job.max, f.attempt) end
    flags.n, flags.s = true, true
  end
  local ignored = apply(ns, job, f, at, flags, global)
  if ignored then return {'ignored:' .. ignored, job.v, job.cancel and 'cancel_requested' or ''} end
  if not (flags.s or flags.o or flags.c) then flags.p = true end
  save(ns, job, at, flags, f.by)
  return {'ok', job.v, job.cancel and 'cancel_requested' or ''}
end

local function heartbeat(ns, args)
  local id = id_of(args, 'jobcast_heartbeat')
  local attempt = args[2] and integer('attempt', args[2], 1, 1000000)
  if args[3] then refuse('attempt', 'nothing may follow it') end
  local job = load(ns, id)
  if not job then return {'ignored:unknown', 0, ''} end
  local answer = job.cancel and 'cancel_requested' or ''
  if FINAL[job.status] then return {'ignored:final', job.v, answer} end
  if attempt and attempt < job.attempt then return {'ignored:stale_attempt', job.v, answer} end
  if job.status ~= 'processing' then return {'ignored:transition', job.v, answer} end
  local at = now()
  job.locked = digits(at)
  deadline(ns, job, at + tonumber(job.lease))
  if job.stalled then
    job.stalled = nil
    save(ns, job, at, {c = true})
  else
    redis.call('HSET', job.key, 'locked', job.locked)
    local before = job.expires
    keep_alive(ns, job, at)
    if job.expires ~= before then redis.call('HSET', job.key, 'expires', job.expires) end
  end
  return {'ok', job.v, answer}
end

local function answer_of(what, job)
  return {what, job.v, FINAL[job.status] and 'f' or '', job.doc or redis.call('HGET', job.key, 'doc')}
end

local function create(ns, args)
  local id = id_of(args, 'jobcast_create')
  local f = read_fields(args, 2, CREATE)
  local at = now()
  local global = global_policy(ns)
  local input = f.input and raw_json('input', f.input, global.max_input)
  local notify = f.notify and raw_json('notify', f.notify, 4096)
  local job = load(ns, id)
  local what = 'created'
  if job and job.made then
    local request = redis.call('HGET', job.key, 'request')
    if not f.keyed then return answer_of('conflict:exists', job) end
    return answer_of(request == f.request and 'replayed' or 'conflict:request', job)
  end
  local flags = {}
  if job then
    what = 'adopted'
    flags.o = set_ownership(job, f) or nil
    job.made = '1'
    job.retries = offers_retry(type_policy(ns, job.type, global), true)
    flags.c = true
  else
    local policy = type_policy(ns, f.type or 'default', global)
    job = fresh(ns, id, at, f.type or 'default', global, policy, true)
    set_ownership(job, f)
    flags.n, flags.s = true, true
    job.dispatch, job.start_timeout = policy.dispatch, policy.start_timeout
  end
  if f.group then job.group = f.group end
  if f.max_attempts then job.max = math.max(f.max_attempts, job.attempt) end
  set_labels(job, f.labels)
  local private = {'request', f.request or ''}
  if input then private[#private + 1] = 'input' private[#private + 1] = input end
  if notify then private[#private + 1] = 'notify' private[#private + 1] = notify end
  -- Nothing is refused from here on, so nothing is written before.
  redis.call('HSET', job.key, unpack(private))
  if (job.start_timeout or 0) > 0 then deadline(ns, job, at + job.start_timeout) end
  if job.dispatch then put_work(ns, job) end
  save(ns, job, at, flags, f.by or 'publisher')
  return answer_of(what, job)
end

local function get(ns, args)
  local out = {}
  for i, id in ipairs(args) do
    name('id', id, 128)
    local r = redis.call('HMGET', ns .. ':job:' .. id, 'v', 'status', 'doc')
    out[i] = r[1] and {tonumber(r[1]), FINAL[r[2]] and 'f' or '', r[3]} or false
  end
  return out
end

local LIST = {
  limit = function(field, s) return integer(field, s, 1, 100) end,
  cursor = bounded(256), status = bounded(100), group = bounded(128),
  type = function(field, s) return name(field, s, 64) end,
  snapshot = function(field, s) return one_of(field, s, {'1'}) end,
  since = function(field, s) return integer(field, s, 0, MAX_TIME) end,
}
local LOOKED_AT = 2000

local function matches(f, statuses, status, type, group)
  return (not statuses or statuses[status]) and (not f.type or f.type == type) and (not f.group or f.group == group)
end

local function list(ns, args)
  local scope = args[1]
  if not scope or #scope > 256 or not string.find(scope, '^[%w%%%-._~]*/[%w%%%-._~]+$') then
    refuse('scope', '<tenant>/<owner>, percent-encoded, at most 256 bytes')
  end
  local own = {}
  for key, read in pairs(LIST) do own[key] = read end
  local f = read_fields(args, 2, own)
  local limit = f.limit or 100
  local statuses
  if f.status then
    statuses = {}
    for one in string.gmatch(f.status, '[^,]+') do
      if not STATUSES[one] then refuse('status', 'pending, processing, retrying, done, failed or cancelled; several with commas') end
      statuses[one] = true
    end
  end
  local highest, skip_id = '+inf', nil
  if f.cursor then
    local score, id = string.match(f.cursor, '^(%d+)~(.+)$')
    if not score then refuse('cursor', 'pass on the cursor of the page before as it is') end
    highest, skip_id = score, id
  end
  local index = ns .. ':owner:' .. scope
  local rows, finals, cursor = {}, {}, ''
  local looked, offset, stop = 0, 0, false
  while not stop do
    local members = redis.call('ZREVRANGEBYSCORE', index, highest, '-inf', 'WITHSCORES', 'LIMIT', tostring(offset), '200')
    if #members == 0 then break end
    for i = 1, #members, 2 do
      local id, score = members[i], members[i + 1]
      -- Ids of one score come in falling order, so what was given before the cursor is skipped by comparison.
      if not (skip_id and score == highest and id >= skip_id) then
        if #rows >= limit and not f.snapshot or looked >= LOOKED_AT then
          stop = true
          break
        end
        looked = looked + 1
        local r = redis.call('HMGET', ns .. ':job:' .. id, 'v', 'status', 'doc', 'type', 'group', 'updated')
        if r[1] and matches(f, statuses, r[2], r[4], r[5]) then
          local row = {tonumber(r[1]), FINAL[r[2]] and 'f' or '', r[3]}
          if not f.snapshot then
            rows[#rows + 1] = row
          elseif not FINAL[r[2]] then
            rows[#rows + 1] = row
          elseif not f.since or tonumber(r[6]) >= f.since then
            finals[#finals + 1] = row
          end
        end
        cursor = score .. '~' .. id
      end
    end
    offset = offset + 200
  end
  if f.snapshot then
    local cut = stop or #rows + #finals > limit
    for _, row in ipairs(finals) do
      if #rows >= limit then break end
      rows[#rows + 1] = row
    end
    while #rows > limit do rows[#rows] = nil end
    local out = {cut and '9007199254740991~~' or ''}
    for _, row in ipairs(rows) do out[#out + 1] = row end
    return out
  end
  local out = {stop and cursor or ''}
  for _, row in ipairs(rows) do out[#out + 1] = row end
  return out
end

local function cancel(ns, args)
  local job = load(ns, id_of(args, 'jobcast_cancel'))
  if not job then return {'missing', 0, '', ''} end
  local by = args[2] and name('by', args[2], 64) or 'viewer'
  if FINAL[job.status] then return answer_of('ignored:final', job) end
  if job.cancel then return answer_of('ok', job) end
  local at = now()
  put_command(ns, job, 'cancel')
  if job.status == 'processing' then
    job.cancel = '1'
    save(ns, job, at, {c = true}, by)
  else
    job.status, job.finished, job.retry_at, job.error = 'cancelled', digits(at), nil, nil
    drop_work(ns, job)
    deadline(ns, job, nil)
    save(ns, job, at, {s = true, f = true}, by)
  end
  return answer_of('ok', job)
end

local function retry(ns, args)
  local job = load(ns, id_of(args, 'jobcast_retry'))
  if not job then return {'missing', 0, '', ''} end
  local by = args[2] and name('by', args[2], 64) or 'viewer'
  if not FINAL[job.status] or job.status == 'done' or job.retries ~= '1' then return answer_of('ignored:not_offered', job) end
  local at = now()
  local policy = type_policy(ns, job.type, global_policy(ns))
  job.status = 'pending'
  begin_attempt(job, job.attempt + 1)
  job.error, job.result, job.finished, job.cancel, job.started, job.locked, job.stalled = nil, nil, nil, nil, nil, nil, nil
  put_command(ns, job, 'retry')
  if policy.dispatch then put_work(ns, job) end
  deadline(ns, job, at + (policy.start_timeout > 0 and policy.start_timeout or 300000))
  save(ns, job, at, {s = true}, by)
  return answer_of('ok', job)
end

local function delete(ns, args)
  local job = load(ns, id_of(args, 'jobcast_delete'))
  if not job then return {'missing'} end
  drop_work(ns, job)
  deadline(ns, job, nil)
  redis.call('DEL', job.key, ns .. ':log:' .. job.id)
  local scope = scope_of(job)
  redis.call('PUBLISH', ns .. ':event:' .. job.id, '0 d null')
  if scope then
    redis.call('ZREM', ns .. ':owner:' .. scope, job.id)
    redis.call('PUBLISH', ns .. ':feed:' .. scope, job.id .. ' 0 d null')
  end
  return {'ok'}
end

local function lease(ns, args)
  local key = ns .. ':lease:' .. name('name', args[1] or '', 64)
  local holder = name('holder', args[2] or '', 128)
  local ttl = integer('ttl_ms', args[3] or '', 0, 3600000)
  local has = redis.call('GET', key)
  if has and has ~= holder then return 0 end
  if ttl == 0 then
    redis.call('DEL', key)
    return 0
  end
  redis.call('SET', key, holder, 'PX', tostring(ttl))
  return 1
end

redis.register_function('jobcast_report', entry('jobcast_report', report))
redis.register_function('jobcast_heartbeat', entry('jobcast_heartbeat', heartbeat))
redis.register_function('jobcast_create', entry('jobcast_create', create))
redis.register_function('jobcast_cancel', entry('jobcast_cancel', cancel))
redis.register_function('jobcast_retry', entry('jobcast_retry', retry))
redis.register_function('jobcast_delete', entry('jobcast_delete', delete))
redis.register_function('jobcast_lease', entry('jobcast_lease', lease))
redis.register_function{function_name = 'jobcast_get', callback = entry('jobcast_get', get), flags = {'no-writes'}}
redis.register_function{function_name = 'jobcast_list', callback = entry('jobcast_list', list), flags = {'no-writes'}}
redis.register_function{function_name = 'jobcast_version', callback = function() return VERSION end, flags = {'no-writes'}}

------------------------------------------------------------------------------------------------------------- notifier
-- Outcomes to tell by webhook and e-mail (docs/functions.md, "Notifier"). A delivery is one outcome on one channel. It is
-- made when its outcome is taken from ns:finished, and waits in a sorted set of its channel; claiming it moves its due time
-- behind a lease, so that it comes up again by itself if the gateway that claimed it dies.

local notify = {GROUP = 'notify', BATCH = 25, ORPHANED = 3600000}

function notify.due(ns, channel) return ns .. ':notify:due:' .. channel end
function notify.delivery(ns, id) return ns .. ':notify:delivery:' .. id end
function notify.channel_of(id) return string.match(id, '^[^/]*') end

function notify.queue(ns, channel, to, outcome, due)
  local id = table.concat({channel, outcome.attempt, outcome.status, outcome.created, outcome.id}, '/')
  redis.call('HSET', notify.delivery(ns, id), 'job', outcome.id, 'attempt', outcome.attempt, 'status', outcome.status, 'type', outcome.type,
    'created', outcome.created, 'finished', outcome.at, 'to', to, 'tries', '0', 'claims', '0')
  redis.call('ZADD', notify.due(ns, channel), digits(due), id)
  redis.call('SADD', ns .. ':notify:channels', channel)
end

-- Makes the deliveries of one entry of ns:finished. `notified` in the job's hash holds the attempt whose outcome was taken, so
-- that an entry read twice (the group was made anew) makes none twice.
function notify.take(ns, entry, grace, channels)
  local outcome = {}
  for i = 1, #entry, 2 do outcome[entry[i]] = entry[i + 1] end
  if not outcome.id then return end
  local key = ns .. ':job:' .. outcome.id
  local job = redis.call('HMGET', key, 'status', 'attempt', 'created', 'error', 'notify', 'notified')
  if job[1] ~= outcome.status or job[2] ~= outcome.attempt or job[6] == outcome.attempt then return end
  outcome.created = job[3]
  local failure = job[4] and cjson.decode(job[4]) or {}
  local due = tonumber(outcome.at) + (failure.severity == 'high' and 0 or grace)
  local any = false
  for _, channel in ipairs(channels) do
    if string.find(channel.name, '^hook%.') then
      any = true
      notify.queue(ns, channel.name, '', outcome, due)
    end
  end
  local ok, asked = pcall(cjson.decode, job[5] or 'null')
  for _, name in ipairs({'webhook', 'email'}) do
    if ok and type(asked) == 'table' and type(asked[name]) == 'string' then
      any = true
      notify.queue(ns, name, asked[name], outcome, due)
    end
  end
  if any then redis.call('HSET', key, 'notified', outcome.attempt) end
end

function notify.before(a, b)
  local a_time, a_number = string.match(a, '^(%d+)-(%d+)$')
  local b_time, b_number = string.match(b, '^(%d+)-(%d+)$')
  if a_time ~= b_time then return tonumber(a_time) < tonumber(b_time) end
  return tonumber(a_number) < tonumber(b_number)
end

-- Trims ns:finished to what every consumer group has acknowledged. Whole nodes only: exact trimming would copy the last one
-- each time.
function notify.trim(ns)
  local stream, lowest = ns .. ':finished', nil
  for _, group in ipairs(redis.call('XINFO', 'GROUPS', stream)) do
    local g = {}
    for i = 1, #group, 2 do g[group[i]] = group[i + 1] end
    local upto = g['last-delivered-id']
    if g.pending > 0 then upto = redis.call('XPENDING', stream, g.name)[2] end
    if not lowest or notify.before(upto, lowest) then lowest = upto end
  end
  if lowest then redis.call('XTRIM', stream, 'MINID', '~', lowest) end
end

-- Answers whether there may be more to take.
function notify.take_new(ns, at, grace, channels)
  local stream = ns .. ':finished'
  local read = {'XREADGROUP', 'GROUP', notify.GROUP, 'gateways', 'NOACK', 'COUNT', tostring(notify.BATCH), 'STREAMS', stream, '>'}
  local new = redis.pcall(unpack(read))
  if new and new.err then
    if not string.find(new.err, 'NOGROUP', 1, true) then error(new) end
    -- The first notifier of an older installation tells what ended in the last hour, not everything that ever did.
    redis.call('XGROUP', 'CREATE', stream, notify.GROUP, digits(at - 3600000), 'MKSTREAM')
    new = redis.call(unpack(read))
  end
  local entries = new and new[1] and new[1][2] or {}
  for _, entry in ipairs(entries) do notify.take(ns, entry[2], grace, channels) end
  if #entries > 0 then notify.trim(ns) end
  return #entries == notify.BATCH
end

function notify.forget(ns, id)
  redis.call('ZREM', notify.due(ns, notify.channel_of(id)), id)
  redis.call('DEL', notify.delivery(ns, id))
end

-- Makes a delivery a dead letter; the oldest beyond `keep` are dropped.
function notify.bury(ns, id, at, keep, why, endpoint)
  local dead = ns .. ':notify:dead'
  redis.call('ZREM', notify.due(ns, notify.channel_of(id)), id)
  redis.call('HSET', notify.delivery(ns, id), 'error', why, 'died', digits(at), 'endpoint', endpoint or '')
  redis.call('ZADD', dead, digits(at), id)
  for _, oldest in ipairs(redis.call('ZRANGE', dead, '0', tostring(-keep - 1))) do
    redis.call('ZREM', dead, oldest)
    redis.call('DEL', notify.delivery(ns, oldest))
  end
end

-- Whether a delivery is still wanted, decided once, when its grace is over: nil if it is, else why not. Keeps the record, so that
-- every try sends the same.
function notify.unwanted(ns, id, d)
  if d.doc then return nil end
  if not d.job then return 'gone' end
  local job = redis.call('HMGET', ns .. ':job:' .. d.job, 'status', 'attempt', 'created', 'seen_at', 'doc')
  if job[1] ~= d.status or job[2] ~= d.attempt or job[3] ~= d.created then return 'gone' end
  if job[4] then return 'seen' end
  d.doc = job[5]
  redis.call('HSET', notify.delivery(ns, id), 'doc', d.doc)
  return nil
end

function notify.read(ns, id)
  local names = {'job', 'attempt', 'status', 'type', 'created', 'finished', 'to', 'tries', 'claims', 'doc'}
  local values, d = redis.call('HMGET', notify.delivery(ns, id), unpack(names)), {}
  for i, field in ipairs(names) do d[field] = values[i] or nil end
  return d
end

-- Claims what is due. Answers [channel, how many were seen, how many were buried, [delivery, ...], 1 if there may be more].
function notify.claim(ns, channel, at, lease, keep)
  local claimed, seen, buried, looked = {}, 0, 0, 0
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', notify.due(ns, channel.name), '-inf', digits(at), 'LIMIT', '0', tostring(channel.limit))) do
    looked = looked + 1
    local d = notify.read(ns, id)
    local endpoint = channel.name == 'webhook' and redis.sha1hex(d.to or '') or channel.endpoint
    local unwanted = notify.unwanted(ns, id, d)
    if unwanted then
      notify.forget(ns, id)
      if unwanted == 'seen' then seen = seen + 1 end
    elseif endpoint ~= '' and redis.call('ZSCORE', ns .. ':notify:disabled', endpoint) then
      notify.bury(ns, id, at, keep, 'the endpoint is disabled since it answered 410 Gone', endpoint)
      buried = buried + 1
    else
      redis.call('ZADD', notify.due(ns, channel.name), digits(at + lease), id)
      redis.call('HSET', notify.delivery(ns, id), 'tries', digits(d.tries + 1), 'claims', digits(d.claims + 1))
      claimed[#claimed + 1] = {id, d.claims + 1, d.tries + 1, d.to, d.job, d.attempt, d.status, d.type, d.created, d.finished, d.doc}
    end
  end
  return {channel.name, seen, buried, claimed, looked == channel.limit and 1 or 0}
end

-- Deliveries of a webhook that was taken out of the configuration. Only after a while, since another gateway may know it.
function notify.bury_orphans(ns, at, keep, channels)
  local known = {}
  for _, channel in ipairs(channels) do known[channel.name] = true end
  for _, name in ipairs(redis.call('SMEMBERS', ns .. ':notify:channels')) do
    if not known[name] then
      local key = notify.due(ns, name)
      for _, id in ipairs(redis.call('ZRANGEBYSCORE', key, '-inf', digits(at - notify.ORPHANED), 'LIMIT', '0', tostring(notify.BATCH))) do
        if notify.unwanted(ns, id, notify.read(ns, id)) then
          notify.forget(ns, id)
        else
          notify.bury(ns, id, at, keep, 'no gateway is configured with this webhook any more')
        end
      end
      if redis.call('EXISTS', key) == 0 then redis.call('SREM', ns .. ':notify:channels', name) end
    end
  end
end

function notify.poll(ns, args)
  local grace = integer('grace_ms', args[1] or '', 0, MAX_TIME)
  local lease = integer('lease_ms', args[2] or '', 1, 86400000)
  local keep = integer('keep', args[3] or '', 0, 1000000)
  local channels = {}
  for i = 4, #args, 3 do
    channels[#channels + 1] = {name = name('channel', args[i], 96), limit = integer('limit', args[i + 1] or '', 0, 10000), endpoint = args[i + 2] or ''}
  end
  local at = now()
  local wait = notify.take_new(ns, at, grace, channels) and 0 or -1
  notify.bury_orphans(ns, at, keep, channels)
  local out = {0}
  for _, channel in ipairs(channels) do
    if channel.limit > 0 then
      local batch = notify.claim(ns, channel, at, lease, keep)
      out[#out + 1] = batch
      -- With its room used up, a channel waits for a try to end rather than for a time.
      local first = #batch[4] < channel.limit and redis.call('ZRANGE', notify.due(ns, channel.name), '0', '0', 'WITHSCORES') or {}
      if first[2] then
        local left = math.max(0, tonumber(first[2]) - at)
        if wait < 0 or left < wait then wait = left end
      end
    end
  end
  out[1] = wait
  return out
end

-- What became of a claimed delivery: `sent`, `retry delay_ms error`, `dead keep error`, or `disable keep error endpoint` (the
-- endpoint of a webhook that the job named is its URL). That it arrived is believed from anyone; anything else only from who
-- holds the newest claim.
function notify.settle(ns, args)
  local id, claim, what = args[1] or '', args[2] or '', one_of('what', args[3] or '', {'sent', 'retry', 'dead', 'disable'})
  local key, channel, at = notify.delivery(ns, id), notify.channel_of(id), now()
  local has = redis.call('HMGET', key, 'claims', 'died', 'to')
  if not has[1] or what ~= 'sent' and (has[2] or has[1] ~= claim) then return 'stale' end
  if what == 'sent' then
    notify.forget(ns, id)
    redis.call('ZREM', ns .. ':notify:dead', id)
    return 'ok'
  end
  local amount, why = integer('amount', args[4] or '', 0, MAX_TIME), repaired(args[5] or '')
  if what == 'retry' then
    redis.call('ZADD', notify.due(ns, channel), digits(at + amount), id)
    redis.call('HSET', key, 'error', why)
  elseif what == 'dead' then
    notify.bury(ns, id, at, amount, why)
  else
    local endpoint = channel == 'webhook' and redis.sha1hex(has[3]) or args[6] or ''
    notify.bury(ns, id, at, amount, why, endpoint)
    redis.call('ZADD', ns .. ':notify:disabled', digits(at), endpoint)
    redis.call('ZREMRANGEBYRANK', ns .. ':notify:disabled', '0', '-10001')
  end
  return 'ok'
end

function notify.list(ns, args)
  local first = integer('first', args[1] or '', 0, 1000000)
  local count = integer('count', args[2] or '', 1, 1000)
  local waiting, rows = 0, {}
  for _, channel in ipairs(redis.call('SMEMBERS', ns .. ':notify:channels')) do
    waiting = waiting + redis.call('ZCARD', notify.due(ns, channel))
  end
  for _, id in ipairs(redis.call('ZREVRANGE', ns .. ':notify:dead', tostring(first), tostring(first + count - 1))) do
    local d = redis.call('HMGET', notify.delivery(ns, id), 'died', 'tries', 'to', 'error')
    rows[#rows + 1] = {id, d[1] or '0', d[2] or '0', d[3] or '', d[4] or ''}
  end
  return {waiting, redis.call('ZCARD', ns .. ':notify:dead'), rows}
end

-- Calls `with` for each dead letter that is named, or for the oldest of all if that is `*`. Answers how many.
function notify.each_dead(ns, args, with)
  local dead, done = ns .. ':notify:dead', 0
  local ids = args
  if args[1] == '*' then ids = redis.call('ZRANGE', dead, '0', '999') end
  for _, id in ipairs(ids) do
    if redis.call('ZREM', dead, id) == 1 then
      done = done + 1
      with(id)
    end
  end
  return done
end

function notify.replay(ns, args)
  local at = now()
  return notify.each_dead(ns, args, function(id)
    local key, channel = notify.delivery(ns, id), notify.channel_of(id)
    local endpoint = redis.call('HGET', key, 'endpoint')
    if endpoint and endpoint ~= '' then redis.call('ZREM', ns .. ':notify:disabled', endpoint) end
    redis.call('HDEL', key, 'died', 'endpoint', 'error')
    redis.call('HSET', key, 'tries', '0')
    redis.call('ZADD', notify.due(ns, channel), digits(at), id)
    redis.call('SADD', ns .. ':notify:channels', channel)
  end)
end

function notify.drop(ns, args)
  return notify.each_dead(ns, args, function(id) redis.call('DEL', notify.delivery(ns, id)) end)
end

redis.register_function('jobcast_notify_poll', entry('jobcast_notify_poll', notify.poll))
redis.register_function('jobcast_notify_settle', entry('jobcast_notify_settle', notify.settle))
redis.register_function('jobcast_notify_replay', entry('jobcast_notify_replay', notify.replay))
redis.register_function('jobcast_notify_drop', entry('jobcast_notify_drop', notify.drop))
redis.register_function{function_name = 'jobcast_notify_list', callback = entry('jobcast_notify_list', notify.list), flags = {'no-writes'}}
